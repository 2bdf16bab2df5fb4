"""What every isolation tier offers: a host that opens channels to fresh worker processes."""

from __future__ import annotations

from typing import Protocol

from grader.protocol.transport import Transport


class SandboxFault(Exception):
    """The worker could not be started; nothing is thereby said about the submission."""


class Host(Protocol):
    """Holds one staged submission and starts worker processes for it."""

    tier: str

    def open(self) -> Transport:
        """A channel to a fresh worker process, in place of the one opened before."""

    def close(self) -> None:
        """Kill what is left of the process tree and remove the working folder."""

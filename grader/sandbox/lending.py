"""A host that is kept for the next submission while one grading has the use of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from grader.protocol.transport import Transport
from grader.sandbox.interface import Host


class Kept(Host, Protocol):
    """A host that can be kept for other submissions."""

    def serve(self, files: Mapping[str, bytes]) -> None:
        """Hand another submission to the processes that are started from now on."""


StartKept = Callable[[Mapping[str, bytes]], Kept]


class Lent:
    """A kept host as a grading sees it: closing it ends the grading's processes only."""

    def __init__(self, host: Kept) -> None:
        self._host = host

    @property
    def tier(self) -> str:
        """The name of the isolation tier."""
        return self._host.tier

    def open(self) -> Transport:
        """A channel to a fresh worker process."""
        return self._host.open()

    def close(self) -> None:
        """End the submission's last process; what it has harmed is renewed meanwhile."""
        self._host.serve({})

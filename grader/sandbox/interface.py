"""What every isolation tier offers: a host that opens channels to fresh worker processes.

SandboxFault        no worker could be started
├── Unfit           a tier is not there, or does not hold on this machine
└── Refused         … and no other that may serve does
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from grader.confine.box import Box
from grader.protocol.transport import Transport

if TYPE_CHECKING:
    from grader.sandbox.stage import Stage


class SandboxFault(Exception):
    """The worker could not be started; nothing is thereby said about the submission."""


class Unfit(SandboxFault):
    """A tier is not there or does not hold: says why, and what would help."""

    def __init__(self, tier: str, why: str, remedy: str) -> None:
        super().__init__(f"`{tier}`: {why}")
        self.tier = tier
        self.why = why
        self.remedy = remedy


class Refused(SandboxFault):
    """None of the tiers that may serve does: says why, and what would help."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class Host(Protocol):
    """Holds one staged submission and starts worker processes for it."""

    @property
    def tier(self) -> str:
        """The name of the isolation tier, settled once the first channel is open."""

    def open(self) -> Transport:
        """A channel to a fresh worker process, in place of the one opened before."""

    def close(self) -> None:
        """Kill what is left of the process tree and remove the working folder."""


class Running(Protocol):
    """A started worker process with all that it starts itself."""

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process that was started."""

    def end(self) -> None:
        """Kill all of it, and return when it is gone."""


@dataclass(frozen=True)
class Trial:
    """What is tried in a tier's box at each start: acts by name, see `grader.confine.acts`."""

    refused: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    #: Of the file that must not be read; where nothing but its mode protects it, less.
    canary_mode: int = 0o644


class Launcher(Protocol):
    """Starts worker processes in one tier's box."""

    @property
    def tier(self) -> str:
        """The tier's name."""

    @property
    def trial(self) -> Trial:
        """What is tried in it at each start."""

    @property
    def owner(self) -> int | None:
        """The user that the worker becomes, where it is another one."""

    @property
    def watched(self) -> bool:
        """Whether the scratch folder is limited by nothing but being watched."""

    @property
    def children_apart(self) -> bool:
        """Whether children of one parent reach it and each other by the scratch folder at most."""

    def box(self, stage: Stage) -> Box:
        """The walls that the worker puts up itself."""

    def remedy(self, said: str) -> str | None:
        """What helps when a worker ended at its start with these words; None if they say it."""

    def start(
        self, stage: Stage, arguments: list[str], pass_fds: tuple[int, ...], streams: bool
    ) -> Running:
        """Start a worker; with `streams`, its standard input and output are pipes."""

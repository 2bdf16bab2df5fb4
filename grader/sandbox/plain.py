"""The `plain` tier: a subprocess with resource limits. Not a security boundary."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping

from grader.confine.box import Box
from grader.confine.limits import LIMITS
from grader.sandbox import process
from grader.sandbox.hosts import ForkHost, SingleHost, start_host
from grader.sandbox.interface import Trial
from grader.sandbox.stage import Stage
from grader.sandbox.sweep import kill_descendants


class Plain:
    """Starts workers as they are, with resource limits that they set on themselves."""

    tier = "plain"
    trial = Trial()
    owner = None
    watched = False
    children_apart = False

    def box(self, stage: Stage) -> Box:
        """Resource limits, and no walls."""
        return Box(limits=LIMITS)

    def remedy(self, said: str) -> str | None:
        """None: a worker without walls says itself what it lacks."""
        return None

    def start(
        self, stage: Stage, arguments: list[str], pass_fds: tuple[int, ...], streams: bool
    ) -> Session:
        """Start a worker; with `streams`, its standard input and output are pipes."""
        command = [*process.interpreter(), str(process.BOOTSTRAP), *arguments]
        return Session(process.start_process(command, stage.scratch, pass_fds, streams))


class Session:
    """A worker in a session of its own, and whatever it started."""

    def __init__(self, started: subprocess.Popen[bytes]) -> None:
        self.process = started

    def end(self) -> None:
        """Kill its descendants, its session and itself."""
        kill_descendants(self.process.pid)
        if sys.platform != "win32":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()


def start_plain(files: Mapping[str, bytes]) -> ForkHost | SingleHost:
    """The host that fits this platform, its first worker already on the way.

    Raises `SandboxFault` when no process can be started.
    """
    return start_host(files, Plain())

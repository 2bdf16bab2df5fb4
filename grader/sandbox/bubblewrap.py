"""The `bubblewrap` tier: namespaces, a file system of a few read-only places, and a filter."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from grader.confine import acts, rules
from grader.confine.box import MAX_SCRATCH_BYTES, Box
from grader.confine.limits import LIMITS, MAX_TASKS
from grader.confine.syscalls import this_machine
from grader.sandbox import process
from grader.sandbox.identity import new_owner
from grader.sandbox.interface import Trial, Unfit
from grader.sandbox.stage import Stage

_END_DEADLINE_S = 5.0
#: Right after its start; one that is stuck never tells.
_TOLD_DEADLINE_S = 2.0
#: Restrictions that are flags of their own; what is mounted is said below.
FLAGS: dict[str, tuple[str, ...]] = {
    "die-with-parent": ("--die-with-parent",),
    "pid": ("--unshare-pid",),
    "net": ("--unshare-net",),
    "ipc": ("--unshare-ipc",),
    "uts": ("--unshare-uts", "--hostname", "worker"),
    "capabilities": ("--cap-drop", "ALL"),
}
_NO_NAMESPACES = (
    "allow user namespaces: on Ubuntu 24.04, `sudo sysctl -w"
    " kernel.apparmor_restrict_unprivileged_userns=0` or an AppArmor profile for `bwrap` that has"
    " `userns,`; on Debian, `sudo sysctl -w kernel.unprivileged_userns_clone=1`; in Docker,"
    " `--security-opt seccomp=unconfined --security-opt apparmor=unconfined`; or use `landlock`"
)
#: What `bwrap` says when it cannot, and what helps.
_REMEDIES = (
    ("Unknown option", "install bubblewrap 0.7 or newer"),
    ("namespace", _NO_NAMESPACES),
    ("uid map", _NO_NAMESPACES),
    ("Operation not permitted", _NO_NAMESPACES),
    ("Permission denied", _NO_NAMESPACES),
)
_OTHERWISE = "`python -m grader doctor` tells more"


@dataclass(frozen=True)
class Bubblewrap:
    """Starts workers under `bwrap`. Every field but the first two is a wall, as data."""

    program: str
    owner: int | None
    flags: dict[str, tuple[str, ...]] = field(default_factory=lambda: FLAGS)
    bind: str = "--ro-bind"
    read_only_root: bool = True
    scratch_bytes: int | None = MAX_SCRATCH_BYTES
    limits: dict[str, int] = field(default_factory=lambda: LIMITS)
    tasks: int | None = MAX_TASKS
    rules: tuple[str, ...] = rules.ALL

    tier = "bubblewrap"
    watched = False
    children_apart = True
    trial = Trial(refused=acts.FORBIDDEN, needed=acts.NEEDED)

    def box(self, stage: Stage) -> Box:
        """What the worker puts up inside."""
        return Box(limits=self.limits, tasks=self.tasks, owner=self.owner, rules=self.rules)

    def remedy(self, said: str) -> str | None:
        """What helps when `bwrap` or the worker in it ended at its start with these words."""
        own = "\n".join(line for line in said.splitlines() if line.startswith("bwrap: "))
        return next((help for words, help in _REMEDIES if words in own), _OTHERWISE)

    def start(
        self, stage: Stage, arguments: list[str], pass_fds: tuple[int, ...], streams: bool
    ) -> Boxed:
        """Start a worker; with `streams`, its standard input and output are pipes."""
        reading, writing = os.pipe()
        try:
            command = [*self._command(stage, writing), *process.interpreter()]
            command += [str(process.BOOTSTRAP), *arguments]
            started = process.start_process(command, stage.scratch, (*pass_fds, writing), streams)
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        return Boxed(started, reading)

    def _command(self, stage: Stage, info_fd: int) -> list[str]:
        command = [self.program]
        for words in self.flags.values():
            command += words
        if self.owner is not None:
            # Used up when the worker becomes its owner, first of all.
            command += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
        places = _outermost([*process.find_places().readable, str(stage.submission)])
        scratch = str(stage.scratch)
        for folder in _ways_to([*places, sys.executable, *process.DEVICES, scratch]):
            command += ["--perms", "0755", "--dir", folder]
        for place in places:
            # The package manager may be replacing one of them at this moment.
            command += [f"{self.bind}-try", place, place]
        # The path by which Python finds its virtual environment, whatever it is a link to.
        command += ["--ro-bind", os.path.realpath(sys.executable), sys.executable]
        for device in process.DEVICES:
            command += ["--dev-bind", device, device]
        size = [] if self.scratch_bytes is None else ["--size", str(self.scratch_bytes)]
        command += ["--perms", "1777", *size, "--tmpfs", scratch, "--chdir", scratch]
        if self.read_only_root:
            command += ["--remount-ro", "/"]
        return [*command, "--info-fd", str(info_fd), "--"]


class Boxed:
    """A worker below `bwrap`, whose first process inside ends all others when it ends."""

    def __init__(self, started: subprocess.Popen[bytes], info_fd: int) -> None:
        self.process = started
        self._info_fd: int | None = info_fd

    def end(self) -> None:
        """Kill the first process inside; `bwrap` ends once nothing is left of the namespace."""
        first = self._first_inside()
        if self.process.poll() is None and first is not None:
            with contextlib.suppress(OSError):
                os.kill(first, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_END_DEADLINE_S)
        # Where that was no help: what is inside dies with `bwrap`, if a little later.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()

    def _first_inside(self) -> int | None:
        """Its process id as seen from here, which `bwrap` tells once it has started it."""
        if self._info_fd is None:
            return None
        data = b""
        try:
            while b"}" not in data and select.select([self._info_fd], [], [], _TOLD_DEADLINE_S)[0]:
                part = os.read(self._info_fd, 4096)
                if not part:
                    break
                data += part
            return int(json.loads(data)["child-pid"])
        except (OSError, ValueError, KeyError):
            return None
        finally:
            os.close(self._info_fd)
            self._info_fd = None


def find_bubblewrap() -> Bubblewrap:
    """The launcher; `Unfit` where it cannot be."""
    program = shutil.which("bwrap")
    if program is None:
        raise Unfit(
            "bubblewrap",
            "`bwrap` is not installed",
            "install it: `apt-get install bubblewrap` (or your system's package of that name)",
        )
    if this_machine() is None:
        raise Unfit("bubblewrap", "no table of system calls for this processor", "none so far")
    return Bubblewrap(program, new_owner())


def _outermost(places: list[str]) -> list[str]:
    """Without those that lie in another, so that no mount hides one made before it."""
    kept: list[str] = []
    for place in sorted(set(places)):
        if not any(place.startswith(outer.rstrip("/") + "/") for outer in kept):
            kept.append(place)
    return kept


def _ways_to(places: list[str]) -> list[str]:
    """The folders above these places, outer ones first: made by `bwrap` itself, only it got in."""
    return sorted({str(folder) for place in places for folder in Path(place).parents} - {"/"})

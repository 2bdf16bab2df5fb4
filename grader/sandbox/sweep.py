"""Ending a process with everything below it, whatever session it has left for."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

_DEADLINE_S = 2.0


def kill_descendants(pid: int) -> None:
    """Kill what a process has started, directly or not, until nothing is left.

    Orphans are found as long as the process, as their subreaper, adopts them. Linux only.
    """
    _kill_all(lambda: _descendants(pid))


def kill_marked(mark: str) -> None:
    """Kill what was started with this text in its environment, whoever has adopted it.

    Those are what outlives a process that can adopt nothing any more, as it was killed itself.
    Linux only.
    """
    _kill_all(lambda: _marked(os.fsencode(mark)))


def _kill_all(find: Callable[[], list[int]]) -> None:
    """Kill what is found until nothing is."""
    if sys.platform != "linux":
        return
    end = time.monotonic() + _DEADLINE_S
    while (found := find()) and time.monotonic() < end:
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.001)


def _marked(mark: bytes) -> list[int]:
    """Processes of one's own that have it in their environment; those that have ended have none."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            with contextlib.suppress(OSError):
                if mark in Path("/proc", entry, "environ").read_bytes():
                    found.append(int(entry))
    return found


def _descendants(pid: int) -> list[int]:
    """All living processes below this one; those that only wait to be collected are left out."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                fields = Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()
                if fields[0] not in "ZX":
                    children.setdefault(int(fields[1]), []).append(int(entry))
    found: list[int] = []
    level = [pid]
    while level:
        level = [child for parent in level for child in children.get(parent, [])]
        found += level
    return found

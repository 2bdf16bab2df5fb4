"""Ending a process with everything below it, whatever session it has left for."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

_DEADLINE_S = 2.0


def kill_descendants(pid: int) -> None:
    """Kill what a process has started, directly or not, until nothing is left.

    Orphans are found as long as the process, as their subreaper, adopts them. Linux only.
    """
    if sys.platform != "linux":
        return
    end = time.monotonic() + _DEADLINE_S
    while (below := _descendants(pid)) and time.monotonic() < end:
        for descendant in below:
            with contextlib.suppress(OSError):
                os.kill(descendant, signal.SIGKILL)
        time.sleep(0.001)


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

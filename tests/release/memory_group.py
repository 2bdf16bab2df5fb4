"""A group of processes with a limit on its memory, as a container has one: a cgroup of its own."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")


def _parent() -> tuple[Path, str]:
    """Where a group can be made, and what its limit is called."""
    for line in Path("/proc/self/cgroup").read_text("utf-8").splitlines():
        _hierarchy, controllers, path = line.split(":", 2)
        if controllers == "memory":
            return MOUNT / "memory" / path.lstrip("/"), "memory.limit_in_bytes"
    return MOUNT, "memory.max"


@contextlib.contextmanager
def memory_group(megabytes: int) -> Iterator[Callable[[], None]]:
    """Yields what a new process calls to enter the group, which is removed afterwards.

    Raises `OSError` where the machine allows no such group.
    """
    parent, limit = _parent()
    group = parent / f"dqn-grader-test-{os.getpid()}-{time.monotonic_ns()}"
    group.mkdir()
    try:
        (group / limit).write_text(str(megabytes << 20))
        yield lambda: (group / "cgroup.procs").write_text(str(os.getpid())) and None
    finally:
        for _ in range(100):  # until the last process that was killed is gone
            try:
                group.rmdir()
                break
            except OSError:
                time.sleep(0.05)

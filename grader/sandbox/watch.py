"""Watching a scratch folder that lies on a disk of the machine's: nothing else limits its size."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from grader.sandbox.trees import measured

INTERVAL_S = 0.1
MAX_ENTRIES = 10_000
#: Levels of folders. Each that is looked at takes a descriptor of the judge's.
MAX_DEPTH = 50
#: The disk as a whole is not to be filled, by files that no folder lists any more for instance.
RESERVE_BYTES = 256 * 1024**2


class Watch:
    """A thread that looks at a folder again and again, until it is stopped.

    `overfull` is called when the folder holds more than it may; `disk_full` when the disk has less
    than the reserve left (or than half of what there was, where that is even less): whoever filled
    it.
    """

    def __init__(
        self,
        folder: Path,
        most_bytes: int,
        overfull: Callable[[], None],
        disk_full: Callable[[], None],
    ) -> None:
        self._folder = folder
        self._most = most_bytes
        self._overfull = overfull
        self._disk_full = disk_full
        self._reserve = min(RESERVE_BYTES, shutil.disk_usage(folder).free // 2)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Return when nothing is called any more."""
        self._stopped.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stopped.wait(INTERVAL_S):
            if used_bytes(self._folder, self._most) > self._most:
                self._overfull()
            with contextlib.suppress(OSError):
                if shutil.disk_usage(self._folder).free < self._reserve:
                    self._disk_full()


def used_bytes(folder: Path, enough: int) -> int:
    """What the files below a folder take up on disk; more than `enough` is not counted further.

    Too many entries count as more than enough: they fill the disk's tables. So do folders that are
    nested too deep to be looked at.
    """
    total = 0
    for count, size in enumerate(measured(str(folder), MAX_DEPTH)):
        if size is None or count >= MAX_ENTRIES:
            return enough + 1
        total += size
        if total > enough:
            break
    return total

"""Files that only ever grow, by whole lines that are on the disk before the next run is awaited.

A line that was cut short (power, a full disk, a kill) is dropped when the file is opened again.
"""

from __future__ import annotations

import os
from pathlib import Path


def append(path: Path, line: str) -> None:
    """One write, then the disk: an interruption leaves the line whole or not there."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0))
    try:
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def drop_torn_line(path: Path) -> None:
    """Cut off what follows the last line break; the file is made where there is none."""
    path.touch()
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)

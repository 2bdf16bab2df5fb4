"""Acts upon files."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from grader.confine.acts.ways import Refused, Targets, Way, first


def read_canary(targets: Targets) -> str:
    """Read a file of the judge's."""
    return Path(targets["canary"]).read_text(encoding="ascii")


def read_outside(targets: Targets) -> str:
    """Read the grader's files or the system's."""
    ways: dict[str, Way] = {}
    for path in _paths(targets, "hidden"):
        ways[f"open {path}"] = partial(_open, path, os.O_RDONLY)
    return first(ways | {"find the canary": partial(_find, targets["canary"])})


def write_outside(targets: Targets) -> str:
    """Write anywhere but in the scratch folder."""
    ways: dict[str, Way] = {}
    for folder in _paths(targets, "unwritable"):
        path = os.path.join(folder, f"probe-{os.getpid()}")
        ways[f"make {path}"] = partial(_make, path)
        ways[f"make folder {path}"] = partial(_make_folder, path)
    for path in _paths(targets, "untouchable"):
        ways[f"append to {path}"] = partial(_open, path, os.O_WRONLY | os.O_APPEND)
    return first(ways)


def change_metadata(targets: Targets) -> str:
    """Change modes or times of files.

    They are set to what they are already.
    """
    ways: dict[str, Way] = {}
    own = _own_file(targets)
    for path in (own, *_paths(targets, "untouchable")):
        ways[f"chmod {path}"] = partial(_chmod, path)
        ways[f"utime {path}"] = partial(_utime, path)
        ways[f"fchmod {path}"] = partial(_fchmod, path)
    try:
        return first(ways)
    finally:
        os.unlink(own)


def truncate(targets: Targets) -> str:
    """Empty a file that is not open for writing."""
    ways: dict[str, Way] = {}
    for path in _paths(targets, "untouchable"):
        ways[f"truncate {path}"] = partial(_truncate, path)
    # Opened so, a file is emptied: only one's own and the canary will do.
    own = _own_file(targets)
    for path in (own, targets["canary"]):
        for mode in (os.O_RDONLY, os.O_ACCMODE):
            ways[f"open {path} with mode {mode}"] = partial(_open, path, mode | os.O_TRUNC)
    try:
        return first(ways)
    finally:
        os.unlink(own)


def _own_file(targets: Targets) -> str:
    """What is forbidden whosever file it is shows in one's own."""
    path = os.path.join(targets["scratch"], f"own-{os.getpid()}")
    Path(path).write_bytes(b"own")
    return path


def _paths(targets: Targets, name: str) -> list[str]:
    return [path for path in targets.get(name, "").split(":") if path]


def _open(path: str, flags: int) -> None:
    os.close(os.open(path, flags))


def _find(path: str) -> None:
    if os.path.basename(path) not in os.listdir(os.path.dirname(path)):
        raise Refused("not there")


def _make(path: str) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    os.unlink(path)


def _make_folder(path: str) -> None:
    os.mkdir(path)
    os.rmdir(path)


def _chmod(path: str) -> None:
    os.chmod(path, os.stat(path).st_mode & 0o7777)


def _utime(path: str) -> None:
    status = os.stat(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _fchmod(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fchmod(descriptor, os.fstat(descriptor).st_mode & 0o7777)
    finally:
        os.close(descriptor)


def _truncate(path: str) -> None:
    os.truncate(path, os.path.getsize(path))

"""Becoming another user, and finding one's interpreter again where that user may not look."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable

#: Descriptors that lead to folders are moved up here, out of the way of all others.
_FIRST = 200


def become(owner: int) -> None:
    """Be this user and group alone, for good; all capabilities go with it."""
    os.setgroups([])
    os.setresgid(owner, owner, owner)
    os.setresuid(owner, owner, owner)


def hold(folders: Iterable[str]) -> dict[str, int]:
    """Descriptors that lead to these folders, while this user may still open them."""
    import fcntl

    held: dict[str, int] = {}
    for folder in folders:
        with contextlib.suppress(OSError):
            descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
            held[folder] = fcntl.fcntl(descriptor, fcntl.F_DUPFD, _FIRST)
            os.close(descriptor)
    return held


def find_again(held: dict[str, int]) -> None:
    """Lead the import system through the descriptors to folders that cannot be reached any more.

    An interpreter in root's home is an example: the folder itself is open to all, the way to it is
    not. The other descriptors are closed.
    """
    lost: dict[str, str] = {}
    for folder, descriptor in held.items():
        if os.access(folder, os.R_OK | os.X_OK):
            os.close(descriptor)
        else:
            lost[folder] = f"/proc/self/fd/{descriptor}"
    if not lost:
        return
    sys.path[:] = [_through(path, lost) for path in sys.path]
    for module in list(sys.modules.values()):
        places = getattr(module, "__path__", None)
        if isinstance(places, list):
            places[:] = [_through(path, lost) for path in places]
    sys.path_importer_cache.clear()


def _through(path: str, lost: dict[str, str]) -> str:
    for folder in sorted(lost, key=len, reverse=True):
        if path == folder or path.startswith(folder + "/"):
            return lost[folder] + path[len(folder) :]
    return path

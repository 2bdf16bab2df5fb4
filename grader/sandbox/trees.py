"""Folders that a submission has written in: removing them, and measuring what is in them.

They may be nested deeper than a path can name or a program can recurse, and closed to everybody.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

#: Folders are opened from folder to folder, never by a path and never through a link.
_BY_DESCRIPTOR = {os.open, os.rename, os.rmdir, os.unlink} <= os.supports_dir_fd
_FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)


def remove_tree(folder: Path) -> None:
    """Delete a folder with all that is in it; what resists is left without a word."""
    with contextlib.suppress(OSError):
        empty_folder(folder)
        folder.rmdir()


def empty_folder(folder: Path) -> None:
    """Delete what is in a folder. Raises `OSError` when it is none, or only a link to one."""
    if not _BY_DESCRIPTOR:  # Windows
        for entry in folder.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink()
        return
    with open_folder(str(folder)) as top:
        _flatten(top)


def _flatten(top: int) -> None:
    """Delete what is in a folder without going down into it.

    The folders in each of its folders are first moved up, to lie in it themselves; then the one
    that they were in can be removed. So only a few are open at a time.
    """
    name, numbers = secrets.token_hex(8), itertools.count()
    stuck: set[str] = set()
    while folders := _delete_files(top) - stuck:
        for folder in folders:
            try:
                with open_folder(folder, top) as within:
                    for inner in _delete_files(within):
                        with open_folder(inner, within):  # to move a folder is to write in it
                            moved = f"{name}-{next(numbers)}"
                            os.rename(inner, moved, src_dir_fd=within, dst_dir_fd=top)
                os.rmdir(folder, dir_fd=top)
            except OSError:
                stuck.add(folder)


def _delete_files(folder: int) -> set[str]:
    """Delete what is no folder; the names of the folders that are left."""
    with os.scandir(folder) as entries:
        kinds = {entry.name: entry.is_dir(follow_symlinks=False) for entry in entries}
    for name, is_folder in kinds.items():
        if not is_folder:
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=folder)
    return {name for name, is_folder in kinds.items() if is_folder}


def measured(folder: str, deepest: int, within: int | None = None) -> Iterator[int | None]:
    """Bytes on disk of everything below a folder; None for a folder that lies too deep to look at.

    What vanishes meanwhile is passed over.
    """
    with contextlib.suppress(OSError), open_folder(folder, within) as top, os.scandir(top) as found:
        for entry in found:
            with contextlib.suppress(OSError):
                yield entry.stat(follow_symlinks=False).st_blocks * 512
                if not entry.is_dir(follow_symlinks=False):
                    continue
                if deepest:
                    yield from measured(entry.name, deepest - 1, top)
                else:
                    yield None


@contextlib.contextmanager
def open_folder(name: str, within: int | None = None) -> Iterator[int]:
    """A descriptor of a folder, which its owner may then use whatever its mode was.

    No link is followed. Raises `OSError` when there is no folder of that name.
    """
    try:
        descriptor = os.open(name, _FLAGS, dir_fd=within)
    except PermissionError:
        _let_in(name, within)
        descriptor = os.open(name, _FLAGS, dir_fd=within)
    try:
        status = os.fstat(descriptor)
        if status.st_mode & 0o700 != 0o700 and status.st_uid == os.geteuid():
            os.fchmod(descriptor, 0o700)
        yield descriptor
    finally:
        os.close(descriptor)


def _let_in(name: str, within: int | None) -> None:
    """Give a folder that cannot be opened the mode that its owner needs."""
    if hasattr(os, "O_PATH"):
        # Held by a descriptor, it cannot be exchanged for a link meanwhile.
        descriptor = os.open(name, os.O_PATH | _FLAGS, dir_fd=within)
        try:
            os.chmod(f"/proc/self/fd/{descriptor}", 0o700)
        finally:
            os.close(descriptor)
    else:
        os.chmod(name, 0o700, dir_fd=within, follow_symlinks=False)

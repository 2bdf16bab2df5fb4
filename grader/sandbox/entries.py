"""What is in a folder or an archive: names first, contents only of what is asked for.

Nothing is ever unpacked to the disk, and no size that an archive states is believed.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from grader.sandbox.errors import IntakeError, expected

MAX_ARCHIVE_BYTES = 1024**3
#: A zip's list of contents, which is read as a whole: some hundred thousand names.
MAX_DIRECTORY_BYTES = 32 * 1024**2
#: A tar has no list of contents, so all of it has to be unpacked to be seen.
MAX_UNPACKED_BYTES = 512 * 1024**2
#: Up to this much is unpacked whatever the ratio; source code packs to a tenth, seldom to less.
FREELY_UNPACKED_BYTES = 16 * 1024**2
MAX_RATIO = 100
#: Folders that tools leave behind; their contents are nobody's submission.
PASSED_OVER = frozenset(
    {"__MACOSX", "__pycache__", "node_modules", "site-packages", "venv", "env", "build", "dist"}
)
#: What the standard library raises for archives that are damaged, encrypted or of another kind.
_UNREADABLE = (
    EOFError,
    IndexError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)
_PACKED: dict[bytes, Callable[[IO[bytes]], IO[bytes]]] = {
    b"\x1f\x8b": lambda raw: cast(IO[bytes], gzip.GzipFile(fileobj=raw)),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}


@dataclass(frozen=True)
class Entry:
    """Something in a folder or an archive, other than a folder.

    `read` gives at most so many bytes of it, and only until the next entry is asked for. A folder
    that was passed over is one entry, with a path that ends in "/" and nothing to read.
    """

    path: str
    regular: bool
    read: Callable[[int], bytes]

    @property
    def parts(self) -> tuple[str, ...]:
        """The path's parts; "." is none, and a leading "/" is one."""
        return PurePosixPath(self.path).parts


def passed_over(name: str) -> bool:
    """Whether a folder of this name is a tool's and not the student's."""
    return name.startswith(".") or name in PASSED_OVER


def folder_entries(root: Path) -> Iterator[Entry]:
    """A folder's files, the outer ones first; links to folders are not followed."""
    for folder, folders, names in os.walk(root):
        here = Path(folder).relative_to(root)
        for name in sorted(folders):
            if passed_over(name):
                yield Entry(f"{(here / name).as_posix()}/", False, _nothing)
            elif Path(folder, name).is_symlink():
                yield Entry((here / name).as_posix(), False, _nothing)
        folders[:] = sorted(name for name in folders if not passed_over(name))
        for name in sorted(names):
            path = Path(folder, name)
            regular = path.is_file() and not path.is_symlink()
            yield Entry((here / name).as_posix(), regular, reader_of(path))


def archive_entries(path: Path) -> Iterator[Entry]:
    """The files of a zip or tar archive in its own order.

    Raises `IntakeError` for another kind of file, a damaged one, or one that unpacks to too much.
    """
    if path.stat().st_size > MAX_ARCHIVE_BYTES:
        raise IntakeError(f"`{path}` is larger than {_megabytes(MAX_ARCHIVE_BYTES)}", _LEAVE_OUT)
    if zipfile.is_zipfile(path):
        yield from _zip_entries(path)
    else:
        yield from _tar_entries(path)


_LEAVE_OUT = "hand in the three files alone; an archive of them has a few KB"


def _zip_entries(path: Path) -> Iterator[Entry]:
    with _told_as_unreadable(path):
        if _directory_bytes(path) > MAX_DIRECTORY_BYTES:
            raise IntakeError(f"`{path}` has too many files in it", _LEAVE_OUT)
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                name = info.filename.replace("\\", "/")
                if name.endswith("/"):
                    continue
                # A zip made on Unix keeps the file type in the upper bits: 8 is a regular file,
                # 0 says nothing.
                regular = info.external_attr >> 28 in (0, 8)
                yield Entry(name, regular, _zip_reader(path, archive, info))


def _zip_reader(
    path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo
) -> Callable[[int], bytes]:
    def read(size: int) -> bytes:
        with _told_as_unreadable(path), archive.open(info) as stream:
            return stream.read(size)

    return read


def _directory_bytes(path: Path) -> int:
    """The size of a zip's list of contents, from where `zipfile` will look for it.

    The list's end record says it in its bytes 12 to 16, or, in large archives, in bytes 40 to 48 of
    the record before (APPNOTE 4.3.14 and 4.3.16).
    """
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - (1 << 16) - 22 - 20 - 56))
        tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    (size,) = struct.unpack_from("<L", tail, at + 12)
    if at >= 76 and tail[at - 20 : at - 16] == b"PK\x06\x07":
        (large,) = struct.unpack_from("<Q", tail, at - 76 + 40)
        size = max(size, large)
    return int(size)


def _tar_entries(path: Path) -> Iterator[Entry]:
    with (
        _told_as_unreadable(path),
        path.open("rb") as raw,
        _opened_tar(path, raw) as archive,
    ):
        for member in archive:
            if not member.isdir():
                yield Entry(member.name, member.isreg(), _tar_reader(path, archive, member))


def _opened_tar(path: Path, raw: IO[bytes]) -> tarfile.TarFile:
    """Unpacked once from front to back, under a count."""
    start = raw.read(6)
    raw.seek(0)
    opened = next((o for magic, o in _PACKED.items() if start.startswith(magic)), None)
    stream = raw if opened is None else opened(raw)
    limit = max(FREELY_UNPACKED_BYTES, MAX_RATIO * path.stat().st_size)
    counted = _Counted(stream, path, min(limit, MAX_UNPACKED_BYTES))
    try:
        return tarfile.open(fileobj=cast(IO[bytes], counted), mode="r|")
    except tarfile.ReadError:
        raise IntakeError(
            f"`{path}` is neither a folder nor a zip or tar archive", expected()
        ) from None


def _tar_reader(
    path: Path, archive: tarfile.TarFile, member: tarfile.TarInfo
) -> Callable[[int], bytes]:
    def read(size: int) -> bytes:
        with _told_as_unreadable(path):
            stream = archive.extractfile(member)
            return b"" if stream is None else stream.read(size)

    return read


class _Counted:
    """A stream of unpacked bytes that ends the unpacking when there are too many."""

    def __init__(self, stream: IO[bytes], path: Path, limit: int) -> None:
        self._stream = stream
        self._path = path
        self._limit = limit
        self._count = 0

    def read(self, size: int) -> bytes:
        """At most `size` bytes."""
        data = self._stream.read(size)
        self._count += len(data)
        if self._count > self._limit:
            raise IntakeError(
                f"`{self._path}` unpacks to more than {_megabytes(self._limit)}", _LEAVE_OUT
            )
        return data


@contextmanager
def _told_as_unreadable(path: Path) -> Iterator[None]:
    try:
        yield
    except _UNREADABLE as error:
        raise IntakeError(
            f"`{path}` cannot be unpacked: {error}", "make the archive anew"
        ) from None


def reader_of(path: Path) -> Callable[[int], bytes]:
    """Reads the beginning of a file; `IntakeError` where that is not allowed."""

    def read(size: int) -> bytes:
        try:
            with path.open("rb") as stream:
                return stream.read(size)
        except OSError as error:
            raise IntakeError(
                f"`{path}` cannot be read: {error.strerror}", "check its permissions"
            ) from None

    return read


def _nothing(_size: int) -> bytes:
    return b""


def _megabytes(size: int) -> str:
    return f"{size // 1024**2:,} MB"

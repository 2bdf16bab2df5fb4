"""Take a submission in: find the three files in a folder or an archive, as bytes."""

from __future__ import annotations

import itertools
import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from grader.protocol.messages import MODULES

FILES = tuple(f"{module}.py" for module in MODULES)
MAX_FILE_BYTES = 1024 * 1024
MAX_ENTRIES = 20_000
MAX_ARCHIVE_BYTES = 100 * 1024 * 1024
MAX_LISTED = 50
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
    zlib.error,
)


class IntakeError(Exception):
    """Nothing gradable at the path: what is wrong, and what would help."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(readable(message))
        self.hint = hint


@dataclass(frozen=True)
class Submitted:
    """The files found, by plain name, and the paths that were left out."""

    name: str
    files: Mapping[str, bytes]
    left_out: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Entry:
    """A file of a folder or an archive, and what its contents can be read from."""

    path: PurePosixPath
    size: int
    regular: bool
    source: object


def take_in(path: Path) -> Submitted:
    """Find the three files at `path`, a folder or a zip or tar archive, nested or not.

    Raises `IntakeError` when nothing there can be graded.
    """
    if not os.path.exists(path):  # `Path.exists` raises for a name too long
        raise IntakeError(f"there is nothing at `{path}`", "check the path for a typing error")
    if path.is_dir():
        return _choose(path.resolve().name, _folder_entries(path), _read_path)
    if not path.is_file():
        raise IntakeError(f"`{path}` is neither a folder nor a file", _expected())
    if path.stat().st_size > MAX_ARCHIVE_BYTES:
        limit = MAX_ARCHIVE_BYTES // 1024**2
        raise IntakeError(f"`{path}` is larger than {limit} MB", _expected())
    if zipfile.is_zipfile(path):
        return _take_zip(path)
    try:
        return _take_tar(path)
    except tarfile.TarError:
        pass
    raise IntakeError(f"`{path}` is neither a folder nor a zip or tar archive", _expected())


def readable(name: str) -> str:
    """A file name as text that any report can hold, whatever bytes it is made of."""
    return os.fsencode(name).decode("utf-8", "replace")


def _expected() -> str:
    return f"name a folder (or a .zip or .tar.gz of one) that holds {_spoken(FILES)}"


def _spoken(names: tuple[str, ...] | list[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def _take_zip(path: Path) -> Submitted:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [
                _Entry(
                    PurePosixPath(info.filename.replace("\\", "/")),
                    info.file_size,
                    # A zip made on Unix keeps the file type in the upper bits; 0xA is a link.
                    not info.is_dir() and (info.external_attr >> 28) != 0xA,
                    info,
                )
                for info in archive.infolist()
                if not info.is_dir()
            ]

            def read(entry: _Entry) -> bytes:
                assert isinstance(entry.source, zipfile.ZipInfo)
                with archive.open(entry.source) as stream:
                    return _read_capped(stream, entry.path)

            return _choose(path.stem, iter(entries), read)
    except (*_UNREADABLE, zipfile.BadZipFile) as error:
        raise IntakeError(
            f"`{path}` cannot be unpacked: {error}", "make the archive anew"
        ) from None


def _take_tar(path: Path) -> Submitted:
    try:
        with tarfile.open(path) as archive:
            plain = (member for member in archive if not member.isdir())
            members = list(itertools.islice(plain, MAX_ENTRIES + 1))
            entries = [_Entry(PurePosixPath(m.name), m.size, m.isreg(), m) for m in members]

            def read(entry: _Entry) -> bytes:
                assert isinstance(entry.source, tarfile.TarInfo)
                stream = archive.extractfile(entry.source)
                assert stream is not None
                return _read_capped(stream, entry.path)

            return _choose(path.name.split(".tar")[0], iter(entries), read)
    except _UNREADABLE as error:
        raise IntakeError(
            f"`{path}` cannot be unpacked: {error}", "make the archive anew"
        ) from None


def _folder_entries(root: Path) -> Iterator[_Entry]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not _passed_over(name))
        for name in sorted(names):
            path = Path(folder, name)
            relative = PurePosixPath(path.relative_to(root).as_posix())
            regular = path.is_file() and not path.is_symlink()
            yield _Entry(relative, path.stat().st_size if regular else 0, regular, path)


def _read_path(entry: _Entry) -> bytes:
    assert isinstance(entry.source, Path)
    try:
        with entry.source.open("rb") as stream:
            return _read_capped(stream, entry.path)
    except OSError as error:
        raise IntakeError(
            f"`{entry.source}` cannot be read: {error}", "check its permissions"
        ) from None


def _read_capped(stream: IO[bytes], path: PurePosixPath) -> bytes:
    data = stream.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise IntakeError(
            f"`{path}` is larger than {MAX_FILE_BYTES // 1024} KB",
            "hand in the source file itself; it is a few KB long",
        )
    return data


def _passed_over(name: str) -> bool:
    return name.startswith(".") or name in PASSED_OVER


def _choose(name: str, entries: Iterator[_Entry], read: Callable[[_Entry], bytes]) -> Submitted:
    found: dict[str, _Entry] = {}
    left_out: list[str] = []
    for count, entry in enumerate(entries):
        if count >= MAX_ENTRIES:
            raise IntakeError(f"more than {MAX_ENTRIES:,} files", _expected())
        parts = entry.path.parts
        if not parts:  # a member named "." or nothing at all
            continue
        if any(_passed_over(part) for part in parts[:-1]) or parts[-1].startswith("._"):
            continue
        if entry.path.name not in FILES:
            left_out.append(readable(str(entry.path)))
            continue
        if not entry.regular:
            raise IntakeError(
                f"`{entry.path}` is a link or a special file", "hand in the file itself"
            )
        other = found.get(entry.path.name)
        if other is not None:
            raise IntakeError(
                f"two candidates for `{entry.path.name}`: `{other.path}` and `{entry.path}`",
                "name the folder that is meant, or remove one of the two",
            )
        found[entry.path.name] = entry
    if not found:
        raise IntakeError(f"none of {_spoken(FILES)} in `{name}`", _expected())
    files = {file: read(found[file]) for file in FILES if file in found}
    if len(left_out) > MAX_LISTED:
        left_out = [*left_out[:MAX_LISTED], f"… and {len(left_out) - MAX_LISTED} more"]
    return Submitted(name=readable(name), files=files, left_out=left_out)

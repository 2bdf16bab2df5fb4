"""Take a submission in: find the three files in a folder or an archive, as bytes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from grader.sandbox.entries import Entry, archive_entries, folder_entries, passed_over
from grader.sandbox.errors import FILES as FILES
from grader.sandbox.errors import IntakeError as IntakeError
from grader.sandbox.errors import expected, spoken
from grader.sandbox.errors import readable as readable

MAX_FILE_BYTES = 1024 * 1024
MAX_ENTRIES = 200_000
#: Copies of one file that are looked into before the folder is called a muddle.
MAX_COPIES = 20
MAX_LISTED = 50


@dataclass(frozen=True)
class Submitted:
    """The files found, by plain name, and the paths that were left out."""

    name: str
    files: Mapping[str, bytes]
    left_out: list[str] = field(default_factory=list)


def take_in(path: Path) -> Submitted:
    """Find the three files at `path`, a folder or a zip or tar archive, nested or not.

    Raises `IntakeError` when nothing there can be graded.
    """
    if not os.path.exists(path):  # `Path.exists` raises for a name too long
        raise IntakeError(f"there is nothing at `{path}`", "check the path for a typing error")
    if path.is_dir():
        return choose(path.resolve().name, folder_entries(path))
    if not path.is_file():
        raise IntakeError(f"`{path}` is neither a folder nor a file", expected())
    return choose(path.name.split(".tar")[0].removesuffix(".zip"), archive_entries(path))


def choose(name: str, entries: Iterable[Entry]) -> Submitted:
    """The three files among these entries; `IntakeError` when there are none of them."""
    found = _Found()
    for count, entry in enumerate(entries):
        if count >= MAX_ENTRIES:
            raise IntakeError(f"more than {MAX_ENTRIES:,} files", expected())
        found.add(entry)
    if not found.files:
        raise IntakeError(f"none of {spoken(FILES)} in `{name}`", expected())
    return Submitted(
        name=readable(name),
        files={file: found.files[file][1] for file in FILES if file in found.files},
        left_out=found.left_out(),
    )


class _Found:
    """What has been found so far: candidates with their paths and contents, and all the rest."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[str, bytes]] = {}
        self._copies: dict[str, int] = {}
        # A dictionary keeps the order; a folder that was passed over is listed once.
        self._left_out: dict[str, None] = {}

    def add(self, entry: Entry) -> None:
        """Take a candidate, or note what is left out."""
        parts = entry.parts
        if not parts:  # a member named "." or nothing at all
            return
        if ".." in parts or parts[0] == "/":
            raise IntakeError(
                f"`{entry.path}` leads out of the archive", "make the archive anew from the folder"
            )
        for depth, part in enumerate(parts[:-1], 1):
            if passed_over(part):
                self._left_out["/".join(parts[:depth]) + "/"] = None
                return
        if parts[-1] not in FILES or entry.path.endswith("/"):
            self._left_out[entry.path] = None
            return
        if not entry.regular:
            raise IntakeError(
                f"`{entry.path}` is a link or a special file", "hand in the file itself"
            )
        self._take(parts[-1], entry.path, _contents(entry))

    def _take(self, file: str, path: str, content: bytes) -> None:
        """The same file twice is no riddle: the outermost copy stands for all."""
        self._copies[file] = self._copies.get(file, 0) + 1
        known = self.files.setdefault(file, (path, content))
        if known[0] == path and self._copies[file] == 1:
            return
        if known[1] != content or self._copies[file] > MAX_COPIES:
            raise IntakeError(
                f"two candidates for `{file}`: `{known[0]}` and `{path}`",
                "name the folder that is meant, or remove one of the two",
            )
        inner = max(path, known[0], key=lambda p: p.count("/"))
        outer = known[0] if inner == path else path
        self.files[file] = (outer, content)
        self._left_out[inner] = None

    def left_out(self) -> list[str]:
        """Paths of the rest, as many as anybody reads."""
        listed = [readable(path) for path in self._left_out]
        if len(listed) > MAX_LISTED:
            return [*listed[:MAX_LISTED], f"… and {len(listed) - MAX_LISTED} more"]
        return listed


def _contents(entry: Entry) -> bytes:
    data = entry.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise IntakeError(
            f"`{entry.path}` is larger than {MAX_FILE_BYTES // 1024} KB",
            "hand in the source file itself; it is a few KB long",
        )
    return data

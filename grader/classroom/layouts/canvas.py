"""Canvas' download: all files of all students in one folder, renamed.

`name_LATE_ID_ID_q_network-2.py`: who, whether late, the student's id, the file's id (they grow with
time), and the file's own name with a number when one of that name was handed in before.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.classroom.handins import Found, HandIn, Student
from grader.classroom.layouts import plain
from grader.sandbox.entries import Entry, passed_over, reader_of
from grader.sandbox.errors import readable
from grader.sandbox.intake import FILES, Submitted, choose, take_in

_NAME = re.compile(r"(?P<name>.+?)(?P<late>_LATE)?_(?P<user>\d+)_(?P<file_id>\d+)_(?P<file>.+)")
_NUMBERED = re.compile(r"(?P<stem>.+?)(?:-\d+| ?\(\d+\))(?P<ending>\.py)")


@dataclass(frozen=True)
class _File:
    path: Path
    name: str
    late: bool
    user: str
    number: int
    #: The name that the student gave it.
    own: str


def find(folder: Path) -> Found:
    """A hand-in per student, of the files that carry the student's id."""
    by_user: dict[str, list[_File]] = {}
    passed = []
    for path in sorted(folder.iterdir()):
        if passed_over(path.name):
            continue
        file = _file(path)
        if file is None:
            passed.append(f"`{readable(path.name)}` is not named like a file of Canvas'")
        else:
            by_user.setdefault(file.user, []).append(file)
    return Found("canvas", [_hand_in(files) for files in by_user.values()], tuple(passed))


def _file(path: Path) -> _File | None:
    match = _NAME.fullmatch(readable(path.name))
    if match is None or path.is_dir():
        return None
    return _File(
        path=path,
        name=match["name"],
        late=match["late"] is not None,
        user=match["user"],
        number=int(match["file_id"]),
        own=_unnumbered(match["file"]),
    )


def _unnumbered(name: str) -> str:
    match = _NUMBERED.fullmatch(name)
    plain_name = f"{match['stem']}{match['ending']}" if match is not None else name
    return plain_name if plain_name in FILES else name


def _hand_in(files: Sequence[_File]) -> HandIn:
    newest = max(files, key=lambda file: file.number)
    return HandIn(
        students=(Student(key=newest.user, name=newest.name),),
        path=readable(newest.path.name),
        read=lambda: put_together(newest.name, [(f.path, f.own) for f in _by_age(files)]),
        order=(float(newest.number),),
        late=any(file.late for file in files),
    )


def _by_age(files: Sequence[_File]) -> list[_File]:
    return sorted(files, key=lambda file: file.number, reverse=True)


def put_together(name: str, files: Sequence[tuple[Path, str]]) -> Submitted:
    """One submission of files that lie beside those of others, the newest first.

    Of several files with one name of their own, the newest is taken. Without any of the three
    modules, the newest archive is.
    """
    taken: dict[str, Path] = {}
    for path, own in files:
        taken.setdefault(own, path)
    archives = [path for path, own in files if own.lower().endswith(plain.ARCHIVES)]
    if archives and not any(file in taken for file in FILES):
        inside = take_in(archives[0])
        beside = [readable(path.name) for path, _own in files if path != archives[0]]
        return Submitted(name, inside.files, [*inside.left_out, *beside])
    entries = [
        Entry(own, path.is_file() and not path.is_symlink(), reader_of(path))
        for own, path in taken.items()
    ]
    found = choose(name, entries)
    older = [readable(path.name) for path, own in files if taken[own] != path]
    return Submitted(name, found.files, [*found.left_out, *older])

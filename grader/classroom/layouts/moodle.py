"""Moodle's download: `Name_123_assignsubmission_file_` as a folder, or in front of each file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from grader.classroom.handins import Found, HandIn, Student
from grader.classroom.layouts.canvas import put_together
from grader.sandbox.entries import passed_over
from grader.sandbox.errors import readable
from grader.sandbox.intake import Submitted, take_in

_NAME = re.compile(r"(?P<name>.+)_(?P<number>\d+)_assignsubmission_(?P<kind>[a-z]+)_?(?P<file>.*)")


def find(folder: Path) -> Found:
    """A hand-in per participant; other kinds than files (online texts) are passed over."""
    hand_ins, passed = [], []
    loose: dict[tuple[str, str], list[tuple[Path, str]]] = {}
    for path in sorted(folder.iterdir()):
        if passed_over(path.name):
            continue
        match = _NAME.fullmatch(readable(path.name))
        if match is None or match["kind"] != "file":
            passed.append(f"`{readable(path.name)}` is not named like a file of Moodle's")
        elif path.is_dir():
            hand_ins.append(_hand_in(match["number"], match["name"], path, _reading(path)))
        else:
            whose = (match["number"], match["name"])
            loose.setdefault(whose, []).append((path, match["file"]))
    for (number, name), files in loose.items():
        hand_ins.append(_hand_in(number, name, files[0][0], _putting_together(name, files)))
    return Found("moodle", hand_ins, tuple(passed))


def _reading(path: Path) -> Callable[[], Submitted]:
    return lambda: take_in(path)


def _putting_together(name: str, files: list[tuple[Path, str]]) -> Callable[[], Submitted]:
    return lambda: put_together(name, files)


def _hand_in(number: str, name: str, path: Path, read: Callable[[], Submitted]) -> HandIn:
    student = Student(key=number, name=name)
    return HandIn(students=(student,), path=readable(path.name), read=read)

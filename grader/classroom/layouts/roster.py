"""A CSV roster: who, and the path of what they handed in."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from grader.classroom.errors import ClassError
from grader.classroom.handins import Found, HandIn, Student
from grader.sandbox.errors import readable
from grader.sandbox.intake import take_in

#: The columns; the first two must be there.
COLUMNS = ("student", "path", "name", "email", "submitted_at")
_DELIMITERS = (",", ";", "\t")
_SHOWN = 5


def find(file: Path) -> Found:
    """A hand-in per row with a path, relative to the file's folder."""
    rows = _rows(file)
    hand_ins, problems, without = [], [], []
    for line, row in rows:
        student = Student(row["student"], row["name"] or row["student"], row["email"])
        if not student.key:
            problems.append(f"line {line} names no student")
        elif not row["path"]:
            without.append(f"line {line}: `{student.key}` has no path")
        elif not (path := file.parent / Path(row["path"]).expanduser()).exists():
            problems.append(f"line {line}: there is nothing at `{row['path']}`")
        else:
            hand_ins.append(_hand_in(student, path, row, line, file))
    if problems:
        more = f" and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise ClassError(
            f"`{file}`: {'; '.join(problems[:_SHOWN])}{more}",
            "paths are relative to the roster's folder; correct the rows or remove them",
        )
    if not hand_ins:
        raise ClassError(
            f"`{file}` names nobody who handed in", "it needs rows with a student and a path"
        )
    return Found("roster", hand_ins, tuple(without))


def _hand_in(student: Student, path: Path, row: Mapping[str, str], line: int, file: Path) -> HandIn:
    at = row["submitted_at"]
    try:
        when = datetime.fromisoformat(at).timestamp() if at else 0.0
    except ValueError:
        raise ClassError(
            f"`{file}`, line {line}: `{at}` is no time",
            "write `submitted_at` as 2026-10-21T18:00:00+02:00",
        ) from None
    return HandIn(
        students=(student,),
        path=readable(row["path"]),
        read=lambda: take_in(path),
        at=at,
        order=(when,),
    )


def _rows(file: Path) -> list[tuple[int, dict[str, str]]]:
    """Line numbers and cells by column."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ClassError(f"`{file}` is not in UTF-8", "save the roster as CSV in UTF-8") from None
    head = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        missing = [column for column in COLUMNS[:2] if column not in header]
        if missing:
            raise ClassError(
                f"`{file}` has no column `{missing[0]}`; it has "
                f"{', '.join(f'`{cell}`' for cell in header) or 'none'}",
                f"its first line names the columns: {', '.join(COLUMNS)} (the last three optional)",
            )
        rows = []
        for cells in reader:
            row = dict(zip(header, (cell.strip() for cell in cells), strict=False))
            if any(row.values()):
                rows.append((reader.line_num, {name: row.get(name, "") for name in COLUMNS}))
    except csv.Error as error:
        raise ClassError(f"`{file}`, line {reader.line_num}: {error}", "save it as CSV") from None
    return rows

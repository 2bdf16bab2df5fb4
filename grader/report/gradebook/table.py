"""Tables of text as gradebooks export them, and the grades that go into them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from grader.report.safe import printable

#: Spreadsheet programs of some countries separate columns by semicolons.
DELIMITERS = (",", ";", "\t")
#: Points that a grading gives at most; a column of another scale is not filled.
FULL = 100
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")

Scores = Mapping[str, int | None]


class GradebookError(Exception):
    """A table cannot be filled: what is wrong with it, and what would help."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(printable(message[:1_000]))
        self.hint = printable(hint[:1_000])


@dataclass(frozen=True)
class Table:
    """A table and how it was written down."""

    heads: list[str]
    rows: list[list[str]]
    delimiter: str = ","
    marked: bool = False  # begins with a byte order mark
    newline: str = "\n"


@dataclass(frozen=True)
class Filled:
    """A filled table; `unknown` names the students who are not in it, `empty` counts the rows of
    students who got no score: their cells are blank, which leaves their grade as it is."""

    data: bytes
    filled: int
    unknown: list[str]
    empty: int


def read_table(data: bytes, name: str) -> Table:
    """The table in `data`; `name` is the file's, for messages.

    Raises `GradebookError` for what is no table of text.
    """
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        raise GradebookError(
            f"`{name}` is not saved as UTF-8 text",
            "download it anew, and do not save it with a spreadsheet program in between",
        ) from None
    if text.startswith("PK\x03\x04"):
        raise GradebookError(f"`{name}` is a workbook or an archive", "download it as CSV")
    first = text.split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=lambda d: len(_rows(first, d, name)[0]) if first else 0)
    rows = _rows(text, delimiter, name)
    if not rows:
        raise GradebookError(f"`{name}` is empty", "download it anew")
    heads = rows[0]
    for number, row in enumerate(rows[1:], 2):
        if len(row) > len(heads):
            raise GradebookError(
                f"row {number} of `{name}` has {len(row)} cells, its head has {len(heads)}",
                "download it anew, and do not save it with a spreadsheet program in between",
            )
    padded = [row + [""] * (len(heads) - len(row)) for row in rows[1:]]
    return Table(
        heads=[head.strip() for head in heads],
        rows=padded,
        delimiter=delimiter,
        marked=data.startswith(b"\xef\xbb\xbf"),
        newline="\r\n" if "\r\n" in text else "\n",
    )


def _rows(text: str, delimiter: str, name: str) -> list[list[str]]:
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        return [row for row in rows if row]
    except csv.Error as error:
        raise GradebookError(f"`{name}` is no table: {error}", "download it anew") from None


def written(table: Table) -> bytes:
    """The table as it was written down before."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=table.delimiter, lineterminator=table.newline)
    writer.writerows([table.heads, *table.rows])
    return file.getvalue().encode("utf-8-sig" if table.marked else "utf-8")


def number_in(cell: str) -> float | None:
    """A number in a cell, with a point or a comma; None when there is none."""
    found = _NUMBER.fullmatch(cell.strip().replace("\u00a0", ""))
    return float(found[0].replace(",", ".")) if found else None


def rows_by_student(
    rows: Iterable[tuple[int, list[str]]], names: Iterable[int], name: str
) -> dict[str, int]:
    """The number of the row of each student, by what stands in any of the columns `names`.

    `rows` are numbered as in the file. Raises `GradebookError` for students who stand there twice.
    """
    found: dict[str, int] = {}
    columns = list(names)
    for number, row in rows:
        for student in {key for n in columns if (key := row[n].strip())}:
            if student in found:
                raise GradebookError(
                    f"`{student}` stands twice in `{name}`, in rows {found[student]} and {number}",
                    "a grade belongs to one row: remove the other one, or download the table anew",
                )
            found[student] = number
    return found


def assigned(scores: Scores, by_student: Mapping[str, int], name: str) -> dict[int, int | None]:
    """The score of each row that has one; `GradebookError` where two students share a row."""
    given: dict[int, str] = {}
    for student in scores:
        row = by_student.get(student)
        if row is None:
            continue
        if row in given:
            raise GradebookError(
                f"`{given[row]}` and `{student}` are both row {row} of `{name}`",
                "one of the two names is not that student's: correct it in the roster",
            )
        given[row] = student
    return {row: scores[student] for row, student in given.items()}

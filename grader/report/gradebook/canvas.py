"""Canvas: fill one assignment's column of the gradebook that was exported."""

from __future__ import annotations

import dataclasses
import difflib
import re

from grader.report.gradebook.table import (
    FULL,
    Filled,
    GradebookError,
    Scores,
    Table,
    assigned,
    number_in,
    read_table,
    rows_by_student,
    written,
)

#: Columns that say who a row is about; whoever uploads needs no others.
_WHO = ("Student", "ID", "SIS User ID", "SIS Login ID", "Integration ID", "Root Account", "Section")
_KEYS = ("ID", "SIS User ID", "SIS Login ID")
_ASSIGNMENT = re.compile(r"(?P<title>.*) \((?P<id>\d+)\)")
_POINTS = "Points Possible"


def fill_canvas(export: bytes, scores: Scores, title: str, name: str = "the export") -> Filled:
    """The export with this assignment's column filled and the columns of all others left out.

    `scores` go by Canvas's id, SIS id or login; None, and students without a score, stay blank,
    which Canvas takes for unchanged. `title` is the column's, with or without its number. The
    column must be one of the export's own: Canvas makes a new assignment of any other.

    Raises `GradebookError`.
    """
    table = read_table(export, name)
    for head in ("Student", "ID"):
        if head not in table.heads:
            raise GradebookError(
                f"`{name}` has no column `{head}`, as every gradebook exported from Canvas has",
                "export the gradebook with Canvas set to English",
            )
    column = _column(table, title, name)
    students = [(n, row) for n, row in enumerate(table.rows, 2) if _is_student(table, row)]
    _require_scale(table, column, name)
    keys = [table.heads.index(key) for key in _KEYS if key in table.heads]
    by_student = rows_by_student(students, keys, name)
    given = assigned(scores, by_student, name)
    for number, row in students:
        score = given.get(number)
        row[column] = "" if score is None else str(score)
    filled = sum(score is not None for score in given.values())
    return Filled(
        data=written(_narrowed(table, column)),
        filled=filled,
        unknown=sorted(student for student in scores if student not in by_student),
        empty=len(students) - filled,
    )


def _column(table: Table, title: str, name: str) -> int:
    """The column of the assignment that is meant."""
    titles = {
        n: found for n, head in enumerate(table.heads) if (found := _ASSIGNMENT.fullmatch(head))
    }
    meant = [
        n
        for n, found in titles.items()
        if title.strip() in (table.heads[n], found["title"].strip(), found["id"])
    ]
    if len(meant) == 1:
        return meant[0]
    heads = [table.heads[n] for n in titles]
    if meant:
        listed = ", ".join(f"`{table.heads[n]}`" for n in meant)
        raise GradebookError(
            f"`{title}` may be any of {listed} in `{name}`", "give the title with its number"
        )
    close = difflib.get_close_matches(title, heads, n=1, cutoff=0.4)
    shown = ", ".join(f"`{head}`" for head in heads[:10]) or "none"
    raise GradebookError(
        f"`{name}` has no assignment `{title}`; its assignments: {shown}",
        f"did you mean `{close[0]}`?"
        if close
        else "make the assignment in Canvas first, then export the gradebook",
    )


def _is_student(table: Table, row: list[str]) -> bool:
    """Rows without an id say what is possible and how grades are posted."""
    return bool(row[table.heads.index("ID")].strip())


def _require_scale(table: Table, column: int, name: str) -> None:
    who = table.heads.index("Student")
    for row in table.rows:
        if row[who].strip() == _POINTS:
            points = number_in(row[column])
            if points not in (None, FULL):
                raise GradebookError(
                    f"`{table.heads[column]}` is worth {points:g} points in `{name}`; scores are "
                    f"out of {FULL}",
                    f"set the assignment's points to {FULL} in Canvas and export again",
                )


def _narrowed(table: Table, column: int) -> Table:
    """Other assignments' columns would put back what was changed since the export."""
    kept = [n for n, head in enumerate(table.heads) if n == column or head in _WHO]
    return dataclasses.replace(
        table,
        heads=[table.heads[n] for n in kept],
        rows=[[row[n] for n in kept] for row in table.rows],
    )

"""Moodle: fill an assignment's offline grading worksheet."""

from __future__ import annotations

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

#: A participant in the first column, whatever the word is in the site's language.
_PARTICIPANT = re.compile(r"\D*(\d+)")


def fill_moodle(
    worksheet: bytes, scores: Scores, column: str | None = None, name: str = "the worksheet"
) -> Filled:
    """The worksheet with its grades filled in; all else stays as it is.

    `scores` go by a participant's number, or by anything else that names a student left of the
    grade, such as an address. None, and students without a score, keep the grade they have. The
    heads are in the site's language, so the grade is found as the column before the one that holds
    the maximum; `column` is its head where that is not to be seen.

    Raises `GradebookError`.
    """
    table = read_table(worksheet, name)
    if not table.rows or not all(_PARTICIPANT.fullmatch(row[0].strip()) for row in table.rows):
        raise GradebookError(
            f"the first column of `{name}` does not number participants",
            "download the assignment's offline grading worksheet from Moodle",
        )
    grade = _grade_column(table, column, name)
    rows = list(enumerate(table.rows, 2))
    numbered = [(n, [_number(row[0]), *row[1:]]) for n, row in rows]
    by_student = rows_by_student(numbered, _names(table, grade), name)
    given = assigned(scores, by_student, name)
    for number, row in rows:
        if (score := given.get(number)) is not None:
            row[grade] = str(score)
    filled = sum(score is not None for score in given.values())
    return Filled(
        data=written(table),
        filled=filled,
        unknown=sorted(student for student in scores if student not in by_student),
        empty=len(rows) - filled,
    )


def _number(cell: str) -> str:
    found = _PARTICIPANT.fullmatch(cell.strip())
    assert found is not None
    return found[1]


def _names(table: Table, grade: int) -> list[int]:
    """Columns left of the grade in which no two students have the same."""
    columns = [0]
    for n in range(1, grade):
        cells = [cell for row in table.rows if (cell := row[n].strip())]
        if len(cells) == len(set(cells)):
            columns.append(n)
    return columns


def _grade_column(table: Table, column: str | None, name: str) -> int:
    """The column of the grade, whose maximum stands in the next one."""
    if column is not None:
        if table.heads.count(column) != 1:
            heads = ", ".join(f"`{head}`" for head in table.heads)
            raise GradebookError(f"`{name}` has no column `{column}`", f"its columns are {heads}")
        found = [table.heads.index(column)]
    else:
        found = [n - 1 for n in range(2, len(table.heads)) if _maximum(table, n) is not None]
    if len(found) != 1:
        raise GradebookError(
            f"it is not to be seen which column of `{name}` holds the grade",
            "name the column by its head",
        )
    maximum = _maximum(table, found[0] + 1)
    if maximum not in (None, FULL):
        raise GradebookError(
            f"grades in `{name}` are out of {maximum:g}; scores are out of {FULL}",
            f"set the assignment's maximum grade to {FULL} in Moodle and download it again",
        )
    return found[0]


def _maximum(table: Table, column: int) -> float | None:
    """The one number above 0 that stands in every row of a column."""
    if column >= len(table.heads):
        return None
    numbers = {number_in(row[column]) for row in table.rows}
    number = numbers.pop() if len(numbers) == 1 else None
    return number or None

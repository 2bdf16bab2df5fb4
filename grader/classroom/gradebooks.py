"""Scores of a class into the table that a platform has exported."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from grader.classroom.errors import ClassError
from grader.classroom.journal import Journal
from grader.classroom.marks import Mark, mark_of
from grader.classroom.records import Grading
from grader.release import write_atomic
from grader.report.gradebook.canvas import fill_canvas
from grader.report.gradebook.moodle import fill_moodle
from grader.report.gradebook.table import FULL, Filled, GradebookError

Platform = Literal["canvas", "moodle"]


def fill(
    journal: Journal,
    grading: Grading,
    platform: Platform,
    table: Path,
    column: str | None,
    to: Path,
) -> Filled:
    """Write `table` with everybody's score, overrides included, to `to`.

    Who was not graded, by a fault of the grader for instance, stays blank.

    Raises `ClassError` when the table is not the platform's, or cannot be read or written, and when
    the grading left out some of the points.
    """
    marks = {each.turn.student: mark_of(each) for each in journal.standings(grading)}
    _require_whole(grading, marks.values())
    scores = {student: mark.score for student, mark in marks.items()}
    try:
        data = table.read_bytes()
        if platform == "canvas":
            filled = fill_canvas(data, scores, column or "", str(table))
        else:
            filled = fill_moodle(data, scores, column, str(table))
        write_atomic(to, filled.data)
    except GradebookError as error:
        raise ClassError(str(error), error.hint) from None
    except OSError as error:
        raise ClassError(
            f"`{error.filename or to}`: {error.strerror}",
            "name the table that the platform exported, and a file to write with `--to`",
        ) from None
    return filled


def _require_whole(grading: Grading, marks: Iterable[Mark]) -> None:
    """Points out of less than 100 would be too few in a column of 100."""
    attempted = min((mark.max_score for mark in marks if mark.status == "graded"), default=FULL)
    if attempted < FULL:
        left_out = grading.terms.narrowed
        raise ClassError(
            f"the class was graded with `{left_out}`: {attempted} of {FULL} points were attempted, "
            f"and the column is out of {FULL}",
            f"grade it whole, by `class grade` without `{left_out}`, and fill the table then",
        )

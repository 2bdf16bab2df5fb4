"""A table of grades for any other use."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass

from grader.report.model import Report
from grader.report.safe import printable

#: What spreadsheet programs take for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@")


@dataclass(frozen=True)
class Grade:
    """A student's row; `score` is None, and its cell blank, where there is no verdict."""

    student: str
    report: Report


def grades_csv(grades: Iterable[Grade]) -> bytes:
    """A row per student: score, what it is out of, the parts, and why there is no score."""
    listed = list(grades)
    parts = [part.id for part in listed[0].report.parts] if listed else []
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["student", "score", "out_of", *parts, "status", "reason", "sha256"])
    for grade in listed:
        report = grade.report
        out_of = report.attempted_max if report.status == "graded" else report.max_score
        scores = [part.score if part.attempted else "" for part in report.parts]
        writer.writerow(
            [
                cell(grade.student),
                "" if report.score is None else report.score,
                "" if report.score is None else out_of,
                *scores,
                report.status,
                cell(report.reason or ""),
                report.submission.sha256,
            ]
        )
    return file.getvalue().encode()


def cell(text: str) -> str:
    """A text that no spreadsheet program computes, of a length that fits into a cell."""
    shown = printable(text[:1_000])
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown

"""`grades.csv`: a row per student, for spreadsheets and scripts."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from grader.classroom.marks import Mark
from grader.classroom.records import Standing
from grader.report.safe import cell

PARTS = ("q_network", "sample", "update", "update_target", "cartpole")
COLUMNS = (
    "student",
    "name",
    "email",
    "status",
    "score",
    "max_score",
    *PARTS,
    "graded_score",
    "overrides",
    "late",
    "submitted_at",
    "submission",
    "sha256",
    "other_submissions",
    "remark",
    "folder",
)


def grades_csv(rows: Iterable[tuple[Standing, Mark, str]]) -> bytes:
    """UTF-8 with a byte order mark, which spreadsheets need to read names rightly.

    rows : where students stand, their marks, and the names of their folders
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for standing, mark, folder in rows:
        values = _values(standing, mark, folder)
        writer.writerow(["" if value is None else cell(str(value)) for value in values])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _values(standing: Standing, mark: Mark, folder: str) -> Sequence[object]:
    turn = standing.turn
    return (
        turn.student,
        turn.name,
        turn.email,
        mark.status,
        mark.score,
        mark.max_score,
        *(mark.parts.get(part) for part in PARTS),
        mark.graded_score if mark.overridden else None,
        "; ".join(mark.overridden),
        None if turn.late is None else ("yes" if turn.late else "no"),
        turn.at,
        turn.path,
        turn.submission,
        "; ".join(turn.others),
        mark.remark,
        folder,
    )

"""The journal's verdicts: which are missing, which count, and where everybody stands."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator

from grader.classroom.overrides import Overrides
from grader.classroom.records import Grading, Standing, Verdict, now, terms_cells, turn_row
from grader.classroom.summary import pack

#: Which verdicts count in a grading, but for regrades.
_COUNTS = (
    "grader = ? AND rubric = ? AND key_id = ? AND options = ?"
    " AND environment IN (SELECT value FROM json_each(?))"
)


class Verdicts(Overrides):
    """The tables `verdict`, `report` and `fault`."""

    def missing(self, grading: Grading) -> list[str]:
        """Submissions without a verdict that counts; while a regrade is under way, of its own."""
        row = self._db.execute(
            "SELECT finished FROM regrade WHERE id = ?", (grading.regrade,)
        ).fetchone()
        least = grading.regrade if row is not None and row[0] is None else 0
        rows = self._db.execute(
            "SELECT submission FROM turn WHERE grading = ? AND submission IS NOT NULL AND"
            f" submission NOT IN (SELECT submission FROM verdict WHERE {_COUNTS} AND regrade >= ?)"
            " GROUP BY submission ORDER BY min(place)",
            (grading.id, *_counts(grading), least),
        )
        return [sha256 for (sha256,) in rows]

    def expected_seconds(self) -> dict[str, float]:
        """What gradings of submissions took the last time."""
        rows = self._db.execute("SELECT submission, seconds, max(id) FROM verdict GROUP BY 1")
        return {sha256: seconds for sha256, seconds, _id in rows}

    def add_verdict(self, grading: Grading, verdict: Verdict) -> None:
        """One transaction: afterwards it is on the disk."""
        cells = (
            verdict.submission,
            *terms_cells(grading.terms),
            verdict.environment,
            grading.regrade,
            pack(verdict.summary),
            verdict.seconds,
            now(),
        )
        with self._changing():
            cursor = self._db.execute(
                "INSERT OR IGNORE INTO verdict (submission, grader, rubric, key_id, options,"
                " environment, regrade, summary, seconds, made)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                cells,
            )
            if cursor.rowcount:
                self._db.execute(
                    "INSERT INTO report VALUES (?, ?)",
                    (cursor.lastrowid, zlib.compress(verdict.report)),
                )

    def add_fault(self, grading: Grading, submission: str, reason: str) -> None:
        """A submission could not be graded, which says nothing about it."""
        with self._changing():
            self._db.execute(
                "INSERT INTO fault (grading, submission, reason, made) VALUES (?, ?, ?, ?)",
                (grading.id, submission, reason, now()),
            )

    def report(self, verdict: int) -> bytes:
        """The report of a verdict as JSON, in the staff's view and without a name."""
        (data,) = self._one("SELECT data FROM report WHERE verdict = ?", verdict)
        return zlib.decompress(data)

    def standings(self, grading: Grading) -> Iterator[Standing]:
        """Where everybody stands, in the order of turns."""
        overrides = self.overrides(grading)
        rows = self._db.execute(
            "SELECT student, name, email, path, at, late, others, turn.submission, left_out,"
            " problem, hint, v.id, v.environment, v.seconds, v.summary, f.reason FROM turn"
            " LEFT JOIN (SELECT id, submission, environment, seconds, summary,"
            f" max(regrade * 1000000000000 + id) FROM verdict WHERE {_COUNTS} AND regrade <= ?"
            " GROUP BY submission) v ON v.submission = turn.submission"
            " LEFT JOIN (SELECT submission, reason, max(id) FROM fault WHERE grading = ?"
            " GROUP BY submission) f ON f.submission = turn.submission AND v.id IS NULL"
            " WHERE turn.grading = ? ORDER BY place",
            (*_counts(grading), grading.regrade, grading.id, grading.id),
        )
        for row in rows:
            yield Standing(
                turn=turn_row(row[:11]),
                verdict=row[11],
                environment=row[12],
                seconds=row[13] or 0.0,
                packed=row[14],
                fault=row[15],
                overrides=overrides.get(row[0], ()),
            )


def _counts(grading: Grading) -> tuple[str, ...]:
    return (*terms_cells(grading.terms), json.dumps(grading.environments))

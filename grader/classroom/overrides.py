"""The journal's overrides: points that staff gave, whatever is graded."""

from __future__ import annotations

from grader.classroom.records import Grading, Override
from grader.classroom.tables import Tables


class Overrides(Tables):
    """The table `override`."""

    def add_override(self, grading: Grading, override: Override) -> None:
        """From now on, for this student, whatever is graded."""
        with self._changing():
            self._db.execute(
                "INSERT INTO override (grading, student, check_id, points, reason, submission,"
                " made) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    grading.id,
                    override.student,
                    override.check,
                    override.points,
                    override.reason,
                    override.submission,
                    override.made,
                ),
            )

    def overrides(self, grading: Grading) -> dict[str, tuple[Override, ...]]:
        """What was in force when this grading was the last one, by student."""
        rows = self._db.execute(
            "SELECT student, check_id, points, reason, submission, made, max(id) FROM override"
            " WHERE grading <= ? GROUP BY student, check_id ORDER BY student, check_id",
            (grading.id,),
        )
        found: dict[str, list[Override]] = {}
        for row in rows:
            if row[2] is not None:
                found.setdefault(row[0], []).append(Override(*row[:6]))
        return {student: tuple(each) for student, each in found.items()}

"""The journal's gradings: what was graded under which terms and where, and orders to regrade."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from grader.classroom.records import Grading, TurnRow, now, terms_cells, turn_cells
from grader.classroom.tables import Tables
from grader.classroom.terms import Terms


class Gradings(Tables):
    """The tables `grading`, `turn`, `environment` and `regrade`."""

    def begin(
        self,
        source: str,
        layout: str,
        rule: str,
        terms: Terms,
        sandbox: tuple[str, str],
        turns: Sequence[TurnRow],
    ) -> Grading:
        """The grading of these turns: the last one when it is the same, else a new one."""
        rows = [turn_cells(turn) for turn in turns]
        digest = hashlib.sha256(json.dumps([source, rule, *rows]).encode()).hexdigest()
        regrade = self._latest_regrade()
        values = (source, layout, rule, *terms_cells(terms), json.dumps(sandbox), regrade, digest)
        last = self._db.execute(
            "SELECT id, source, layout, rule, grader, rubric, key_id, options, sandbox, regrade,"
            " digest FROM grading ORDER BY id DESC LIMIT 1"
        ).fetchone()
        if last is not None and last[1:] == values:
            return self.grading(last[0])
        with self._changing():
            cursor = self._db.execute(
                "INSERT INTO grading (source, layout, rule, grader, rubric, key_id, options,"
                " sandbox, regrade, digest, environments, begun)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '[]', ?)",
                (*values, now()),
            )
            number = cursor.lastrowid
            self._db.executemany(
                "INSERT INTO turn VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                ((number, place, *row) for place, row in enumerate(rows)),
            )
        assert number is not None
        return self.grading(number)

    def grading(self, number: int | None = None) -> Grading:
        """The grading of that number, or the last one; `LookupError` when there is none."""
        where = "ORDER BY id DESC LIMIT 1" if number is None else "WHERE id = ?"
        row = self._db.execute(
            "SELECT id, source, layout, rule, grader, rubric, key_id, options, sandbox, regrade,"
            f" environments, begun, finished FROM grading {where}",
            () if number is None else (number,),
        ).fetchone()
        if row is None:
            raise LookupError(number)
        wanted, least = json.loads(row[8])
        return Grading(
            id=row[0],
            source=row[1],
            layout=row[2],
            rule=row[3],
            terms=Terms(*row[4:8]),
            sandbox=(wanted, least),
            regrade=row[9],
            environments=tuple(json.loads(row[10])),
            begun=row[11],
            finished=row[12],
        )

    def gradings(self) -> list[Grading]:
        """All of them, in order."""
        ids = self._db.execute("SELECT id FROM grading ORDER BY id").fetchall()
        return [self.grading(number) for (number,) in ids]

    def admit(self, grading: Grading, environments: Mapping[str, str]) -> Grading:
        """Let verdicts of these environments (entries by id) count in the grading.

        Where none of them counted so far, it becomes another grading: of the same turns, elsewhere.
        """
        known = list(dict.fromkeys([*grading.environments, *environments]))
        with self._changing():
            if grading.environments and len(known) == len(grading.environments) + len(environments):
                grading, known = self._copied(grading), list(environments)
            self._db.executemany(
                "INSERT OR IGNORE INTO environment VALUES (?, ?)", environments.items()
            )
            self._db.execute(
                "UPDATE grading SET environments = ? WHERE id = ?", (json.dumps(known), grading.id)
            )
        return self.grading(grading.id)

    def _copied(self, grading: Grading) -> Grading:
        cursor = self._db.execute(
            "INSERT INTO grading (source, layout, rule, grader, rubric, key_id, options, sandbox,"
            " regrade, digest, environments, begun) SELECT source, layout, rule, grader, rubric,"
            " key_id, options, sandbox, regrade, digest, '[]', ? FROM grading WHERE id = ?",
            (now(), grading.id),
        )
        columns = (
            "place, student, name, email, path, at, late, others, submission, left_out, problem,"
            " hint"
        )
        self._db.execute(
            f"INSERT INTO turn (grading, {columns})"
            f" SELECT ?, {columns} FROM turn WHERE grading = ?",
            (cursor.lastrowid, grading.id),
        )
        return self.grading(cursor.lastrowid)

    def environment(self, environment: str) -> dict[str, Any]:
        """What an environment consists of."""
        (entry,) = self._one("SELECT entry FROM environment WHERE id = ?", environment)
        return dict(json.loads(entry))

    def finish(self, grading: Grading) -> None:
        """Every submission of the grading has its verdict."""
        with self._changing():
            self._db.execute(
                "UPDATE grading SET finished = ? WHERE id = ? AND finished IS NULL",
                (now(), grading.id),
            )
            self._db.execute("UPDATE regrade SET finished = ? WHERE finished IS NULL", (now(),))

    # --- regrades ---

    def order_regrade(self, reason: str) -> None:
        """Let every submission be graded anew, unless that very order is being carried out."""
        row = self._db.execute(
            "SELECT reason, finished FROM regrade ORDER BY id DESC LIMIT 1"
        ).fetchone()
        if row is not None and row == (reason, None):
            return
        with self._changing():
            self._db.execute("INSERT INTO regrade (reason, begun) VALUES (?, ?)", (reason, now()))

    def regrade_reason(self, number: int) -> str | None:
        """Why the regrade of that number was ordered; None for the first grading."""
        row = self._db.execute("SELECT reason FROM regrade WHERE id = ?", (number,)).fetchone()
        return None if row is None else str(row[0])

    def _latest_regrade(self) -> int:
        (number,) = self._db.execute("SELECT coalesce(max(id), 0) FROM regrade").fetchone()
        return int(number)

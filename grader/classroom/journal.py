"""The journal: submissions, verdicts, gradings, overrides. One transaction per verdict.

A *turn* is a student with the submission that counts. A *grading* is one list of turns under one
set of terms; starting the same command again goes on with the last one. Verdicts belong to
submissions, so that equal ones share theirs.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from grader.classroom import store
from grader.classroom.summary import Summary, pack, unpack
from grader.classroom.terms import Terms


@dataclass(frozen=True)
class TurnRow:
    """A student's turn as it is kept; without a submission there is a problem, and what helps."""

    student: str
    name: str
    email: str
    path: str
    at: str
    late: bool | None
    others: tuple[str, ...]
    submission: str | None
    left_out: tuple[str, ...]
    problem: str | None = None
    hint: str | None = None


@dataclass(frozen=True)
class Grading:
    """One grading of a class, finished or not."""

    id: int
    source: str
    layout: str
    rule: str
    terms: Terms
    #: The isolation tiers allowed: wanted, least.
    sandbox: tuple[str, str]
    regrade: int
    environments: tuple[str, ...]
    begun: str
    finished: str | None


@dataclass(frozen=True)
class Override:
    """Points that staff gave for a check, whatever was graded; None takes them back."""

    student: str
    check: str
    points: int | None
    reason: str
    #: What the student had handed in at that time.
    submission: str
    made: str


@dataclass(frozen=True)
class Standing:
    """Where a student stands in a grading; without a verdict, perhaps with a fault."""

    turn: TurnRow
    verdict: int | None
    environment: str | None
    seconds: float
    packed: bytes | None
    fault: str | None
    overrides: tuple[Override, ...]

    @property
    def summary(self) -> Summary | None:
        """The verdict in short, as graded, without overrides."""
        return None if self.packed is None else unpack(self.packed)


@dataclass(frozen=True)
class Verdict:
    """What is to be kept of one graded submission. `report` is JSON in the staff's view."""

    submission: str
    environment: str
    summary: Summary
    seconds: float
    report: bytes


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Journal:
    """The journal in a folder. Use as a context manager."""

    def __init__(self, out: Path, connection: sqlite3.Connection) -> None:
        self.out = out
        self._db = connection

    @staticmethod
    def to_write(out: Path) -> Journal:
        """Made where there is none; who calls holds the folder (`store.only_one`)."""
        return Journal(out, store.open_to_write(out))

    @staticmethod
    def to_read(out: Path) -> Journal:
        """Perhaps while another command writes to it."""
        return Journal(out, store.open_to_read(out))

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._db.close()

    # --- what is graded ---

    def keep_submission(self, sha256: str, files: Mapping[str, bytes]) -> None:
        """The bytes, once."""
        data = zlib.compress(msgspec.msgpack.encode(dict(files)))
        with self._changing():
            self._db.execute("INSERT OR IGNORE INTO submission VALUES (?, ?)", (sha256, data))

    def files(self, sha256: str) -> dict[str, bytes]:
        """The bytes of a submission."""
        (data,) = self._one("SELECT files FROM submission WHERE sha256 = ?", sha256)
        return msgspec.msgpack.decode(zlib.decompress(data), type=dict[str, bytes])

    def keep_secret(self, key_id: str, secret: bytes) -> None:
        """The key, for repeating verdicts."""
        with self._changing():
            self._db.execute("INSERT OR IGNORE INTO secret VALUES (?, ?)", (key_id, secret))

    def secret(self, key_id: str) -> bytes:
        """The key of that name."""
        (secret,) = self._one("SELECT secret FROM secret WHERE key_id = ?", key_id)
        return bytes(secret)

    # --- gradings ---

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
        rows = [_turn_cells(turn) for turn in turns]
        digest = hashlib.sha256(json.dumps([source, rule, *rows]).encode()).hexdigest()
        regrade = self._latest_regrade()
        values = (source, layout, rule, *_terms_cells(terms), json.dumps(sandbox), regrade, digest)
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

    # --- verdicts ---

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
            *_terms_cells(grading.terms),
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
                turn=_turn_row(row[:11]),
                verdict=row[11],
                environment=row[12],
                seconds=row[13] or 0.0,
                packed=row[14],
                fault=row[15],
                overrides=overrides.get(row[0], ()),
            )

    # --- overrides ---

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

    # --- transactions ---

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with store.told(self.out):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _one(self, query: str, *values: object) -> tuple[Any, ...]:
        row = self._db.execute(query, values).fetchone()
        if row is None:
            raise LookupError(values)
        return tuple(row)


#: Which verdicts count in a grading, but for regrades.
_COUNTS = (
    "grader = ? AND rubric = ? AND key_id = ? AND options = ?"
    " AND environment IN (SELECT value FROM json_each(?))"
)


def _counts(grading: Grading) -> tuple[str, ...]:
    return (*_terms_cells(grading.terms), json.dumps(grading.environments))


def _terms_cells(terms: Terms) -> tuple[str, str, str, str]:
    return terms.grader, terms.rubric, terms.key_id, terms.options


def _turn_cells(turn: TurnRow) -> tuple[object, ...]:
    late = None if turn.late is None else int(turn.late)
    return (
        turn.student,
        turn.name,
        turn.email,
        turn.path,
        turn.at,
        late,
        json.dumps(turn.others),
        turn.submission,
        json.dumps(turn.left_out),
        turn.problem,
        turn.hint,
    )


def _turn_row(cells: Sequence[Any]) -> TurnRow:
    student, name, email, path, at, late, others, submission, left_out, problem, hint = cells
    return TurnRow(
        student=student,
        name=name,
        email=email,
        path=path,
        at=at,
        late=None if late is None else bool(late),
        others=tuple(json.loads(others)),
        submission=submission,
        left_out=tuple(json.loads(left_out)),
        problem=problem,
        hint=hint,
    )

"""What the journal keeps, as its readers see it, and as cells of its tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from grader.classroom.summary import Summary, unpack
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


def terms_cells(terms: Terms) -> tuple[str, str, str, str]:
    """The terms of a grading as they are kept."""
    return terms.grader, terms.rubric, terms.key_id, terms.options


def turn_cells(turn: TurnRow) -> tuple[object, ...]:
    """A turn as it is kept."""
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


def turn_row(cells: Sequence[Any]) -> TurnRow:
    """The turn of these cells."""
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

"""What a student gets: the graded points with the overrides applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from grader.classroom.records import Standing
from grader.classroom.summary import Outcome

#: What can be said of a student: graded; nothing gradable; the grader failed; not graded so far.
STATUSES = ("graded", "ungradable", "grader_fault", "pending")


@dataclass(frozen=True)
class Mark:
    """Points, or why there are none. `max_score` is what could be earned in this grading."""

    status: str
    score: int | None
    graded_score: int | None
    max_score: int
    parts: Mapping[str, int] = field(default_factory=dict)
    checks: tuple[Outcome, ...] = ()
    #: Overrides in force, each in words.
    overridden: tuple[str, ...] = ()
    remark: str = ""


def mark_of(standing: Standing) -> Mark:
    """The mark of one student."""
    turn = standing.turn
    if turn.submission is None:
        return Mark("ungradable", 0, 0, 100, remark=turn.problem or "")
    summary = standing.summary
    if summary is None:
        if standing.fault is not None:
            return Mark("grader_fault", None, None, 100, remark=standing.fault)
        return Mark("pending", None, None, 100, remark="not graded yet")
    given = {o.check: o for o in standing.overrides if o.points is not None}
    parts = dict(summary.parts)
    told, remarks = [], []
    for check in summary.checks if given else ():
        override = given.get(check.id)
        if override is None:
            continue
        if check.status == "not_attempted":
            remarks.append(f"the override of {check.id} waits for it to be graded")
            continue
        points = override.points or 0
        parts[check.id.partition(".")[0]] += points - check.score
        told.append(f"{check.id}: {points} instead of {check.score}: {override.reason}")
        if override.submission != turn.submission:
            remarks.append(f"the override of {check.id} was made for another submission")
    return Mark(
        status="graded",
        score=sum(parts.values()),
        graded_score=summary.score,
        max_score=summary.attempted_max,
        parts=parts,
        checks=summary.checks,
        overridden=tuple(told),
        remark="; ".join(remarks),
    )

"""Appeals: a verdict is repeated from the stored bytes, or points are given by hand."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from grader.classroom.errors import ClassError, ClassFault
from grader.classroom.executor import Local
from grader.classroom.journal import Journal
from grader.classroom.marks import mark_of
from grader.classroom.people import find_student
from grader.classroom.records import Override, Standing, now
from grader.classroom.session import work_on
from grader.classroom.station import Setup
from grader.classroom.summary import Summary
from grader.classroom.terms import Terms
from grader.report.model import Report
from grader.rubric import load_rubric


@dataclass(frozen=True)
class Repetition:
    """A verdict and the same grading made once more. `differences` is empty when they agree."""

    student: str
    score: int
    again: int
    differences: tuple[str, ...]
    #: What is not as it was when the verdict was made.
    changed: tuple[str, ...]


def reproduce(journal: Journal, wanted: str) -> Repetition:
    """Grade a student's submission again, from the journal alone, and compare.

    Raises `ClassError` when there is no such student or no verdict, and `ClassFault`.
    """
    grading = journal.grading()
    standing = find_student(journal.standings(grading), wanted)
    turn = standing.turn
    if standing.verdict is None or turn.submission is None or standing.environment is None:
        raise ClassError(
            f"there is no verdict on `{turn.student}`: {mark_of(standing).remark}",
            "grade the class first",
        )
    environment = journal.environment(standing.environment)
    here = Terms.of(grading.terms.key_id, True, (), hidden=grading.terms.hidden)
    changed = [
        name
        for name, was, is_now in (
            ("grader", grading.terms.grader, here.grader),
            ("rubric", grading.terms.rubric, here.rubric),
        )
        if was != is_now
    ]
    work = {**work_on(journal, grading, turn.submission), "grader": here.grader}
    with Local(1, Setup(environment["sandbox"], environment["sandbox"])) as executor:
        (entry,) = executor.environments()
        changed += differing(environment, entry)
        executor.hand_out(work)
        result = executor.result()
    if result["status"] != "graded":
        raise ClassFault(
            f"the submission could not be graded again: {result['reason']}",
            "this says nothing about it; start the command again",
        )
    before = msgspec.json.decode(journal.report(standing.verdict), type=Report)
    after = msgspec.json.decode(result["report"], type=Report)
    return Repetition(
        student=turn.student,
        score=before.score or 0,
        again=after.score or 0,
        differences=tuple(_differences(before, after)),
        changed=tuple(changed),
    )


def differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The fields in which two environments differ, with both values."""
    return [
        f"{name} ({old.get(name)} → {new.get(name)})"
        for name in dict.fromkeys([*old, *new])
        if old.get(name) != new.get(name)
    ]


def _differences(before: Report, after: Report) -> list[str]:
    """Everything but timing, environment and grader, which are told apart from it."""
    told = []
    others = {check.id: check for check in after.checks}
    for check in before.checks:
        other = others.get(check.id)
        if other is None:
            told.append(f"{check.id}: there is no such check any more")
        elif msgspec.structs.replace(check, duration_s=0.0) != msgspec.structs.replace(
            other, duration_s=0.0
        ):
            told.append(
                f"{check.id}: {check.status}, {check.score} → {other.status}, {other.score}"
                if (check.status, check.score) != (other.status, other.score)
                else f"{check.id}: the same points, told in other words"
            )
    known = {check.id for check in before.checks}
    told += [f"{check.id}: a new check" for check in after.checks if check.id not in known]
    if before.advice != after.advice:
        told.append("other advice")
    if before.solve != after.solve:
        told.append("another CartPole run")
    return told


def override(
    journal: Journal, wanted: str, check: str, points: int | None, reason: str
) -> tuple[Standing, Override]:
    """Give points for a check from now on, or (None) what is graded again.

    Raises `ClassError` when there is no such student or check, or it cannot have so many points.
    """
    if not reason.strip():
        raise ClassError("an override needs a reason", "say it with `--reason`")
    grading = journal.grading()
    standing = find_student(journal.standings(grading), wanted)
    summary, submission = standing.summary, standing.turn.submission
    if summary is None or submission is None:
        raise ClassError(
            f"`{standing.turn.student}` has no graded checks: {mark_of(standing).remark}",
            "put the right files in their place and start `class grade` again",
        )
    if points is None and check not in [each.check for each in standing.overrides]:
        raise ClassError(
            f"no points were given to `{standing.turn.student}` for `{check}`",
            "there is nothing to take back",
        )
    if points is not None:
        _require_possible(summary, check, points)
    made = Override(standing.turn.student, check, points, reason.strip(), submission, now())
    journal.add_override(grading, made)
    (changed,) = (each for each in journal.standings(grading) if each.turn.student == made.student)
    return changed, made


def _require_possible(summary: Summary, check: str, points: int) -> None:
    known = {each.id: each for each in summary.checks}
    if check not in known:
        close = difflib.get_close_matches(check, known, n=1)
        titles = ", ".join(f"`{each.id}`" for each in load_rubric().check if each.points)
        raise ClassError(
            f"there is no check `{check}`",
            f"did you mean `{close[0]}`?" if close else f"the checks are {titles}",
        )
    outcome = known[check]
    if outcome.status == "not_attempted":
        raise ClassError(
            f"`{check}` was not attempted in this grading",
            "grade the class with it first, without `--no-solve` or `--only`",
        )
    if not 0 <= points <= outcome.max_score:
        raise ClassError(
            f"`{check}` has {outcome.max_score} points, not {points}",
            f"give 0 to {outcome.max_score}",
        )

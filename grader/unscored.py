"""Reports without a verdict: the grader failed, was interrupted, or found nothing to grade."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from grader import __version__
from grader.environment import read_environment
from grader.release.digest import submission_sha256
from grader.report.model import (
    SCHEMA,
    AuditEntry,
    CheckResult,
    GraderEntry,
    PartResult,
    Report,
    SolveEntry,
    SubmissionEntry,
    TimingEntry,
)
from grader.rubric import CheckEntry, load_rubric

if TYPE_CHECKING:
    from grader.grading import Options
    from grader.sandbox.intake import Submitted


def fault_report(
    submitted: Submitted,
    options: Options,
    status: Literal["grader_fault", "interrupted"],
    reason: str,
) -> Report:
    """The report of a grading that came to no verdict: no score, nothing said of any check."""
    return _empty_report(
        SubmissionEntry(
            name=submitted.name,
            sha256=submission_sha256(submitted.files),
            left_out=submitted.left_out,
        ),
        options,
        status,
        reason,
        score=None,
    )


def ungradable_report(name: str, options: Options, reason: str) -> Report:
    """The report on a path at which nothing can be graded: score 0."""
    submission = SubmissionEntry(name=name, sha256=submission_sha256({}), left_out=[])
    return _empty_report(submission, options, "ungradable", reason, score=0)


def _empty_report(
    submission: SubmissionEntry,
    options: Options,
    status: Literal["grader_fault", "interrupted", "ungradable"],
    reason: str,
    score: int | None,
) -> Report:
    rubric = load_rubric(hidden=options.hidden)
    return Report(
        schema=SCHEMA,
        status=status,
        reason=reason,
        view=options.view,
        submission=submission,
        grader=GraderEntry(version=__version__, rubric_sha256=rubric.sha256, key_id=options.key.id),
        environment=read_environment("none"),
        score=score,
        max_score=100,
        attempted_max=0,
        parts=[
            PartResult(id=p.id, title=p.title, score=0, max_score=p.points, attempted=False)
            for p in rubric.part
        ],
        checks=[not_attempted(entry) for entry in rubric.check],
        advice=[],
        solve=no_solve(),
        timing=TimingEntry(total_s=0.0, checks_s=0.0, solve_s=0.0),
    )


def not_attempted(entry: CheckEntry) -> CheckResult:
    """What is said of a check that was left out, or not come to."""
    return CheckResult(
        id=entry.id,
        part=entry.part,
        title=entry.title,
        status="not_attempted",
        score=0,
        max_score=entry.points,
        visibility=entry.visibility,
    )


def no_solve() -> SolveEntry:
    """The solve entry of a grading without a CartPole run."""
    from grader.cartpole.schedule import THRESHOLD, Schedule

    schedule = Schedule()
    return SolveEntry(
        status="not_attempted",
        threshold=THRESHOLD,
        episodes=schedule.confirm_episodes,
        max_q_bound=schedule.max_q_bound,
        attempts=[],
        audit=AuditEntry(status="not_attempted", audited_updates=0, against="contract"),
    )

"""The report, `dqn-grade-report/v1`: the contract's JSON object as typed structs."""

from __future__ import annotations

from typing import Literal

import msgspec

SCHEMA = "dqn-grade-report/v1"

Status = Literal["passed", "failed", "blocked", "timed_out", "crashed", "not_attempted"]
View = Literal["student", "staff"]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the report's objects."""


class SubmissionEntry(Entry, frozen=True):
    """What was graded."""

    name: str
    sha256: str
    left_out: list[str]


class GraderEntry(Entry, frozen=True):
    """Which grader, rubric and key."""

    version: str
    rubric_sha256: str
    key_id: str


class EnvironmentEntry(Entry, frozen=True):
    """Where it ran, as the judge sees it."""

    python: str
    torch: str
    numpy: str
    gymnasium: str
    platform: str
    cpu: str
    threads: int
    sandbox: str


class PartResult(Entry, frozen=True):
    """A part's score; `attempted` says whether any of its checks was run."""

    id: str
    title: str
    score: int
    max_score: int
    attempted: bool


class LocationEntry(Entry, frozen=True):
    """A line of the student's code."""

    file: str
    line: int


class ExcerptEntry(Entry, frozen=True):
    """Lines of a file as it was handed in; `first` is the number of the first one."""

    first: int
    lines: list[str]


class TargetEntry(Entry, frozen=True):
    """A transition of a batch, the target that it should have had and the one that it was given.

    `formula` is an expression of the numbers shown that gives the target found, if one does.
    """

    transition: int
    action: int
    reward: float
    terminal: bool
    best_next: float
    expected: float
    got: float
    formula: str | None


class CheckResult(Entry, frozen=True):
    """One check: its outcome and the three slots of feedback.

    `targets` say in numbers what the lines of `observed` after the first say in words. `excerpt`
    holds the lines around `location`.
    """

    id: str
    part: str
    title: str
    status: Status
    score: int
    max_score: int
    visibility: Literal["visible", "hidden", "after_due_date", "after_published"]
    code: str | None = None
    observed: str | None = None
    why: str | None = None
    hint: str | None = None
    reproduce: str | None = None
    output: str | None = None
    blocked_by: str | None = None
    location: LocationEntry | None = None
    excerpt: ExcerptEntry | None = None
    targets: list[TargetEntry] | None = None
    duration_s: float = 0.0


class AdviceEntry(Entry, frozen=True):
    """A remark that costs no point."""

    code: str
    message: str
    location: LocationEntry | None = None


class AttemptEntry(Entry, frozen=True):
    """One training run.

    `curve` holds pairs of updates and mean greedy return, `max_q` pairs of updates and the mean of
    max_a Q(s, a) over the states of the same episodes, null where it overflowed. `seed` is told in
    the staff view only.
    """

    solved: bool
    updates: int
    environment_steps: int
    mean_return: float | None
    curve: list[tuple[int, float]]
    max_q: list[tuple[int, float | None]]
    seed: int | msgspec.UnsetType = msgspec.UNSET


class AuditEntry(Entry, frozen=True):
    """Whether every update of the runs was the algorithm's: `against` names which."""

    status: Literal["passed", "failed", "not_attempted"]
    audited_updates: int
    against: str


class SolveEntry(Entry, frozen=True):
    """The CartPole run. `max_q_bound` is 1/(1 − γ), what no true value exceeds."""

    status: Status
    threshold: float
    episodes: int
    max_q_bound: float
    attempts: list[AttemptEntry]
    audit: AuditEntry


class OverrideEntry(Entry, frozen=True):
    """Points that staff gave for a check in the place of those that were graded."""

    check: str
    score: int
    graded: int
    reason: str


class TimingEntry(Entry, frozen=True):
    """Wall-clock seconds."""

    total_s: float
    checks_s: float
    solve_s: float


class Report(Entry, frozen=True):
    """Everything that a grading says; the maximum is always 100.

    `overrides` is there only where staff has changed points; `score` and the scores of parts and
    checks are then what they gave.
    """

    schema: str
    status: Literal["graded", "ungradable", "grader_fault", "interrupted"]
    reason: str | None
    view: View
    submission: SubmissionEntry
    grader: GraderEntry
    environment: EnvironmentEntry
    score: int | None
    max_score: int
    attempted_max: int
    parts: list[PartResult]
    checks: list[CheckResult]
    advice: list[AdviceEntry]
    solve: SolveEntry
    timing: TimingEntry
    overrides: list[OverrideEntry] | msgspec.UnsetType = msgspec.UNSET


def for_view(report: Report, view: View) -> Report:
    """The report as this reader may see it.

    Students see of hidden checks the title, why and hint, and no seeds.
    """
    if view == "staff":
        return msgspec.structs.replace(report, view=view)
    checks = [
        check
        if check.visibility == "visible"
        else msgspec.structs.replace(
            check,
            observed=None,
            reproduce=None,
            output=None,
            location=None,
            excerpt=None,
            targets=None,
        )
        for check in report.checks
    ]
    attempts = [
        msgspec.structs.replace(attempt, seed=msgspec.UNSET) for attempt in report.solve.attempts
    ]
    solve = msgspec.structs.replace(report.solve, attempts=attempts)
    return msgspec.structs.replace(report, view=view, checks=checks, solve=solve)

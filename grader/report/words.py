"""What reports say in words, the same in every format."""

from __future__ import annotations

from dataclasses import dataclass

from grader.report.model import AttemptEntry, CheckResult, Report, View

#: A status as students read it.
STATUS = {
    "passed": "passed",
    "failed": "failed",
    "blocked": "blocked",
    "timed_out": "timed out",
    "crashed": "process lost",
    "not_attempted": "not attempted",
}
SYMBOLS = {
    "passed": "✓",
    "failed": "✗",
    "blocked": "–",
    "timed_out": "✗",
    "crashed": "✗",
    "not_attempted": "·",
}
NOT_YOUR_FAULT = (
    "This is not your fault, it says nothing about your code, and it costs you no points."
)
#: For the formats of services that show every such run to the staff.
STAFF_TOLD = "The course staff has been told."


@dataclass(frozen=True)
class Step:
    """Something to do next; `check` is the check that it is about, if any."""

    text: str
    check: str | None = None


def troubled(report: Report) -> list[CheckResult]:
    """The checks that went wrong, in the rubric's order."""
    return [c for c in report.checks if c.status in ("failed", "timed_out", "crashed")]


def slots(check: CheckResult) -> list[tuple[str, str]]:
    """What is told of a check, by the name of what it is: any of observed, why and hint."""
    told = [("observed", check.observed), ("why", check.why), ("hint", check.hint)]
    return [(name, text) for name, text in told if text]


def remark(check: CheckResult, view: View) -> str | None:
    """Why nothing, or not everything, is told of a check."""
    if check.status == "blocked":
        return f"Blocked until {check.blocked_by} passes."
    if check.status == "not_attempted":
        return "Not attempted in this run."
    if check.status != "passed" and check.visibility != "visible" and view == "student":
        return "A hidden check: what it asked is not shown."
    return None


def told_score(report: Report) -> str:
    """The score out of what it is a score of; what happened instead where there is none."""
    if report.score is None:
        return "no score"
    if report.status == "graded" and report.attempted_max < report.max_score:
        return f"{report.score}/{report.attempted_max} of the points attempted"
    return f"{report.score}/{report.max_score}"


def changed_points(report: Report) -> list[tuple[str, str]]:
    """What staff changed, and why, check by check."""
    titles = {check.id: check.title for check in report.checks}
    return [
        (
            f"{titles.get(o.check, o.check)}: {o.score} points instead of {o.graded}",
            o.reason,
        )
        for o in report.overrides or []
    ]


def verdict(report: Report) -> str | None:
    """Why there is no grading, and whose fault that is; None when there is one."""
    if report.status == "ungradable":
        return "Nothing could be graded."
    if report.status == "graded":
        return None
    what = (
        "The grader failed."
        if report.status == "grader_fault"
        else "The grading was stopped before it was done."
    )
    return f"{what} {NOT_YOUR_FAULT}"


def next_steps(report: Report) -> list[Step]:
    """What to do now, the most rewarding first."""
    if report.status == "ungradable":
        return [Step("Check that the three files are there under their own names, and try again.")]
    if report.status != "graded":
        return [
            Step(
                "Nothing has to change in your code. If you grade it yourself, grade again; if it "
                "happens a second time, show this report to the course staff."
            )
        ]
    wrong = troubled(report)
    steps: list[Step] = []
    for part in report.parts:
        mine = [check for check in wrong if check.part == part.id]
        if mine and part.id == "cartpole" and steps:
            steps.append(Step(f"{part.title}: run it again once the parts above are right."))
        elif mine:
            steps.append(Step(_first_of(part.title, mine), mine[0].id))
    left_out = [part.title for part in report.parts if not part.attempted]
    if steps:
        return [*steps, Step("Grade again after each change: one mistake can hide another.")]
    if left_out:
        return [Step(f"All that was graded is right. Left out: {', '.join(left_out)}.")]
    if report.score == report.max_score:
        return [Step("Nothing is left to do: all points are yours. Hand it in.")]
    return [Step("Nothing that was graded went wrong.")]


def _first_of(title: str, wrong: list[CheckResult]) -> str:
    more = len(wrong) - 1
    rest = "" if not more else f", then {more} more" if more > 1 else ", then one more"
    return f"{title}: start with “{wrong[0].title}”{rest}."


def outcome(attempt: AttemptEntry) -> str:
    """What came of a training run."""
    if attempt.solved and attempt.mean_return is not None:
        return f"confirmed at {attempt.mean_return:.1f} after {attempt.updates:,} updates"
    if not attempt.curve:
        return f"ended after {attempt.updates:,} updates"
    best = max(mean for _updates, mean in attempt.curve)
    return f"best {best:.1f} in {attempt.updates:,} updates"


def told_audit(report: Report) -> str | None:
    """What recomputing the updates of the CartPole run showed; None when there was no run."""
    audit = report.solve.audit
    if audit.status == "not_attempted":
        return None
    if audit.status == "failed":
        return "An update of the run is not the course's algorithm."
    algorithm = (
        "the course's algorithm"
        if audit.against == "contract"
        else f"your `update` as its checks found it ({audit.against})"
    )
    return f"All {audit.audited_updates:,} updates of the run were recomputed: each is {algorithm}."

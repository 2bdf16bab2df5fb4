"""What is told in plain text, for services that show it so."""

from __future__ import annotations

from grader.report.model import CheckResult, Report, View
from grader.report.safe import excerpt, printable
from grader.report.words import (
    STAFF_TOLD,
    changed_points,
    next_steps,
    remark,
    slots,
    told_score,
    verdict,
)

MAX_SLOT, MAX_SLOT_LINES = 4_000, 60


def feedback(check: CheckResult, view: View) -> str:
    """All that a report tells of a check, paragraph by paragraph; empty when there is nothing."""
    note = remark(check, view)
    told = [note] if note else []
    told += [f"{name.capitalize()}: {shown(text)}" for name, text in slots(check)]
    if check.location is not None:
        told.append(f"Where: {printable(check.location.file[:200])}, line {check.location.line}")
    if check.reproduce:
        told.append(f"Try it in a Python prompt in your folder:\n{shown(check.reproduce)}")
    if check.output:
        told.append(f"Your code printed:\n{shown(check.output)}")
    return "\n\n".join(told)


def head(report: Report) -> str:
    """What stands above all checks: the score and what to do next, or why there is no verdict.

    For services that show every run to the staff.
    """
    untold = verdict(report)
    if untold is None:
        steps = "\n".join(f"- {step.text}" for step in next_steps(report))
        blocks = [f"Score: {told_score(report)}", f"What to do next:\n{steps}"]
        if changed := changed_points(report):
            lines = "\n".join(f"- {what}. {shown(why)}" for what, why in changed)
            blocks.insert(1, f"Changed by the course staff:\n{lines}")
        return "\n\n".join(blocks)
    told = f"{untold} {STAFF_TOLD}" if report.score is None else untold
    return f"{told}\n\nReason: {shown(report.reason or '')}"


def shown(text: str) -> str:
    """The beginning of a text, harmless to show."""
    return excerpt(text, MAX_SLOT, MAX_SLOT_LINES)

"""The report as one HTML page, for students to read and to print."""

from __future__ import annotations

import dataclasses

from grader.report.chart import charts
from grader.report.model import AttemptEntry, CheckResult, Report
from grader.report.templating import environment
from grader.report.words import (
    STATUS,
    SYMBOLS,
    changed_points,
    next_steps,
    outcome,
    remark,
    told_audit,
    told_score,
    troubled,
    verdict,
)

#: Rows of the table that says what the charts show.
_ROWS = 20


@dataclasses.dataclass(frozen=True)
class CodeLine:
    """A line of a listing; `here` marks the one that is meant."""

    number: int
    text: str
    here: bool


def to_html(report: Report) -> bytes:
    """One self-contained page: no script, nothing loaded from elsewhere."""
    page = environment().get_template("report.html")
    return page.render(
        report=report,
        student=report.view == "student",
        told_score=told_score(report),
        share=_share(report.score or 0, report.attempted_max),
        verdict=verdict(report),
        changed=changed_points(report),
        steps=next_steps(report),
        parts=[part for part in report.parts if part.attempted],
        left_out=[part for part in report.parts if not part.attempted],
        checks_of=lambda part: [c for c in report.checks if c.part == part.id],
        percent=_share,
        troubled=troubled(report),
        listing=listing,
        same_code=_same_code(report),
        charts=charts(report.solve),
        outcome=outcome,
        sampled=_sampled,
        audit=told_audit(report),
        words=STATUS,
        symbols=SYMBOLS,
        remark=lambda check: remark(check, report.view),
        anchor=anchor,
    ).encode()


def anchor(check_id: str) -> str:
    """The `id` of a check's element."""
    return f"check-{check_id.replace('.', '-')}"


def listing(check: CheckResult) -> list[CodeLine]:
    """The lines of a check's excerpt."""
    if check.excerpt is None or check.location is None:
        return []
    return [
        CodeLine(number, text, number == check.location.line)
        for number, text in enumerate(check.excerpt.lines, check.excerpt.first)
    ]


def _same_code(report: Report) -> dict[str, str]:
    """For a check whose code is already shown beside an earlier one: that one's id."""
    first: dict[object, str] = {}
    same = {}
    for check in troubled(report):
        if check.location is None:
            continue
        shown = first.setdefault(check.location, check.id)
        if shown != check.id:
            same[check.id] = shown
    return same


def _share(score: int, of: int) -> int:
    """Per cent, for the length of a bar."""
    return round(100 * score / of) if of else 0


def _sampled(attempt: AttemptEntry) -> list[tuple[int, float, float | None]]:
    """Some (updates, mean return, mean max-Q) of a run, the last one among them."""
    values = dict(attempt.max_q)
    step = -(-len(attempt.curve) // _ROWS)
    picked = attempt.curve[::-1][:: step or 1][::-1]
    return [(updates, mean, values.get(updates)) for updates, mean in picked]

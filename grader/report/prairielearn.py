"""The report as the `results.json` of PrairieLearn's external graders."""

from __future__ import annotations

from typing import Any

from grader.report.json_report import json_bytes
from grader.report.model import CheckResult, Report
from grader.report.plain import feedback, head
from grader.report.safe import excerpt
from grader.report.words import STATUS

#: PrairieLearn refuses results of more than 1 MB. What is told of each check is cut beyond that.
MAX_BYTES = 1_000_000
CUT, CUT_LINES = 2_000, 40


def to_prairielearn(report: Report) -> bytes:
    """PrairieLearn's results, with the score as a share of what was attempted.

    Without a verdict, and where nothing could be graded, the submission is not gradable: it gets
    no score and uses up no attempt.
    """
    if report.status != "graded":
        return json_bytes({"gradable": False, "message": head(report)})
    data = json_bytes(_results(report, cut=False))
    return data if len(data) <= MAX_BYTES else json_bytes(_results(report, cut=True))


def _results(report: Report, *, cut: bool) -> dict[str, Any]:
    return {
        "gradable": True,
        "score": (report.score or 0) / report.attempted_max if report.attempted_max else 0.0,
        "message": head(report),
        "tests": [
            _test(report, check, cut) for check in report.checks if check.status != "not_attempted"
        ],
    }


def _test(report: Report, check: CheckResult, cut: bool) -> dict[str, Any]:
    test: dict[str, Any] = {
        "name": check.id,
        "description": check.title,
        "points": check.score,
        "max_points": check.max_score,
        "message": STATUS[check.status].capitalize(),
    }
    told = feedback(check, report.view)
    if told:
        test["output"] = excerpt(told, CUT, CUT_LINES) if cut else told
    return test

"""The report as Gradescope's `results.json`."""

from __future__ import annotations

import itertools
from typing import Any

from grader.report.json_report import json_bytes
from grader.report.model import CheckResult, Report
from grader.report.plain import feedback, head, shown
from grader.report.words import STATUS


def to_gradescope(report: Report) -> bytes:
    """Gradescope's results: a test per check.

    A report without a verdict has no score, and neither have the tests of a grading that was cut
    short. Gradescope then says that the autograder failed, leaves the score blank and shows the run
    to the staff.
    """
    results: dict[str, Any] = {
        "output": head(report),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "execution_time": round(report.timing.total_s),
        "extra_data": {
            "status": report.status,
            "sha256": report.submission.sha256,
            "grader": report.grader.version,
            "rubric_sha256": report.grader.rubric_sha256,
            "key_id": report.grader.key_id,
        },
    }
    if report.score is not None:
        results["score"] = report.score
    tests = _tests(report)
    if tests or report.score is not None:
        results["tests"] = tests
    return json_bytes(results)


def _tests(report: Report) -> list[dict[str, Any]]:
    tests = []
    for number, part in enumerate(report.parts, 1):
        count = itertools.count(1)
        for check in report.checks:
            if check.part == part.id and check.status != "not_attempted":
                tests.append(_test(report, check, f"{number}.{next(count)}"))
    return tests


def _test(report: Report, check: CheckResult, number: str) -> dict[str, Any]:
    points = {"score": check.score, "max_score": check.max_score}
    test: dict[str, Any] = {
        **(points if report.score is not None else {}),
        "status": "passed" if check.status == "passed" else "failed",
        "name": f"{check.title} ({check.id})",
        "number": number,
        "visibility": _visibility(check),
        "extra_data": {"id": check.id, "status": check.status},
    }
    told = feedback(check, report.view)
    if check.status not in ("passed", "failed", "blocked"):
        told = f"{STATUS[check.status].capitalize()}.\n\n{told}"
    if told:
        test["output"] = told.rstrip()
    if check.code:
        test["tags"] = [shown(check.code)]
    return test


def _visibility(check: CheckResult) -> str:
    """When Gradescope shows a test.

    A hidden one would hide the total as well; of hidden checks the report has only what students
    may see.
    """
    return "visible" if check.visibility == "hidden" else check.visibility

"""The report as the `result.json` of Classroom 50."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from grader.report.json_report import json_bytes
from grader.report.model import Report
from grader.report.plain import feedback, head

SCHEMA = "classroom50/result/v1"
#: Variables of the runner without which no result can be written.
REQUIRED = ("CLASSROOM", "ASSIGNMENT", "SUBMISSION_TAG", "COMMIT_URL", "RELEASE_URL")
_TAG = "submit/"
_TIME = "%Y-%m-%dT%H:%M:%SZ"
#: The time within a tag, whatever stands between its numbers.
_STAMP = re.compile(r"(\d{4})\D?(\d{2})\D?(\d{2})\D?(\d{2})\D?(\d{2})\D?(\d{2})")


class NotClassroom50(Exception):
    """The variables that Classroom 50's runner sets are not there: says which."""


@dataclass(frozen=True)
class Hand:
    """What was handed in, by whom and where, as the runner says."""

    classroom: str
    assignment: str
    kind: str
    owner: str
    tag: str
    commit: str
    release: str
    review: str


def handed_in(environ: Mapping[str, str]) -> Hand:
    """Read the runner's variables; `NotClassroom50` when some are missing."""
    missing = [name for name in REQUIRED if not environ.get(name)]
    owner = environ.get("OWNER") or environ.get("USERNAME")
    if not owner:
        missing.append("OWNER")
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        raise NotClassroom50(f"Classroom 50's result needs {names} in the environment")
    tag = environ["SUBMISSION_TAG"]
    if not tag.startswith(_TAG):
        raise NotClassroom50(f"`SUBMISSION_TAG` is `{tag}`, which does not begin with `{_TAG}`")
    return Hand(
        classroom=environ["CLASSROOM"],
        assignment=environ["ASSIGNMENT"],
        kind=environ.get("ASSIGNMENT_TYPE") or environ.get("MODE") or "individual",
        owner=owner or "",
        tag=tag,
        commit=environ["COMMIT_URL"],
        release=environ["RELEASE_URL"],
        review=environ.get("REVIEW_URL") or environ["COMMIT_URL"],
    )


def to_classroom50(report: Report, hand: Hand, now: datetime) -> bytes:
    """The result of one submission, graded `now`.

    Without a verdict it is 0 of 0 points and no test, which is how Classroom 50 writes an error
    down; the exit status of the command tells the runner that it is one.
    """
    score, of, tests = _verdict(report)
    return json_bytes(
        {
            "schema": SCHEMA,
            "classroom": hand.classroom,
            "assignment": hand.assignment,
            "assignment_type": hand.kind,
            "owner": hand.owner,
            "submission": hand.tag,
            "commit": hand.commit,
            "release": hand.release,
            "review": hand.review,
            "datetime": (_time_of(hand.tag) or now).strftime(_TIME),
            "graded_at": now.strftime(_TIME),
            "score": score,
            "max-score": of,
            "tests": tests,
        }
    )


def _verdict(report: Report) -> tuple[int, int, list[dict[str, Any]]]:
    """Points, what they are out of, and the tests."""
    if report.score is None:
        return 0, 0, []
    if report.status == "ungradable":
        missing = _test("Files to grade", False, 0, report.max_score, head(report))
        return 0, report.max_score, [missing]
    tests = [
        _test(
            f"{check.title} ({check.id})",
            check.status == "passed",
            check.score,
            check.max_score,
            feedback(check, report.view),
        )
        for check in report.checks
        if check.status != "not_attempted"
    ]
    return report.score, report.attempted_max, tests


def _test(name: str, passed: bool, score: int, of: int, told: str) -> dict[str, Any]:
    test = {"test-name": name, "passed": passed, "score": score, "max-score": of}
    return test | ({"output": told} if told else {})


def _time_of(tag: str) -> datetime | None:
    """When a submission was handed in, as its tag says."""
    found = _STAMP.search(tag)
    if found is None:
        return None
    try:
        return datetime(*map(int, found.groups()), tzinfo=UTC)  # type: ignore[arg-type, misc]
    except ValueError:
        return None

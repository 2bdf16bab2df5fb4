"""What decides a verdict besides the submission, and what of it travels with the work."""

import re
from pathlib import Path

import msgspec
import pytest

from grader.classroom.desk import Desk
from grader.classroom.terms import Terms
from grader.keys import PUBLIC_KEY
from grader.release.digest import SUBMISSION_FILES, submission_sha256
from grader.report.model import Report
from grader.rubric import HIDDEN_FOLDER, RUBRIC_FILE, load_rubric

SOLUTION = Path(__file__).resolve().parents[2] / "solution"


def test_hidden_checks_are_other_terms():
    public, official = (Terms.of("a", True, (), hidden=hidden) for hidden in (False, True))
    assert (public.hidden, official.hidden) == (False, True)
    assert public.options != official.options
    assert public.rubric == load_rubric().sha256
    assert official.rubric == load_rubric(hidden=HIDDEN_FOLDER).sha256


def test_the_order_of_parts_does_not_matter():
    assert Terms.of("a", False, ["update", "sample"]) == Terms.of("a", False, ["sample", "update"])


@pytest.mark.parametrize(
    ("solve", "only", "narrowed"),
    [
        (True, (), ""),
        (False, (), "--no-solve"),
        (True, ("update", "sample"), "--only sample --only update"),
        (False, ("update",), "--no-solve --only update"),
    ],
)
def test_options_that_leave_something_out(solve, only, narrowed):
    assert Terms.of("a", solve, only).narrowed == narrowed


def test_other_limits_are_other_terms(monkeypatch, tmp_path):
    path = tmp_path / "rubric.toml"
    text = RUBRIC_FILE.read_text("utf-8")
    changed = re.sub(r"call_cpu_s = .*", "call_cpu_s = 7.5", text)
    assert changed != text
    path.write_text(changed, "utf-8")
    monkeypatch.setattr("grader.rubric.load_rubric.__defaults__", (path,))
    assert load_rubric().limits.call_cpu_s == 7.5
    longer = Terms.of("a", True, ())
    monkeypatch.undo()
    before = Terms.of("a", True, ())
    assert (longer.grader, longer.options) == (before.grader, before.options)
    assert longer.rubric != before.rubric


def test_a_desk_asks_hidden_checks_when_the_work_says_so():
    files = {name: (SOLUTION / name).read_bytes() for name in SUBMISSION_FILES}
    terms = Terms.of("public", False, ["update_target"], hidden=True)
    work = {
        "submission": submission_sha256(files),
        "files": files,
        "key": PUBLIC_KEY,
        "grader": terms.grader,
        **msgspec.json.decode(terms.options),
    }
    with Desk("plain", "plain") as desk:
        result = desk.grade(work)
    report = msgspec.json.decode(result["report"], type=Report)
    assert report.grader.rubric_sha256 == terms.rubric
    assert report.score == 10
    (hidden,) = (check for check in report.checks if check.id == "update_target.hidden_rounds")
    assert hidden.status == "passed"

"""What each reader may see."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.report.formats import FORMATS, Surroundings, rendered
from grader.report.json_report import to_json
from grader.report.model import (
    AttemptEntry,
    AuditEntry,
    ExcerptEntry,
    LocationEntry,
    SolveEntry,
    TargetEntry,
    for_view,
)
from grader.report.terminal import to_text

SECRET = "the-secret-input"


@pytest.fixture
def hidden(make_check, make_report):
    told = dict.fromkeys(("observed", "reproduce", "output"), SECRET)
    target = TargetEntry(
        transition=0,
        action=0,
        reward=0.0,
        terminal=True,
        best_next=0.0,
        expected=0.0,
        got=0.0,
        formula=SECRET,
    )
    check = make_check(
        visibility="hidden",
        why="why it is",
        hint="where to look",
        code="UPDATE_HUBER",
        location=LocationEntry(file="dqn_agent.py", line=1),
        excerpt=ExcerptEntry(first=1, lines=[SECRET]),
        targets=[target],
        **told,
    )
    attempt = AttemptEntry(
        solved=False,
        updates=100,
        environment_steps=1200,
        mean_return=None,
        curve=[(50, 20.0)],
        max_q=[(50, 0.4)],
        seed=987654321,
    )
    audit = AuditEntry(status="passed", audited_updates=100, against="contract")
    solve = SolveEntry(
        status="failed",
        threshold=475.0,
        episodes=100,
        max_q_bound=100.0,
        attempts=[attempt],
        audit=audit,
    )
    return make_report([check], solve=solve)


def check_of(document, check_id="update.loss"):
    return next(check for check in document["checks"] if check["id"] == check_id)


def test_students_see_of_a_hidden_check_title_why_and_hint(hidden):
    raw = to_json(for_view(hidden, "student"))
    assert SECRET.encode() not in raw
    check = check_of(json.loads(raw))
    assert check["title"] == "Mean squared error"
    assert (check["why"], check["hint"]) == ("why it is", "where to look")
    assert (check["status"], check["score"]) == ("failed", 0)


def test_students_see_no_seed(hidden):
    raw = to_json(for_view(hidden, "student"))
    assert b"987654321" not in raw
    assert "seed" not in json.loads(raw)["solve"]["attempts"][0]


def test_staff_see_everything(hidden):
    document = json.loads(to_json(for_view(hidden, "staff")))
    check = check_of(document)
    assert (check["observed"], check["reproduce"], check["output"]) == (SECRET,) * 3
    assert document["solve"]["attempts"][0]["seed"] == 987654321
    assert document["view"] == "staff"


#: What a runner of Classroom 50 sets.
CLASSROOM50 = {
    "CLASSROOM": "rl",
    "ASSIGNMENT": "dqn",
    "OWNER": "ada",
    "SUBMISSION_TAG": "submit/20260901T101112Z-abc1234",
    "COMMIT_URL": "https://example.org/commit",
    "RELEASE_URL": "https://example.org/release",
}


@pytest.mark.parametrize("wanted", sorted(set(FORMATS) - {"curve"}))
def test_no_format_tells_students_what_a_hidden_check_saw(hidden, wanted):
    seen = for_view(hidden, "student")
    data = rendered(wanted, seen, Surroundings(environ=CLASSROOM50)).decode()
    assert SECRET not in data
    assert "987654321" not in data
    assert "why it is" in data


def test_the_terminal_keeps_the_secret_too(hidden):
    student, staff = (to_text(for_view(hidden, view)) for view in ("student", "staff"))
    assert SECRET not in student
    assert "why it is" in student
    assert SECRET in staff


def test_visible_checks_lose_nothing(make_check, make_report):
    check = make_check(
        observed="got 3",
        reproduce="x = 1",
        output="hi",
        location=LocationEntry(file="a.py", line=3),
    )
    seen = for_view(make_report([check]), "student")
    assert next(c for c in seen.checks if c.id == check.id) == check


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_no_view_changes_a_score(reports, data):
    report = data.draw(reports)
    seen = for_view(report, "student")
    assert (seen.score, seen.parts, seen.view) == (report.score, report.parts, "student")
    for ours, theirs in zip(report.checks, seen.checks, strict=True):
        assert (ours.id, ours.status, ours.score) == (theirs.id, theirs.status, theirs.score)
        if ours.visibility == "hidden":
            assert theirs.observed is theirs.reproduce is theirs.output is None
            assert theirs.location is theirs.excerpt is theirs.targets is None

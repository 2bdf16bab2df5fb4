"""The reports for services: valid by somebody else's judgement, and never a zero for a fault."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from junitparser import Error, Failure, JUnitXml, Skipped
from markdown_it import MarkdownIt
from zucchini.gradescope.output import GradescopeOutput

from grader.report.annotations import to_annotations
from grader.report.classroom50 import NotClassroom50, handed_in, to_classroom50
from grader.report.formats import FORMATS, Surroundings, rendered, require
from grader.report.gradescope import to_gradescope
from grader.report.junit import to_junit
from grader.report.markdown import MAX_BYTES, to_markdown
from grader.report.model import OverrideEntry, for_view
from grader.report.prairielearn import to_prairielearn

RUNNER = {
    "CLASSROOM": "rl",
    "ASSIGNMENT": "dqn",
    "OWNER": "ada",
    "SUBMISSION_TAG": "submit/20260901T101112Z-abc1234",
    "COMMIT_URL": "https://example.org/commit",
    "RELEASE_URL": "https://example.org/release",
}
NOW = datetime(2026, 9, 2, 3, 4, 5, tzinfo=UTC)
NOT_YOURS = "This is not your fault"
WITHOUT_VERDICT = ["grader_fault", "interrupted"]


@pytest.fixture(scope="module")
def seen(told):
    """What students are told."""
    return for_view(told, "student")


@pytest.fixture(scope="module")
def classroom50():
    """Classroom 50's result of a report, valid by its own schema."""
    path = Path(__file__).with_name("classroom50-result-v1.schema.json")
    schema = jsonschema.Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))

    def make(report, environ=RUNNER):
        document = json.loads(to_classroom50(report, handed_in(environ), NOW))
        schema.validate(document)
        # What the schema's own text leaves to programs.
        assert document["score"] <= document["max-score"]
        assert all(test["score"] <= test["max-score"] for test in document["tests"])
        return document

    return make


def gradescope(report):
    """Gradescope's results of a report, as zucchini reads them."""
    return GradescopeOutput.model_validate(json.loads(to_gradescope(report)))


def junit(report):
    """The suites of a report, as junitparser reads them."""
    return JUnitXml.fromstring(to_junit(report))


def cases(report):
    return {case.name: case for suite in junit(report) for case in suite}


# --- JUnit ---------------------------------------------------------------------------------------


def test_junit_has_a_suite_per_part_and_a_case_per_check(seen):
    suites = {suite.name: suite for suite in junit(seen)}
    assert list(suites) == [part.id for part in seen.parts]
    names = [(case.classname, case.name) for suite in suites.values() for case in suite]
    assert names == [(check.part, check.id) for check in seen.checks]
    assert (suites["update"].failures, suites["sample"].errors) == (3, 1)
    whole = junit(seen)
    assert (whole.tests, whole.failures, whole.errors) == (len(seen.checks), 3, 2)


def test_junit_tells_what_went_wrong_and_where(seen):
    case = cases(seen)["update.terminal"]
    (failure,) = case.result
    assert isinstance(failure, Failure)
    assert failure.type == "UPDATE_NO_TERMINAL_MASK"
    for told in (
        "TD target of terminal transitions",
        "observed: γ = 0.9; 1 of 6 targets differ:",
        "why: A terminal next state is worth 0",
        "hint: Which of the five fields",
    ):
        assert told in failure.message
        assert told in failure.text
    assert "try it:\nagent.update(64)" in failure.text
    assert case.system_out == "one\ntwo\n"
    assert (case._elem.get("file"), case._elem.get("line")) == ("dqn_agent.py", "59")


def test_junit_tells_ways_of_going_wrong_apart(seen):
    found = cases(seen)
    assert isinstance(found["sample.returns_batch"].result[0], Error)
    assert found["sample.returns_batch"].result[0].type == "timed_out"
    assert isinstance(found["update_target.copies"].result[0], Error)
    blocked = found["update_target.repeated"].result[0]
    assert isinstance(blocked, Skipped)
    assert blocked.message == "Blocked until update_target.copies passes."
    assert found["sample.shapes"].result[0].message == "Not attempted in this run."
    assert found["q_network.builds"].result == []


@pytest.mark.parametrize("status", WITHOUT_VERDICT)
def test_junit_without_a_verdict_fails_nobody(untold, status):
    found = cases(untold(status))
    (error,) = found.pop("grader.verdict").result
    assert isinstance(error, Error)
    assert NOT_YOURS in error.message
    assert "the worker `x` is gone" in error.text
    assert {type(case.result[0]) for case in found.values()} == {Skipped}


def test_junit_of_nothing_to_grade_is_a_failure(untold):
    (failure,) = cases(untold("ungradable"))["grader.verdict"].result
    assert isinstance(failure, Failure)
    assert "none of the `files` is there" in failure.message


# --- Gradescope ----------------------------------------------------------------------------------


def test_gradescope_has_a_test_per_check_that_ran(seen):
    output = gradescope(seen)
    ran = [check for check in seen.checks if check.status != "not_attempted"]
    assert output.score == seen.score
    assert [test.extra_data["id"] for test in output.tests] == [check.id for check in ran]
    assert sum(test.score for test in output.tests) == seen.score
    numbers = [test.number for test in output.tests]
    assert numbers == ["1.1", "2.1", "3.1", "3.2", "3.3", "4.1", "4.2", "5.1"]
    statuses = {test.extra_data["id"]: test.status for test in output.tests}
    assert statuses["q_network.builds"] == "passed"
    assert statuses["update_target.repeated"] == "failed"


def test_gradescope_tells_the_student_everything(seen):
    tests = {test.extra_data["id"]: test for test in gradescope(seen).tests}
    told = tests["update.terminal"].output
    for text in (
        "Observed: γ = 0.9; 1 of 6 targets differ:",
        "Why: A terminal next state",
        "Hint: Which of the five fields",
        "Where: dqn_agent.py, line 59",
        "Try it in a Python prompt in your folder:\nagent.update(64)",
        "Your code printed:\none\ntwo",
    ):
        assert text in told
    assert tests["update.terminal"].tags == ["UPDATE_NO_TERMINAL_MASK"]
    assert tests["sample.returns_batch"].output == "Timed out.\n\nObserved: No answer."
    assert tests["update_target.copies"].output.startswith("Process lost.")
    assert "what it asked is not shown" in tests["update.one_step"].output
    assert "What to do next:\n- ReplayBuffer.sample: start with" in gradescope(seen).output


def test_gradescope_is_told_when_to_show_a_test(make_check, make_report):
    wanted = {
        "update.loss": "visible",
        "update.max": "hidden",
        "update.terminal": "after_due_date",
        "update.discount": "after_published",
    }
    checks = [make_check(check, visibility=when) for check, when in wanted.items()]
    output = gradescope(for_view(make_report(checks), "student"))
    shown = {test.extra_data["id"]: test.visibility for test in output.tests}
    # A test hidden in Gradescope's sense would hide the total too.
    assert shown == wanted | {"update.max": "visible"}


@pytest.mark.parametrize("status", WITHOUT_VERDICT)
def test_gradescope_without_a_verdict_has_no_score(untold, status):
    document = json.loads(to_gradescope(untold(status)))
    assert "score" not in document
    assert "tests" not in document
    assert NOT_YOURS in document["output"]
    assert "The course staff has been told." in document["output"]
    assert "Reason: the worker `x` is gone" in document["output"]


def test_gradescope_of_nothing_to_grade_is_zero_and_says_why(untold):
    output = gradescope(untold("ungradable"))
    assert (output.score, output.tests) == (0, [])
    assert output.output == "Nothing could be graded.\n\nReason: none of the `files` is there"


# --- PrairieLearn --------------------------------------------------------------------------------


def test_prairielearn_has_the_share_of_what_was_attempted(seen):
    document = json.loads(to_prairielearn(seen))
    assert document["gradable"] is True
    assert document["score"] == pytest.approx(seen.score / seen.attempted_max)
    assert "Score: 16/100" in document["message"]
    tests = {test["name"]: test for test in document["tests"]}
    assert all({"points", "max_points"} <= test.keys() for test in tests.values())
    assert tests["update.terminal"]["message"] == "Failed"
    assert "Hint: Which of the five" in tests["update.terminal"]["output"]
    assert tests["q_network.builds"]["points"] == 1
    assert "output" not in tests["q_network.builds"]


@pytest.mark.parametrize("status", [*WITHOUT_VERDICT, "ungradable"])
def test_prairielearn_without_a_grade_is_not_gradable(untold, status):
    document = json.loads(to_prairielearn(untold(status)))
    assert document["gradable"] is False
    assert "score" not in document
    assert (NOT_YOURS in document["message"]) == (status != "ungradable")
    assert "Reason: " in document["message"]


def test_prairielearn_gets_no_more_than_it_takes(told):
    flood = "\U0001f600" * 20_000
    checks = [
        msgspec.structs.replace(
            check,
            status="failed",
            **dict.fromkeys(("observed", "why", "hint", "output", "reproduce"), flood),
            blocked_by=None,
        )
        for check in told.checks
    ]
    document = to_prairielearn(msgspec.structs.replace(told, checks=checks))
    assert len(document) < 1_000_000
    assert "… 10 more lines" in json.loads(document)["tests"][0]["output"]


# --- Classroom 50 --------------------------------------------------------------------------------


def test_classroom50_names_who_and_what(classroom50, seen):
    document = classroom50(seen)
    assert (document["owner"], document["assignment_type"]) == ("ada", "individual")
    assert document["review"] == document["commit"] == "https://example.org/commit"
    assert document["datetime"] == "2026-09-01T10:11:12Z"
    assert document["graded_at"] == "2026-09-02T03:04:05Z"
    assert (document["score"], document["max-score"]) == (16, 100)
    tests = {test["test-name"]: test for test in document["tests"]}
    failed = tests["TD target of terminal transitions (update.terminal)"]
    assert (failed["passed"], failed["score"], failed["max-score"]) == (False, 0, 4)
    assert "Hint: Which of the five" in failed["output"]


def test_classroom50_takes_what_the_runner_says(classroom50, seen):
    more = {"ASSIGNMENT_TYPE": "group", "REVIEW_URL": "https://example.org/review"}
    document = classroom50(seen, RUNNER | more | {"SUBMISSION_TAG": "submit/99999999T999999Z-x"})
    assert (document["assignment_type"], document["review"]) == tuple(more.values())
    assert document["datetime"] == document["graded_at"]


@pytest.mark.parametrize("status", WITHOUT_VERDICT)
def test_classroom50_without_a_verdict_is_out_of_nothing(classroom50, untold, status):
    document = classroom50(untold(status))
    assert (document["score"], document["max-score"], document["tests"]) == (0, 0, [])


def test_classroom50_of_nothing_to_grade_says_why(classroom50, untold):
    document = classroom50(untold("ungradable"))
    assert (document["score"], document["max-score"]) == (0, 100)
    (test,) = document["tests"]
    assert test["output"] == "Nothing could be graded.\n\nReason: none of the `files` is there"


def test_classroom50_needs_its_variables(seen):
    with pytest.raises(NotClassroom50) as raised:
        require(["json", "classroom50"], Surroundings(environ={"CLASSROOM": "rl", "OWNER": ""}))
    assert str(raised.value) == (
        "Classroom 50's result needs `ASSIGNMENT`, `SUBMISSION_TAG`, `COMMIT_URL`, `RELEASE_URL`, "
        "`OWNER` in the environment"
    )
    with pytest.raises(NotClassroom50, match="`v1`, which does not begin with `submit/`"):
        handed_in(RUNNER | {"SUBMISSION_TAG": "v1"})
    assert handed_in({**RUNNER, "OWNER": "", "USERNAME": "eve"}).owner == "eve"
    require(["json"], Surroundings())


# --- GitHub --------------------------------------------------------------------------------------


def unescaped(text):
    """A command's text or property as GitHub's runner reads it."""
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, char)
    return text


def commands(text):
    """Level, properties and message of each command."""
    found = []
    for line in text.splitlines():
        level, properties, message = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line).groups()
        pairs = dict(pair.split("=", 1) for pair in properties.split(","))
        found.append((level, {k: unescaped(v) for k, v in pairs.items()}, unescaped(message)))
    return found


def test_annotations_stand_beside_the_students_lines(seen):
    found = commands(to_annotations(seen, "hw/starter"))
    assert found[0] == ("notice", {"title": "Score"}, "16/100")
    beside = next(c for c in found if c[1]["title"] == "TD target of terminal transitions")
    assert beside[1]["file"] == "hw/starter/dqn_agent.py"
    assert beside[1]["line"] == "59"
    assert beside[2].startswith("observed: γ = 0.9; 1 of 6 targets differ:\n")
    assert "hint: Which of the five" in beside[2]
    assert len(found) == 6


def test_annotations_without_a_place_or_a_word(make_check, make_report):
    ((_, _score, _), (level, properties, message)) = commands(
        to_annotations(make_report([make_check("update.loss")]))
    )
    assert (level, properties, message) == (
        "error",
        {"title": "Mean squared error"},
        "update.loss",
    )


def test_no_more_annotations_than_are_shown(make_check, make_report, told):
    ids = [check.id for check in told.checks if check.part == "update"][:15]
    found = commands(to_annotations(make_report([make_check(check) for check in ids])))
    errors = [command for command in found if command[0] == "error"]
    assert len(errors) == 10
    assert errors[-1][1]["title"] == "6 more checks failed"
    assert errors[-1][2] == ", ".join(ids[9:])


@pytest.mark.parametrize("status", WITHOUT_VERDICT)
def test_annotations_without_a_verdict(untold, status):
    ((level, properties, message),) = commands(to_annotations(untold(status)))
    assert (level, properties) == ("error", {"title": "No grade"})
    assert NOT_YOURS in message
    assert message.endswith("\nthe worker `x` is gone")


def test_annotations_of_nothing_to_grade(untold):
    ((_level, properties, message),) = commands(to_annotations(untold("ungradable")))
    assert properties == {"title": "Score: 0"}
    assert message == "Nothing could be graded.\nnone of the `files` is there"


# --- Markdown ------------------------------------------------------------------------------------


def page(report):
    """The Markdown of a report as a page."""
    return MarkdownIt("gfm-like").render(to_markdown(report))


def test_markdown_tells_everything(seen):
    text = page(seen)
    for told in (
        "<h1>DQN assignment: 16/100</h1>",
        "<h3>✗ TD target of terminal transitions</h3>",
        "<code>UPDATE_NO_TERMINAL_MASK</code> · <code>dqn_agent.py:59</code>",
        "<strong>Observed.</strong> γ = 0.9; 1 of 6 targets differ:",
        "A terminal next state is worth 0 | by <code>definition</code>.",
        "See docs/assignment.md#terminal-mask.",
        "<td><code>0.1933 + 0.9 · 0.8856</code></td>",
        '<pre><code class="language-python">agent.update(64)',
        "<pre><code>one\ntwo",
        "<code>SAMPLE_SLOW_CONVERSION</code>: Stack first.",
        "confirmed at 481.2 after 1,250 updates",
        "All 1,250 updates of the run were recomputed",
        "blocked, waits for <code>update_target.copies</code>",
        "<em>A hidden check: what it asked is not shown.</em>",
    ):
        assert told in text
    assert "start with “TD target of terminal transitions”, then 2 more." in text


def test_markdown_keeps_the_lines_of_a_long_observation(make_check, make_report):
    check = make_check(observed="It said:\n  one\n  ```\n  two")
    assert '<pre><code class="language-text">It said:\n  one\n  ```\n  two' in page(
        make_report([check])
    )


def test_words_that_would_become_links_or_messages_are_code(make_check, make_report):
    check = make_check(observed="ask @ada or see www.x.org, http://y.org and #12")
    text = page(make_report([check]))
    assert "<a " not in text
    assert "ask <code>@ada</code> or see <code>www.x.org,</code>" in text
    assert "<code>#12</code>" in text


@pytest.mark.parametrize("status", WITHOUT_VERDICT)
def test_markdown_without_a_verdict(untold, status):
    text = page(untold(status))
    assert "<h1>DQN assignment: no score</h1>" in text
    assert NOT_YOURS in text
    assert "the worker `x` is gone" in text
    assert "0/" not in text


def test_points_that_staff_changed_are_told(told):
    overrides = [OverrideEntry(check="update.terminal", score=4, graded=0, reason="See `mail`.")]
    changed = msgspec.structs.replace(told, overrides=overrides)
    line = "TD target of terminal transitions: 4 points instead of 0. See"
    assert f"<li>{line} <code>mail</code>.</li>" in page(changed)
    assert f"Changed by the course staff:\n- {line} `mail`." in gradescope(changed).output


def test_markdown_fits_into_a_summary(told):
    flood = "\U0001f600" * 20_000
    checks = [
        msgspec.structs.replace(
            check, status="failed", blocked_by=None, why=flood, hint=flood, output=flood
        )
        for check in told.checks
    ]
    text = to_markdown(msgspec.structs.replace(told, checks=checks))
    assert len(text.encode()) <= MAX_BYTES


# --- all of them ---------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(data=st.data(), view=st.sampled_from(["student", "staff"]))
def test_any_report_is_valid_everywhere(reports, classroom50, data, view):
    report = for_view(data.draw(reports), view)
    assert gradescope(report).score == report.score
    assert len(list(cases(report))) == len(report.checks)
    assert classroom50(report)["score"] == report.score
    assert 0 <= json.loads(to_prairielearn(report))["score"] <= 1
    assert page(report).count("<h1>") == 1
    assert commands(to_annotations(report))


@pytest.mark.parametrize("wanted", sorted(FORMATS))
def test_every_format_has_its_writer(seen, wanted):
    around = Surroundings(environ=RUNNER, now=NOW)
    data = rendered(wanted, seen, around)
    assert data == rendered(wanted, seen, around)
    assert data.endswith(b"\n") or wanted == "curve"


def test_no_other_format_is_known(seen):
    with pytest.raises(ValueError, match="no report is called `pdf`"):
        rendered("pdf", seen, Surroundings())

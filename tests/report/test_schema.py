"""Reports have the form that docs/report.schema.json promises, and nothing beside it."""

import copy
import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.grading import Options
from grader.report.json_report import to_json
from grader.report.model import Report, for_view
from grader.sandbox.intake import Submitted
from grader.unscored import fault_report, ungradable_report


@pytest.fixture(scope="module")
def plain(real):
    return json.loads(real)


def problems(validator, document):
    return [f"{list(e.absolute_path)}: {e.message}" for e in validator.iter_errors(document)]


def test_a_real_grading_is_valid(validator, plain):
    assert problems(validator, plain) == []
    assert plain["score"] == 85 - 3
    assert plain["attempted_max"] == 85


@settings(max_examples=30, deadline=None)
@given(data=st.data(), view=st.sampled_from(["student", "staff"]))
def test_any_report_is_valid_in_both_views(validator, reports, data, view):
    report = data.draw(reports)
    assert problems(validator, json.loads(to_json(for_view(report, view)))) == []


@settings(max_examples=30, deadline=None)
@given(data=st.data(), view=st.sampled_from(["student", "staff"]))
def test_json_reads_back_as_the_same_report(reports, data, view):
    report = for_view(data.draw(reports), view)
    assert msgspec.json.decode(to_json(report), type=Report) == report


@pytest.mark.parametrize("status", ["grader_fault", "interrupted"])
def test_without_a_verdict_there_is_no_score_and_nothing_said(validator, status):
    submitted = Submitted(name="mine", files={"q_network.py": b"x = 1\n"})
    document = json.loads(to_json(fault_report(submitted, Options(), status, "because")))
    assert problems(validator, document) == []
    assert document["score"] is None
    assert document["reason"] == "because"
    assert {check["status"] for check in document["checks"]} == {"not_attempted"}


def test_an_ungradable_submission_has_zero_points(validator):
    document = json.loads(to_json(ungradable_report("mine", Options(), "nothing there")))
    assert problems(validator, document) == []
    assert (document["status"], document["score"]) == ("ungradable", 0)


def test_scores_add_up(plain):
    for part in plain["parts"]:
        mine = [check for check in plain["checks"] if check["part"] == part["id"]]
        assert part["score"] == sum(check["score"] for check in mine)
        assert part["max_score"] == sum(check["max_score"] for check in mine)
    assert plain["score"] == sum(part["score"] for part in plain["parts"])
    assert sum(part["max_score"] for part in plain["parts"]) == 100


def test_json_is_readable_utf8_with_a_final_newline(real):
    assert real.startswith(b'{\n  "schema": "dqn-grade-report/v1",\n')
    assert real.endswith(b"}\n")
    assert "γ".encode() in real


BREAKAGES = {
    "score is no integer": lambda d: d.update(score=81.5),
    "score of a fault": lambda d: d.update(status="grader_fault", reason="x"),
    "no reason": lambda d: d.update(status="interrupted", score=None),
    "reason of a grading": lambda d: d.update(reason="x"),
    "another maximum": lambda d: d.update(max_score=85),
    "another schema": lambda d: d.update(schema="dqn-grade-report/v2"),
    "unknown key": lambda d: d.update(grade="A"),
    "unknown key of a check": lambda d: d["checks"][0].update(points=3),
    "unknown status": lambda d: d["checks"][0].update(status="skipped"),
    "blocked by nothing": lambda d: d["checks"][0].update(status="blocked", score=0),
    "blocked with points": lambda d: d["checks"][0].update(
        status="blocked", blocked_by="q_network.builds", score=1
    ),
    "blocked by and passed": lambda d: d["checks"][0].update(blocked_by="q_network.builds"),
    "hidden and told": lambda d: d["checks"][0].update(visibility="hidden", observed="x"),
    "line 0": lambda d: d["checks"][0].update(location={"file": "a.py", "line": 0}),
    "part unknown": lambda d: d["parts"][0].update(id="train"),
    "part left out": lambda d: d["parts"].pop(),
    "seed told": lambda d: d["solve"].update(attempts=[ATTEMPT | {"seed": 1}]),
    "seed missing": lambda d: (d.update(view="staff"), d["solve"].update(attempts=[ATTEMPT])),
    "point without return": lambda d: d["solve"].update(attempts=[ATTEMPT | {"curve": [[1]]}]),
    "point of three": lambda d: d["solve"].update(attempts=[ATTEMPT | {"curve": [[1, 2, 3]]}]),
    "digest too short": lambda d: d["submission"].update(sha256="abc"),
}
ATTEMPT = {
    "solved": False,
    "updates": 50,
    "environment_steps": 600,
    "mean_return": None,
    "curve": [[50, 20.5]],
    "max_q": [[50, None]],
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_the_schema_refuses(validator, plain, breakage):
    document = copy.deepcopy(plain)
    BREAKAGES[breakage](document)
    assert problems(validator, document) != []


def test_the_schema_requires_every_key_of_every_object(validator, plain):
    document = copy.deepcopy(plain) | {"view": "staff"}
    document["solve"]["attempts"] = [ATTEMPT | {"seed": 1}]
    document["advice"] = [{"code": "A", "message": "b", "location": {"file": "c.py", "line": 1}}]
    document["checks"] = document["checks"][:1]
    document["parts"][1:] = document["parts"][:1] * 4
    assert problems(validator, document) == []

    def objects(node):
        if isinstance(node, dict):
            yield node
        for child in node.values() if isinstance(node, dict) else node:
            if isinstance(child, dict | list):
                yield from objects(child)

    for thing in objects(document):
        for key in list(thing):
            kept = thing.pop(key)
            assert problems(validator, document) != [], f"`{key}` is not required"
            thing[key] = kept

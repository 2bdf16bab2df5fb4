"""Checks and rubric, codes and explanations: each of one has its counterpart in the other."""

import inspect
import re
from pathlib import Path

import pytest

import grader
from grader.checks.agents import Agents
from grader.checks.draws import Draws
from grader.checks.networks import Networks
from grader.checks.updates import Updates
from grader.explanations import load_explanations
from grader.rubric import load_rubric

GRADER = Path(grader.__file__).parent
VIEWS = {"networks": Networks, "draws": Draws, "updates": Updates, "agents": Agents}
PREFIXES = "NET|SAMPLE|UPDATE|SYNC|GIVEN|TARGET|OPTIMIZER"
#: Codes come as string literals; `TARGET` alone is an aspect of a trace.
CODE = re.compile(rf'"((?:{PREFIXES})_[A-Z0-9_]+)"')
SOURCES = sorted([*GRADER.glob("checks/*.py"), *GRADER.glob("oracle/*.py")])


def test_every_check_is_in_the_rubric_and_the_other_way_round(checks):
    graded = {check.id for check in load_rubric().check if check.part != "cartpole"}
    assert set(checks) == graded


def test_checks_take_one_fixture_by_its_name_and_have_a_title(checks):
    for check, function in checks.items():
        (parameter,) = inspect.signature(function).parameters.values()
        assert parameter.name in VIEWS, check
        assert parameter.annotation == VIEWS[parameter.name].__name__, check
        first = inspect.getdoc(function).splitlines()[0]
        assert first.endswith("."), check


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_every_code_used_is_explained(path):
    used = set(CODE.findall(path.read_text("utf-8")))
    assert used <= set(load_explanations())


def test_advice_never_fails_and_failures_are_no_advice():
    explanations = load_explanations()
    advised, failed = set(), set()
    for path in SOURCES:
        text = path.read_text("utf-8")
        advised |= set(re.findall(r'advise\(\s*"([A-Z_0-9]+)"', text))
        failed |= set(re.findall(r'code(?:: str \| None)? ?= ?"([A-Z_0-9]+)"', text))
    assert advised
    assert failed
    assert {code for code in advised if explanations[code].severity != "advice"} == set()
    assert {code for code in failed if explanations[code].severity != "fails"} == set()


@pytest.mark.parametrize(
    "code", sorted(c for c, e in load_explanations().items() if e.severity == "fails")
)
def test_every_failing_code_can_be_given(code):
    numbers_cannot_tell = {
        "UPDATE_CLIP_AFTER_STEP",
        "UPDATE_CLIPS_TARGET_NET",
        "UPDATE_NO_BACKWARD",
        "UPDATE_ZERO_GRAD_LATE",
        "GIVEN_PUSH_CHANGED",
    }
    used = {c for path in SOURCES for c in CODE.findall(path.read_text("utf-8"))}
    assert code in used | numbers_cannot_tell

"""The corpus holds what is claimed of it."""

import itertools
from collections import Counter

import pytest

from grader.sandbox.interface import Unfit
from grader.sandbox.tiers import FINDERS
from tests.hostile.corpus import CASES, Case, build, read_cases
from tests.hostile.tiers import TIERS, why_not
from tests.validity.corpus import PatchError

#: What may be tried, as the project lists it; a file of cases each.
GROUPS = {
    "archives",
    "daemons",
    "dropping",
    "exhaustion",
    "exits",
    "forging",
    "loops",
    "lying",
    "output",
    "patching",
    "reading",
    "results",
    "two_faced",
    "values",
}
POINTS = {"q_network": 20, "sample": 20, "update": 35, "update_target": 10}


@pytest.fixture(scope="module")
def cases():
    return read_cases()


def test_every_group_is_there_and_there_are_enough(cases):
    assert {case.group for case in cases} == GROUPS
    assert len(cases) >= 120
    assert min(Counter(case.group for case in cases).values()) >= 5


def test_every_group_is_in_the_sample(cases):
    assert {case.group for case in cases if case.sample} == GROUPS


def test_every_patch_applies_and_changes_something(cases):
    for case in cases:
        files = build(case, {"token": "t"})
        base = build(Case(id="", why="", base=case.base))
        assert (files != base) != (case.archive is not None), case.id


def test_expectations_can_hold(cases):
    for case, tier in itertools.product(cases, TIERS):
        earns, says = case.due(tier)
        for part, points in earns.items():
            assert 0 <= points <= POINTS[part], case.id
        if case.base == "starter" and case.group != "forging":
            assert sum(earns.values()) == 0, f"{case.id}: nothing is written there"
        # Who loses points is told why.
        lost = any(points < POINTS[part] for part, points in earns.items())
        assert not lost or says or case.base == "starter" or "points" in _open(case), case.id


def test_what_comes_of_a_deed_elsewhere_is_another_thing(cases):
    for case in cases:
        for other in case.instead:
            assert set(other.tiers) < set(TIERS), case.id
            assert all(case.due(tier) != (case.earns, case.says) for tier in other.tiers), case.id


def _open(case):
    return {promise for promises in case.open.values() for promise in promises}


def test_only_known_tiers_leave_something_open(cases):
    assert {tier for case in cases for tier in case.open} <= set(TIERS)
    # The strongest promises everything.
    assert not any("bubblewrap" in case.open for case in cases)
    # Whatever a tier is: the judge goes on and the grading is a grading.
    assert not any("judge" in _open(case) for case in cases)


CASE = '[[case]]\nid = "x"\nwhy = "y"\nearns = { sample = 0 }\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (CASE + CASE, "stands in some and in some"),
        (CASE + 'colour = "red"\n', "unknown field `colour`"),
        (CASE + 'refused = "no"\n', "either `earns` or `refused`"),
        (CASE.replace("sample", "everything"), "Invalid enum value"),
        (CASE + 'open = { plain = ["luck"] }\n', "Invalid enum value"),
        (CASE + 'sample = "often"\n', "Invalid enum value"),
        (
            CASE + '[[case.instead]]\ntiers = ["plain"]\nearns = { update = 0 }\n',
            "other parts earn something elsewhere",
        ),
        ("[[case]\n", "some"),
    ],
)
def test_a_case_that_cannot_be_read_is_an_error(tmp_path, text, told):
    (tmp_path / "some.toml").write_text(text, "utf-8")
    with pytest.raises(PatchError, match=told):
        read_cases(tmp_path)


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        ('find = "nowhere to be found"\nreplace = ""\n', "occurs 0 times"),
        ('find = "self"\nreplace = ""\n', "times, expected once"),
        ("", "changes nothing"),
    ],
)
def test_a_patch_that_does_not_apply_is_an_error(tmp_path, edit, told):
    text = CASE + '[[case.edit]]\nfile = "q_network.py"\n' + edit
    (tmp_path / "some.toml").write_text(text, "utf-8")
    (case,) = read_cases(tmp_path)
    with pytest.raises(PatchError, match=told):
        build(case)


def test_the_readme_names_every_group():
    text = CASES.with_name("README.md").read_text("utf-8")
    assert [group for group in sorted(GROUPS) if f"`{group}`" not in text] == []


def test_a_tier_that_cannot_be_tried_says_why(monkeypatch):
    def missing():
        raise Unfit("landlock", "the kernel has no Landlock", "another kernel")

    monkeypatch.setitem(FINDERS, "landlock", missing)
    assert why_not("landlock") == "`landlock`: the kernel has no Landlock"
    assert why_not("plain") is None

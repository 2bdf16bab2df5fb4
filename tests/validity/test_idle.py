"""Which gradings may show that a check is needed, and what shows it."""

import pytest

from tests.validity.corpus import Case
from tests.validity.idle import TRIES, candidates, effect
from tests.validity.verdicts import Check, Task, Verdict

CHECK = "update.loss"


def check(name, code=None, points=2, status="failed"):
    part = name.split(".")[0]
    return Check(id=name, part=part, status=status, code=code, points=points, reproduce=None)


def verdict(case, *checks, fault=None, group="wrong/some"):
    """What came of a case."""
    return Verdict(Task(Case(id=case, base="textbook", why="", group=group)), checks, fault=fault)


def tried(*verdicts):
    """Cases tried without the check, in order."""
    tasks = candidates(CHECK, verdicts)
    assert {task.without for task in tasks} <= {CHECK}
    return [task.case.id for task in tasks]


MINE = check(CHECK, "UPDATE_HUBER")


@pytest.mark.parametrize(
    ("checks", "promising"),
    [
        ((MINE,), True),
        ((MINE, check("update.max", status="passed")), True),
        ((MINE, check("sample.values")), True),
        # Another check of the part costs points, but gives no name.
        ((MINE, check("update.max")), True),
        ((MINE, check("update.max", "UPDATE_NOT_MAX")), True),
        ((MINE, check("update.max", "UPDATE_HUBER")), False),
        ((check(CHECK), check("update.max")), False),
        ((check(CHECK), check("update.given_agent", points=0)), True),
        # What costs nothing may still give a name.
        ((check(CHECK, "UPDATE_HUBER", points=0),), True),
        ((check(CHECK, points=0),), False),
        # Another name for the same effect is no other name.
        ((check(CHECK, "SYNC_NOOP"), check("update.max", "GIVEN_TARGET_NOT_COPIED")), False),
        ((check(CHECK, "UPDATE_HUBER", status="passed"), check("update.max")), False),
        ((check(CHECK, "UPDATE_HUBER", status="blocked"),), False),
        ((check(CHECK, "UPDATE_HUBER", status="crashed"),), False),
        ((check("update.max"),), False),
        ((), False),
    ],
)
def test_cases_that_may_come_out_differently(checks, promising):
    assert tried(verdict("case", *checks)) == ["case"] * promising


def test_the_most_promising_come_first():
    blocked = check("update.max", status="blocked")
    assert tried(
        verdict("unnamed, blocked", MINE, check("update.loss_2"), blocked),
        verdict("unnamed", MINE, check("update.max")),
        verdict("through, blocked", MINE, blocked),
        verdict("subtle", MINE, blocked, group="subtle/some"),
        verdict("no", check("update.max")),
        verdict("through", MINE),
        verdict("through as well", MINE, check("sample.values")),
    ) == [
        "through",
        "through as well",
        "unnamed",
        "subtle",
        "through, blocked",
        "unnamed, blocked",
    ]


def test_a_case_that_may_pass_or_lose_its_name_is_tried_once():
    blocked = check("update.max", status="blocked")
    others = [verdict(f"{n}", check(CHECK), blocked) for n in range(TRIES)]
    both = verdict("both", MINE, blocked)
    assert tried(*others, both) == [f"{n}" for n in range(TRIES)] + ["both"]
    assert tried(both) == ["both"]


def test_only_some_are_tried():
    assert tried(*[verdict(f"{n}", MINE) for n in range(TRIES + 3)]) == [
        f"{n}" for n in range(TRIES)
    ]
    blocked = check("update.max", status="blocked")
    other = check("update.max")
    many = [verdict(f"{n}", check(CHECK), blocked) for n in range(TRIES + 3)]
    assert tried(*many, verdict("a name", MINE, other))[0] == "a name"
    assert tried(*many, verdict("a name", MINE, other, blocked))[-1] == "a name"
    assert tried() == []


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ([MINE], [], "passes"),
        ([MINE], [check("update.max", status="passed")], "passes"),
        ([MINE], [check("update.max", points=0)], "passes"),
        # Another part's points do not matter.
        ([MINE, check("sample.values")], [check("sample.values")], "passes"),
        ([MINE, check("update.max")], [check("update.max")], "is no longer named UPDATE_HUBER"),
        ([MINE], [check("update.max", "UPDATE_NOT_MAX")], "is no longer named UPDATE_HUBER"),
        ([MINE], [check("update.max", "UPDATE_HUBER")], None),
        ([check(CHECK)], [check("update.max")], None),
        (
            [check(CHECK, "SYNC_NOOP")],
            [check("update.max", "GIVEN_TARGET_NOT_COPIED")],
            None,
        ),
        (
            [check(CHECK, "B"), check("update.max", "A")],
            [check("update.max")],
            "is no longer named A",
        ),
        # No points were lost before: nothing passes now that did not then.
        ([check(CHECK, points=0)], [], None),
        ([check(CHECK, "UPDATE_HUBER", points=0)], [], "is no longer named UPDATE_HUBER"),
    ],
)
def test_what_a_check_is_there_for(before, after, told):
    assert effect(CHECK, verdict("case", *before), verdict("case", *after)) == told


def test_a_grading_that_failed_shows_nothing():
    assert effect(CHECK, verdict("case", MINE), verdict("case", fault="KeyError")) is None

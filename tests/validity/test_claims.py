"""Verdicts held against what was due, and the shares that claims allow."""

import pytest

from tests.validity.claims import (
    MISNAMED,
    NAMED,
    broken,
    departures,
    failures_by_check,
    judge,
    tally,
)
from tests.validity.corpus import Case
from tests.validity.names import SAME_EFFECT, is_among, same_effect
from tests.validity.verdicts import Check, Task, Verdict


def failed(check, code=None, points=3, status="failed"):
    """A check that did not pass."""
    part = check.split(".")[0]
    return Check(id=check, part=part, status=status, code=code, points=points, reproduce=None)


def passed(check, code=None):
    return failed(check, code, status="passed")


def judged(*checks, kind="wrong", advised=(), fault=None, **case):
    """What is made of a case in which these checks did so."""
    given = {"id": "case", "base": "textbook", "why": "", "group": f"{kind}/some"} | case
    return judge(Verdict(Task(Case(**given)), checks, tuple(advised), fault=fault))


HUBER = failed("update.loss", "UPDATE_HUBER")


# --- parts ---


@pytest.mark.parametrize(
    ("checks", "missed", "blamed"),
    [
        ((HUBER,), set(), set()),
        ((), {"update"}, set()),
        ((passed("update.loss", "UPDATE_HUBER"),), {"update"}, set()),
        ((failed("sample.values"),), {"update"}, {"sample"}),
        ((HUBER, failed("sample.values")), set(), {"sample"}),
        # A part loses by whatever does not pass, once for all of its checks.
        ((failed("update.loss", status="blocked"),), set(), set()),
        ((failed("update.loss", status="crashed"), failed("update.max")), set(), set()),
        ((failed("update.loss", status="timed_out"),), set(), set()),
        ((failed("update.loss", status="not_attempted"),), {"update"}, set()),
        # What costs nothing is no loss.
        ((failed("update.given_agent", "GIVEN_GAMMA_IGNORED", points=0),), {"update"}, set()),
    ],
)
def test_parts_that_lose(checks, missed, blamed):
    one = judged(*checks, loses=("update",))
    assert (one.missed, one.blamed) == (missed, blamed)
    assert one.right is not bool(missed or blamed)


def test_a_correct_case_loses_nowhere():
    assert judged(kind="correct").right
    one = judged(HUBER, kind="correct")
    assert one.blamed == {"update"}
    assert not one.right


# --- names ---


@pytest.mark.parametrize(
    ("checks", "named", "silent", "misnamed"),
    [
        ((HUBER,), ["UPDATE_HUBER"], ["SYNC_NOOP"], []),
        ((failed("update.loss"),), [], ["UPDATE_HUBER", "SYNC_NOOP"], []),
        (
            (failed("update.loss", "UPDATE_LOSS_L1"),),
            [],
            ["UPDATE_HUBER", "SYNC_NOOP"],
            ["UPDATE_LOSS_L1"],
        ),
        (
            (HUBER, failed("update_target.copies", "SYNC_NOOP")),
            ["UPDATE_HUBER", "SYNC_NOOP"],
            [],
            [],
        ),
        # Another name for the same effect.
        (
            (failed("update_target.copies", "GIVEN_TARGET_NOT_COPIED"),),
            ["SYNC_NOOP"],
            ["UPDATE_HUBER"],
            [],
        ),
        # A name that describes it as well is no name for it.
        ((failed("update.any", "UPDATE_NOT_MAX"),), [], ["UPDATE_HUBER", "SYNC_NOOP"], []),
        # Also what costs nothing names; what passed does not.
        ((failed("update.loss", "UPDATE_HUBER", points=0),), ["UPDATE_HUBER"], ["SYNC_NOOP"], []),
        ((passed("update.loss", "UPDATE_HUBER"),), [], ["UPDATE_HUBER", "SYNC_NOOP"], []),
        ((HUBER, failed("update.max", "UPDATE_HUBER")), ["UPDATE_HUBER"], ["SYNC_NOOP"], []),
        (
            (failed("a.b", "Z"), failed("a.c", "B"), failed("a.d", "B")),
            [],
            ["UPDATE_HUBER", "SYNC_NOOP"],
            ["B", "Z"],
        ),
    ],
)
def test_names(checks, named, silent, misnamed):
    one = judged(
        *checks, loses=("update",), codes=("UPDATE_HUBER", "SYNC_NOOP"), also=("UPDATE_NOT_MAX",)
    )
    assert (list(one.named), list(one.silent)) == (named, silent)
    assert list(one.misnamed) == misnamed


def test_names_do_not_make_a_case_wrong():
    one = judged(failed("update.loss", "OTHER"), loses=("update",), codes=("UPDATE_HUBER",))
    assert one.right
    assert departures(one) == []


def test_a_fault_without_a_name_has_none_to_give():
    assert judged(HUBER, kind="subtle", loses=("update",)).misnamed == ("UPDATE_HUBER",)


def test_a_remark_names_where_it_is_among_the_cases_codes():
    codes = ("SAMPLE_SLOW_CONVERSION",)
    one = judged(codes=codes, advised=codes)
    assert one.named == codes
    # Elsewhere it is no name, and not a wrong one.
    one = judged(codes=("UPDATE_HUBER",), advised=codes)
    assert (one.named, one.misnamed) == ((), ())


def test_the_same_effect():
    for members in SAME_EFFECT:
        for one in members:
            assert all(same_effect(one, other) for other in members)
    assert same_effect("UPDATE_HUBER", "UPDATE_HUBER")
    assert not same_effect("UPDATE_HUBER", "UPDATE_LOSS_L1")
    # Not by way of a third: both are like GIVEN_PUSH_CHANGED.
    assert not same_effect("SAMPLE_DONE_CONSTANT", "SAMPLE_FIELDS_SWAPPED")
    assert is_among("SYNC_NOOP", ["X", "GIVEN_TARGET_NOT_COPIED"])
    assert not is_among("SYNC_NOOP", [])


# --- remarks and faults ---


@pytest.mark.parametrize(
    ("advised", "unadvised"), [((), True), (("OTHER",), True), (("OTHER", "DUE"), False)]
)
def test_a_remark_that_is_due(advised, unadvised):
    one = judged(kind="correct", advice="DUE", advised=advised)
    assert one.unadvised is unadvised
    assert one.right is not unadvised
    assert departures(one) == ["case: DUE was not remarked on"] * unadvised


def test_a_remark_that_is_not_due_is_no_fault():
    assert judged(kind="correct", advised=("OTHER",)).right


def test_a_verdict_of_a_grader_that_failed_is_not_right():
    one = judged(kind="correct", fault="KeyError: 'x'")
    assert not one.right
    assert departures(judged(fault="KeyError: 'x'", loses=("update",))) == [
        "case: the grader failed: KeyError: 'x'"
    ]


def test_departures_name_the_parts_and_the_checks_to_blame():
    one = judged(
        failed("sample.values"),
        failed("sample.shapes", status="blocked"),
        failed("sample.given_buffer", points=0),
        passed("sample.uniform"),
        loses=("update", "q_network"),
    )
    assert departures(one) == [
        "case: no points lost in q_network, update",
        "case: points lost in sample by ['sample.values', 'sample.shapes']",
    ]


# --- shares ---


def many(named, misnamed=0, total=100, kind="wrong"):
    """So many cases of one code each, of which some are named, and some wrongly."""
    names = ["UPDATE_HUBER"] * named + ["OTHER"] * misnamed
    names += [None] * (total - len(names))
    return [
        judged(failed("update.loss", name), id=f"{n}", kind=kind, loses=("update",), codes=HUBERS)
        for n, name in enumerate(names)
    ]


HUBERS = ("UPDATE_HUBER",)


@pytest.mark.parametrize("kind", ["wrong", "double"])
@pytest.mark.parametrize(
    ("named", "misnamed", "told"),
    [
        (100, 0, []),
        (97, 1, []),
        (96, 0, ["only 96 of 100 misconceptions are named"]),
        (97, 2, ["2 misconceptions are named wrongly"]),
        (
            0,
            3,
            ["only 0 of 100 misconceptions are named", "3 misconceptions are named wrongly"],
        ),
    ],
)
def test_the_shares_of_names(kind, named, misnamed, told):
    assert (NAMED, MISNAMED) == (0.97, 0.01)
    assert broken(many(named, misnamed, kind=kind)) == [f"{kind}: {line}" for line in told]


def test_each_kind_has_to_hold_by_itself():
    assert broken([*many(100, total=100), *many(9, total=10, kind="double")]) == [
        "double: only 9 of 10 misconceptions are named"
    ]


def test_names_are_not_claimed_of_subtle_and_correct_cases():
    assert broken(many(0, 50, kind="subtle")) == []
    assert broken([judged(kind="wrong"), judged(kind="correct")]) == []
    assert broken([]) == []


def test_every_departure_breaks_a_claim():
    right, wrong = judged(HUBER, loses=("update",)), judged(HUBER, loses=("sample",))
    assert broken([right]) == []
    assert broken([right, wrong, wrong]) == departures(wrong) * 2
    assert len(departures(wrong)) == 2


def test_counts_by_kind():
    counts = tally(
        [
            judged(HUBER, id="a", loses=("update",), codes=("UPDATE_HUBER", "SYNC_NOOP")),
            judged(failed("update.loss", "X"), id="b", loses=("sample",), codes=("UPDATE_HUBER",)),
            judged(failed("update.loss", "X"), failed("a.b", "Y"), id="c", kind="subtle"),
        ]
    )
    wrong, subtle = counts["wrong"], counts["subtle"]
    assert set(counts) == {"wrong", "subtle"}
    assert (wrong.cases, wrong.right, wrong.codes, wrong.named, wrong.misnamed) == (2, 1, 3, 1, 1)
    assert wrong.misnamed_cases == ["b"]
    assert (subtle.cases, subtle.right, subtle.codes, subtle.misnamed) == (1, 0, 0, 2)


def test_failures_by_check_leave_out_what_was_blocked():
    counts = failures_by_check(
        [
            judged(HUBER, failed("update.max", status="blocked"), codes=("A", "B")),
            judged(HUBER, failed("update.one_step", points=0), passed("a.b"), codes=("A",)),
            judged(failed("sample.values")),
        ]
    )
    assert counts == {
        ("A", "update.loss"): 2,
        ("B", "update.loss"): 1,
        ("A", "update.one_step"): 1,
    }

"""What drawn values give away, on arrays made for it."""

import numpy as np
import pytest

from grader.checks.draws import FIELDS, Identified, distinct_transitions
from grader.checks.feedback import Failure
from grader.checks.wrong_draws import require_alignment, require_values

#: Two draws of these rows.
ROWS = np.array([[0, 1, 2, 3], [4, 5, 6, 7]])
TERMINAL = np.array([1.0, 0, 0, 1, 0, 0, 1, 0, 0])


@pytest.fixture
def stored():
    """Nine transitions, of which three are terminal."""
    batch = distinct_transitions(9, np.random.default_rng(0))
    batch.dones[...] = TERMINAL
    return batch


def judge(stored, dones, require=require_values):
    """The failure when all other fields are right, blamed with what was asked added."""
    fields = {name: getattr(stored, name)[ROWS] for name in FIELDS} | {"dones": dones}
    found = Identified(dict.fromkeys(FIELDS[:4], ROWS) | {"dones": None})
    try:
        require(stored, fields, found, lambda field, code: f"{field}: {code}")
    except Failure as failure:
        return failure
    return None


def test_right_flags_pass(stored):
    assert judge(stored, TERMINAL[ROWS]) is None


@pytest.mark.parametrize("rows", [[[1, 2], [4, 5]], [[0, 3], [6, 0]]], ids=["0", "1"])
def test_draws_of_one_kind_alone_are_no_constant(stored, rows):
    rows = np.array(rows)
    fields = {name: getattr(stored, name)[rows] for name in FIELDS}
    found = Identified(dict.fromkeys(FIELDS[:4], rows) | {"dones": None})
    require_values(stored, fields, found, lambda field, code: code)
    require_alignment(stored, fields, found, lambda field, code: code)


@pytest.mark.parametrize("flag", [0, 1])
def test_a_constant_is_told_with_how_many_are_terminal(stored, flag):
    failure = judge(stored, np.full(ROWS.shape, float(flag)))
    assert failure.code == "dones: SAMPLE_DONE_CONSTANT"
    assert failure.observed == (
        f"dones is {flag} in every row of 8, although 3 of 9 stored transitions are terminal."
    )


def test_inverted_flags(stored):
    failure = judge(stored, 1 - TERMINAL[ROWS])
    assert failure.code == "dones: SAMPLE_DONE_INVERTED"


def test_one_kind_of_rows_with_inverted_flags_is_a_constant(stored):
    # What is drawn cannot tell one from the other.
    rows = np.array([[1, 2], [4, 5]])
    fields = {name: getattr(stored, name)[rows] for name in FIELDS} | {"dones": np.ones((2, 2))}
    found = Identified(dict.fromkeys(FIELDS[:4], rows) | {"dones": None})
    with pytest.raises(Failure, match="dones is 1 in every row of 4"):
        require_values(stored, fields, found, lambda field, code: code)


@pytest.mark.parametrize("strange", [2.0, 0.5, -1.0, np.nan])
def test_other_flags_than_0_and_1(stored, strange):
    dones = TERMINAL[ROWS].copy()
    dones[1, 2] = strange
    failure = judge(stored, dones)
    assert failure.observed.endswith("expected only 0 and 1.")
    assert failure.code is None


def test_flags_that_cannot_be_read(stored):
    assert judge(stored, None).observed == "dones cannot be read as numbers."
    # Another check tells so.
    assert judge(stored, None, require=require_alignment) is None


def test_flags_out_of_line_are_left_to_the_check_of_alignment(stored):
    dones = np.roll(TERMINAL[ROWS], 1, axis=1)
    assert judge(stored, dones) is None
    failure = judge(stored, dones, require=require_alignment)
    assert failure.code == "dones: SAMPLE_ROWS_MISALIGNED"
    assert failure.observed == (
        "Row 2 of a batch is transition 2, pushed with done 0, and has done 1."
    )


@pytest.mark.parametrize(
    "change", [lambda d: 1 - d, np.zeros_like, np.ones_like, lambda d: 2 * d], ids="ic1s"
)
def test_flags_that_are_wrong_as_such_are_not_out_of_line(stored, change):
    assert judge(stored, change(TERMINAL[ROWS]), require=require_alignment) is None

"""What the hidden random check promises: at most 1e-9 for correct code, and its power."""

import math
from fractions import Fraction

import pytest

from grader.checks.chance import FALSE_FAILURE, count_bounds
from grader.hidden.check_sample import DRAWN, STORED, TIMES

WITHOUT = Fraction(DRAWN, STORED)
WITH = 1 - Fraction(STORED - 1, STORED) ** DRAWN


def within(p, low, high):
    """P(low ≤ count ≤ high) of `TIMES` with probability `p`."""
    return sum(math.comb(TIMES, k) * p**k * (1 - p) ** (TIMES - k) for k in range(low, high + 1))


@pytest.mark.parametrize("p", [WITHOUT, WITH], ids=["without replacement", "with"])
def test_correct_code_is_rarely_failed(p):
    low, high = count_bounds(TIMES, float(p), STORED)
    assert STORED * (1 - within(p, low, high)) <= FALSE_FAILURE


@pytest.mark.parametrize("p", [WITHOUT, WITH], ids=["without replacement", "with"])
def test_power(p):
    low, high = count_bounds(TIMES, float(p), STORED)
    assert 0 < low < high < TIMES
    assert within(p / 3, low, high) < 3e-6


def test_batches_say_how_they_were_drawn():
    distinct = math.prod(1 - Fraction(i, STORED) for i in range(DRAWN))
    assert distinct < 0.02

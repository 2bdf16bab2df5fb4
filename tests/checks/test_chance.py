"""Bounds for counts against exact sums."""

import math
from fractions import Fraction

import pytest

from grader.checks.chance import FALSE_FAILURE, count_bounds

CASES = [
    (1500, Fraction(3, 7), 88),
    (1500, Fraction(1, 35), 88),
    (1500, Fraction(133, 343), 88),
    (750, Fraction(4, 35), 88),
    (900, Fraction(1, 3), 6),
    (880, Fraction(8, 10), 6),
    (10, Fraction(1, 2), 1),
    (40, Fraction(1, 1000), 3),
    (1, Fraction(1, 2), 1),
    (2, Fraction(1, 10**6), 1),
    (2, 1 - Fraction(1, 10**6), 1),
    (3, Fraction(1, 10**12), 1),
    (3, 1 - Fraction(1, 10**12), 1),
]


def probabilities(trials, p):
    """P(count = k) for k = 0 … trials, exactly."""
    return [math.comb(trials, k) * p**k * (1 - p) ** (trials - k) for k in range(trials + 1)]


@pytest.mark.parametrize(("trials", "p", "cells"), CASES)
def test_bounds_are_the_tightest_that_keep_the_promise(trials, p, cells):
    low, high = count_bounds(trials, float(p), cells)
    exact = probabilities(trials, p)
    share = Fraction(FALSE_FAILURE) / (2 * cells)
    assert 0 <= low <= high <= trials
    below, above = sum(exact[:low]), sum(exact[high + 1 :])
    assert below <= share
    assert above <= share
    assert cells * (below + above) <= Fraction(FALSE_FAILURE)
    # One count further in, and each side would hold more than its share.
    assert below + exact[low] > share
    assert above + exact[high] > share


@pytest.mark.parametrize(("p", "bounds"), [(0.0, (0, 0)), (-0.1, (0, 0)), (1.0, (7, 7))])
def test_certain_counts(p, bounds):
    assert count_bounds(7, p, 3) == bounds


def test_no_trials():
    assert count_bounds(0, 0.5, 3) == (0, 0)


def test_more_cells_wider_bounds():
    narrow, wide = count_bounds(1000, 0.3, 1), count_bounds(1000, 0.3, 1000)
    assert wide[0] < narrow[0]
    assert narrow[1] < wide[1]

"""Bounds for counts against exact sums."""

import math
from fractions import Fraction

import pytest

from grader.checks.chance import FALSE_FAILURE, GENERATORS, count_bounds, reseeded

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


@pytest.mark.parametrize(
    ("draws", "name"),
    [
        ([(0.1, 0.2, 0.3), (0.4, 0.5, 0.6)], None),
        # In other places the same numbers say nothing.
        ([(0.1, 0.2, 0.3), (0.2, 0.3, 0.1)], None),
        ([(0.1, 0.2, 0.3), (0.1, 0.5, 0.6), (0.1, 0.8, 0.9)], "random"),
        ([(0.1, 0.2, 0.3), (0.4, 0.2, 0.6), (0.7, 0.2, 0.9)], "numpy.random"),
        ([(0.1, 0.2, 0.3), (0.4, 0.5, 0.3), (0.7, 0.8, 0.3)], "torch"),
        # Twice by chance.
        ([(0.1, 0.2, 0.3), (0.4, 0.5, 0.3), (0.7, 0.8, 0.9)], None),
        ([(0.1, 0.2, 0.3), (0.4, 0.5, 0.3), (0.1, 0.5, 0.9)], None),
        ([(0.1, 0.2, 0.3), (0.4, 0.2, 0.3), (0.7, 0.2, 0.9)], "numpy.random"),
    ],
)
def test_what_seeds_again_draws_the_same_after_every_seed(draws, name):
    assert GENERATORS == ("random", "numpy.random", "torch")
    seeds = []

    def draws_after(seed):
        seeds.append(int(seed))
        return draws[len(seeds) - 1]

    assert reseeded(draws_after) == name
    assert len(set(seeds)) == len(seeds) == len(draws)

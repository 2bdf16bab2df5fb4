"""p-values against what is counted out or known from tables."""

import itertools

import numpy as np
import pytest

from grader.lab import chance
from grader.lab.chance import holm, rank_sum_p, sign_p, superiority
from grader.trials.statistics import ranks


def counted(first, second):
    """The same p-value from all ways to deal out the labels."""
    doubled = 2 * ranks([*first, *second])
    n, expected = len(first), len(first) * (len(doubled) + 1)
    sums = [sum(chosen) for chosen in itertools.combinations(doubled, n)]
    far = abs(sum(doubled[:n]) - expected)
    return np.mean([abs(s - expected) >= far for s in sums])


def test_three_against_three_by_hand():
    # Two of the twenty ways to deal out the labels are as far apart.
    assert rank_sum_p([1, 2, 3], [4, 5, 6]) == pytest.approx(0.1)
    assert rank_sum_p([4, 5, 6], [1, 2, 3]) == pytest.approx(0.1)
    assert rank_sum_p([1, 4], [2, 3]) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(8))
def test_ties_and_unequal_sizes_as_counted(seed):
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, 4, 5), rng.integers(0, 6, 7)
    assert rank_sum_p(first, second) == pytest.approx(counted(first, second))


def test_equal_values_never_differ():
    assert rank_sum_p([500] * 20, [500] * 20) == pytest.approx(1)


def test_twenty_against_twenty():
    # No overlap at all: 2 of C(40, 20) ways.
    assert rank_sum_p(range(20), range(20, 40)) == pytest.approx(2 / 137846528820, rel=1e-6)


def test_large_groups_are_approximated(monkeypatch):
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=45), rng.normal(0.4, size=50).round(1)
    exact = rank_sum_p(first, second)
    monkeypatch.setattr(chance, "EXACT_UP_TO", 10)
    assert rank_sum_p(first, second) == pytest.approx(exact, rel=0.1)
    assert rank_sum_p([1] * 20, [1] * 20) == 1


def test_a_group_must_have_values():
    with pytest.raises(ValueError, match="two groups"):
        rank_sum_p([], [1])


def test_superiority_shares_ties():
    assert superiority([1, 2], [1, 3]) == pytest.approx((0.5 + 0 + 1 + 0) / 4)


def test_holm_by_hand():
    found = holm({"a": 0.01, "b": 0.04, "c": 0.03})
    assert found == pytest.approx({"a": 0.03, "c": 0.06, "b": 0.06})
    assert holm({"a": 0.6, "b": 0.9})["b"] == 1


def test_signs_by_hand():
    assert sign_p(5, 5) == sign_p(0, 5) == pytest.approx(2 / 32)
    assert sign_p(4, 5) == pytest.approx(2 * 6 / 32)
    assert sign_p(2, 4) == 1

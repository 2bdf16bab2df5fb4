"""Bounds and correlations against values worked out by hand or taken from tables."""

import math

import pytest

from grader.study.bounds import chance_correlation, rank_correlation, upper_bound


@pytest.mark.parametrize("runs", [1, 10, 459, 2_000])
def test_without_failures_the_bound_has_a_closed_form(runs):
    assert upper_bound(0, runs) == pytest.approx(1 - 0.01 ** (1 / runs), rel=1e-9)


def test_two_thousand_runs_are_enough_for_one_in_a_million():
    # With λ = n p, failures are nearly Poisson: e^−λ (1 + λ + λ²/2) = 0.01 at λ = 8.406.
    assert upper_bound(2, 2_000) == pytest.approx(8.406 / 2_000, rel=2e-3)
    assert upper_bound(2, 2_000) ** 3 < 1e-6


def test_one_failure_in_two_by_hand():
    # P(X ≤ 1) = 1 − p² = 0.01
    assert upper_bound(1, 2) == pytest.approx(math.sqrt(0.99))


def test_another_confidence_by_hand():
    # P(X ≤ 1) = (1 − p)² (1 + 2p) = 0.05 for n = 3: p = 0.8646, as in tables.
    assert upper_bound(1, 3, 0.95) == pytest.approx(0.8647, abs=1e-4)


def test_failures_only_bound_nothing():
    assert upper_bound(5, 5) == 1.0


@pytest.mark.parametrize(("failures", "runs"), [(-1, 5), (6, 5), (0, 0)])
def test_impossible_counts_are_refused(failures, runs):
    with pytest.raises(ValueError, match="failures in"):
        upper_bound(failures, runs)


def test_rank_correlation_by_hand():
    assert rank_correlation([1, 2, 3], [10, 20, math.inf]) == pytest.approx(1)
    assert rank_correlation([1, 2, 3], [3, 2, 1]) == pytest.approx(-1)
    # Ranks 1, 2.5, 2.5, 4 and 1, 2, 3, 4: ρ = 4.5 / √(4.5 · 5)
    assert rank_correlation([1, 2, 2, 3], [1, 2, 3, 4]) == pytest.approx(4.5 / math.sqrt(22.5))


def test_no_correlation_without_variation():
    assert rank_correlation([1, 1, 1], [1, 2, 3]) is None
    assert rank_correlation([1, 2], [1, 2]) is None
    with pytest.raises(ValueError, match="two sides"):
        rank_correlation([1], [1, 2])


def test_the_band_of_chance():
    assert chance_correlation(10_001) == pytest.approx(0.025758)
    assert chance_correlation(2) == chance_correlation(0) == 1.0

"""Quantiles and ranks by hand."""

import math

import numpy as np
import pytest

from grader.trials.statistics import quantile, ranks


def test_quantiles_of_few_values():
    assert quantile([3, 1, 2], 0.5) == 2
    assert quantile([4, 1, 2, 3], 0.5) == 2.5
    assert quantile(range(1, 11), 0.1) == 1.5
    assert quantile(range(1, 11), 0.95) == 10


def test_runs_that_never_ended_count_in_quantiles():
    assert quantile([1, 2, math.inf], 0.5) == 2
    assert quantile([1, math.inf], 0.5) == math.inf
    with pytest.raises(ValueError, match="no values"):
        quantile([], 0.5)


def test_equal_values_share_their_mean_rank():
    np.testing.assert_array_equal(ranks([5, 1, 5, 2]), [3.5, 1, 3.5, 2])
    np.testing.assert_array_equal(ranks([math.inf, 0]), [2, 1])

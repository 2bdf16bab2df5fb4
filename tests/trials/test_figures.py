"""The band's numbers."""

import numpy as np
import pytest

from grader.figures import band


def test_the_band_keeps_the_last_value_of_runs_that_ended():
    curves = [[(25, 10.0), (50, 500.0)], [(25, 20.0), (50, 30.0), (75, 40.0)], [(50, 60.0)]]
    grid, low, middle, high = band(curves)
    np.testing.assert_array_equal(grid, [50, 75])  # not all were screened before
    np.testing.assert_array_equal(middle, [60, 60])
    assert low[1] == pytest.approx(40 + 0.2 * 20)
    assert high[1] == pytest.approx(60 + 0.8 * 440)

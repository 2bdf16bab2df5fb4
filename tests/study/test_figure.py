"""The figure: the band's numbers, and that everything is named."""

import numpy as np
import pytest

from grader.study.figure import band, draw


def test_the_band_keeps_the_last_value_of_runs_that_ended():
    curves = [[(25, 10.0), (50, 500.0)], [(25, 20.0), (50, 30.0), (75, 40.0)], [(50, 60.0)]]
    grid, low, middle, high = band(curves)
    np.testing.assert_array_equal(grid, [50, 75])  # not all were screened before
    np.testing.assert_array_equal(middle, [60, 60])
    assert low[1] == pytest.approx(40 + 0.2 * 20)
    assert high[1] == pytest.approx(60 + 0.8 * 440)


def test_everything_is_named(row):
    rows = {
        "kit": [row(n, updates=700 + n) for n in range(5)],
        "page": [row(0, "unsolved", recipe="page", updates=50_000)],
        "sb3": [row(n, recipe="sb3", updates=9_000, seconds=40) for n in range(3)],
    }
    images = draw(rows)
    assert images["png"].startswith(b"\x89PNG")
    text = images["svg"].decode()
    for label in (
        "the kit's run, 5 runs",
        "the page's recipe, 1 runs",
        "Stable-Baselines3, tuned, 3 runs",
        "the kit's run: median 702",
        "Stable-Baselines3, tuned: median 40 s",
        "Learning curves: median and 10–90 % band",
        "Distribution of updates to solve",
        "Distribution of wall time to solve",
        "threshold 475",
        "share of runs solved",
        "greedy return, mean over episodes",
    ):
        assert f">{label}<" in text, label
    assert draw(rows)["svg"] == images["svg"]


def test_runs_that_were_never_screened(row):
    assert draw({"kit": [row(outcome="raised", curve=[])]})["png"].startswith(b"\x89PNG")

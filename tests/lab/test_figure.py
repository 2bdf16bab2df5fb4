"""The figures: everything is named, and equal rows give equal files."""

import pytest

from grader.lab.experiments import EXPERIMENTS
from grader.lab.figure import draw_returns, draw_values
from grader.lab.setting import Setting


@pytest.fixture
def rows(row):
    return {e.id: [row(e.id, n, 480.0 + n) for n in range(3)] for e in EXPERIMENTS}


def test_returns(rows):
    images = draw_returns(rows)
    assert images["png"].startswith(b"\x89PNG")
    text = images["svg"].decode()
    for experiment in EXPERIMENTS:
        assert text.count(f">{experiment.title}<") == 1
    for label in ("baseline", "with the change", "threshold 475", "updates", "greedy return"):
        assert f">{label}<" in text, label
    assert draw_returns(rows)["svg"] == images["svg"]


def test_values(rows):
    text = draw_values(rows, Setting())["svg"].decode()
    for label in ("bound 100", "worth, in this panel's runs", "value, log scale"):
        assert f">{label}<" in text, label


def test_the_baseline_alone_and_one_beside_it(rows):
    alone = draw_returns({"baseline": rows["baseline"]})["svg"].decode()
    assert ">Baseline<" in alone
    two = {name: rows[name] for name in ("baseline", "newest-batch")}
    assert ">No replay: newest 64<" in draw_values(two, Setting())["svg"].decode()

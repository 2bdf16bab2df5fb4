"""What is made of rows: figures, differences, verdicts on claims."""

import math

import pytest

from grader.lab.claims import CLAIMS, judge
from grader.lab.experiments import EXPERIMENTS
from grader.lab.result import Evaluation, Result
from grader.lab.summary import compare, group, late_return, value_error


def evaluations(*returns):
    return [
        Evaluation(updates=100 * n, mean_return=value, max_q=10.0 * n, worth=5.0)
        for n, value in enumerate(returns, start=1)
    ]


def result(*returns):
    return Result(environment_steps=1, episodes=1, seconds=1.0, evaluations=evaluations(*returns))


def test_late_is_the_last_quarter():
    run = result(10, 20, 30, 40, 50, 60, 100, 200)
    assert late_return(run) == 150
    assert value_error(run) == pytest.approx(75 - 5)
    assert late_return(result(7)) == 7


def test_a_group_counts_what_was_reached_and_kept(row):
    rows = [row(seed=n) for n in range(3)] + [row(seed=3, final=400.0)]
    g = group(rows)
    assert (g.runs, g.reached, g.ended) == (4, 3, 3)
    assert (g.late.median, g.late.low, g.late.high) == (500, 400, 500)
    assert (g.first.median, g.first.high) == (4_000, math.inf)
    assert (g.max_q.median, g.worth.median, g.error.median) == (90, 95, -5)


@pytest.fixture
def rows(row):
    """Twenty runs each: no mask is bad, truncation is as good, copies every 100 do better."""
    finals = {
        "baseline": lambda n: 400.0 + n,
        "no-terminal-mask": lambda n: 10.0,
        "truncation-ends": lambda n: 400.0 + n,
        "copy-every-100": lambda n: 450.0 + n,
    }
    values = {"no-terminal-mask": 5_000.0}
    return {
        name: [row(name, n, final(n), values.get(name, 90.0)) for n in range(20)]
        for name, final in finals.items()
    }


def test_differences_have_a_sign_only_beyond_chance(rows):
    found = compare(rows)
    assert list(found) == ["no-terminal-mask", "truncation-ends", "copy-every-100"]
    mask = found["no-terminal-mask"]
    assert (mask.late.sign, mask.error.sign) == (-1, 1)
    assert mask.late.shift == pytest.approx(10 - 409.5)
    assert mask.late.larger == 0
    assert mask.late.p < 1e-9
    assert found["truncation-ends"].late.sign == found["truncation-ends"].error.sign == 0
    assert found["truncation-ends"].late.p == 1
    assert found["copy-every-100"].late.sign == 1


def test_claims_get_the_verdict_that_the_rows_give(rows):
    verdicts = {(j.text, j.experiment): j.verdict for j in judge(rows)}
    by_start = {text.split(":")[0]: verdict for (text, _e), verdict in verdicts.items()}
    assert by_start == {
        "A copy every 800 steps, well within the usual 100 to 1,000, serves as well": "holds here",
        "Rarer copies keep values lower": "does not show here",
        "Without the terminal mask the agent does not learn what a fall costs": "holds here",
        "Without the terminal mask values are too high": "holds here",
        "An agent that takes truncation for termination learns worse": "does not show here",
        # 90 against 95 in every run
        "Values are too high in the baseline too": "the opposite shows here",
    }


def test_the_opposite_is_said(rows, row):
    rows["truncation-ends"] = [row("truncation-ends", n, 470.0 + n) for n in range(20)]
    rows["copy-every-100"] = [row("copy-every-100", n, 20.0 + n) for n in range(20)]
    found = {j.experiment: j for j in judge(rows) if "return" in j.evidence}
    assert found["truncation-ends"].verdict == "the opposite shows here"
    assert found["copy-every-100"].verdict == "the opposite shows here"
    assert found["truncation-ends"].evidence == (
        "late return +70, larger than the baseline's in 100% of pairs, p < 0.001"
    )


def test_twins_must_agree_to_the_last_digit(rows, row):
    for name in ("no-target-network", "copy-every-update"):
        rows[name] = [row(name, n) for n in range(20)]
    told = next(j for j in judge(rows) if j.text.startswith("A copy at every update"))
    assert told.verdict == "holds here"
    assert told.evidence == "equal numbers at all evaluations with 20 of 20 seeds"
    rows["copy-every-update"][7] = row("copy-every-update", 7, 499.0)
    told = next(j for j in judge(rows) if j.text.startswith("A copy at every update"))
    assert told.verdict == "the opposite shows here"
    assert "19 of 20" in told.evidence


def test_claims_are_of_known_experiments():
    assert {claim.experiment for claim in CLAIMS} <= {e.id for e in EXPERIMENTS}

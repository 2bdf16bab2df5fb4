"""What is made of rows: groups, bounds, pairs, demands, and the text of it."""

import math

import pytest

from grader.cartpole.schedule import Schedule
from grader.report.model import EnvironmentEntry
from grader.study.demands import judged
from grader.study.document import summary_md
from grader.study.summary import bounds, by_submission, group, pairings


def test_a_group_counts_unsolved_runs_as_endless(row):
    rows = [row(0, updates=600), row(1, updates=900), row(2, "unsolved", updates=6_000)]
    g = group("kit", rows)
    assert (g.runs, g.solved) == (3, 2)
    assert (g.updates.median, g.updates.largest) == (900, math.inf)
    assert (g.updates.low, g.updates.high) == (600, math.inf)


def test_submissions_are_told_apart(row):
    rows = [row(0, submission="b"), row(1, submission="a"), row(2, "unsolved", submission="b")]
    assert [(g.name, g.solved, g.runs) for g in by_submission(rows)] == [("a", 1, 1), ("b", 1, 2)]


def test_bounds_of_attempts_and_of_the_graded_check(row):
    rows = [row(seed) for seed in range(2_000)]
    found = bounds(rows)
    p = 1 - 0.01 ** (1 / 2_000)
    assert (found.failures, found.finals) == (0, 0)
    assert found.attempt == pytest.approx(p)
    assert found.check == pytest.approx(p**3)
    # 666 whole keys; the last two attempts are no whole key.
    assert found.check_observed == (666, 0)
    assert found.check_directly == pytest.approx(1 - 0.01 ** (1 / 666))


def test_failures_that_end_the_check_are_counted_apart(row):
    rows = [row(0, "audit_failed"), row(1, "raised"), row(2, "lost"), row(3, "unsolved"), row(4)]
    found = bounds(rows)
    assert (found.runs, found.failures, found.finals) == (5, 4, 3)
    assert found.check_observed == (1, 1)
    assert found.check_directly == 1.0


def test_attempts_that_share_a_key_are_paired(row):
    # Attempts of a key have equal updates; keys take turns between two submissions.
    rows = [
        row(seed, updates=500 + 100 * (seed // 3 % 5), sha256=str(seed // 3 % 2))
        for seed in range(60)
    ]
    within, across = pairings(rows)
    assert within.pairs == 60  # three of each of 20 keys
    assert within.correlation == pytest.approx(1)
    assert across.pairs == 54  # three of each of 18 keys that have a next one
    assert abs(across.correlation) < 1


def test_pairs_that_fail_together_are_compared_with_chance(row):
    rows = [row(seed, "unsolved" if seed in (3, 4) else "solved") for seed in range(12)]
    within, _across = pairings(rows)
    assert within.both_failed == 1
    assert within.expected == pytest.approx(12 * (2 / 12) ** 2)


def demand(rows, beginning):
    return next(d for d in judged(rows) if d.asked.startswith(beginning))


def test_demands_that_are_met(row):
    kit = [row(n, sha256=str(n // 3 % 4), seconds=2.0, updates=750) for n in range(2_000)]
    kit[7] = row(7, "unsolved", sha256="2")
    rows = {"kit": kit, "sb3": [row(n, recipe="sb3", seconds=41.0) for n in range(3)]}
    assert [d.met for d in judged(rows)] == [True] * 4
    assert "1/20.5" in demand(rows, "wall time").measured


def test_demands_that_are_not_met(row):
    kit = [row(n, sha256=str(n // 3 % 4), seconds=3.0, updates=900) for n in range(2_000)]
    for n in (0, 500, 1_000):
        kit[n] = row(n, "audit_failed", sha256=str(n // 3 % 4))
    rows = {"kit": kit, "sb3": [row(n, recipe="sb3", seconds=41.0) for n in range(3)]}
    assert demand(rows, "one attempt").met is False
    assert demand(rows, "median").met is None
    assert demand(rows, "wall time").met is False
    assert demand(rows, "99 %").met is False  # although p³ is small enough
    assert "no further attempt is made after 3" in demand(rows, "99 %").measured


def test_too_few_runs_settle_nothing(row):
    assert demand({"kit": [row()]}, "one attempt").met is None
    assert demand({"kit": [row()]}, "wall time").met is None
    assert judged({"page": [row(recipe="page")]}) == []


def test_the_text_names_everything(row):
    kit = [row(n, submission="ring") for n in range(5)] + [row(5, "unsolved", updates=6_000)]
    rows = {"kit": kit, "page": [row(recipe="page", outcome="unsolved", updates=90_000)]}
    environment = EnvironmentEntry(
        python="3.11", torch="2", numpy="2", gymnasium="1", platform="Linux", cpu="fast", threads=1,
        sandbox="plain",
    )  # fmt: skip
    studies = {"kit": "0123abcd", "page": "4567cdef"}
    text = summary_md(rows, studies, Schedule(lr=0.02), environment, jobs=2)
    assert "| the kit's judged run | 5 of 6 | 800 (800 to ∞) |" in text
    assert "| the course page's recipe | 0 of 1 | ∞ (∞ to ∞) |" in text
    assert "| ring | 5 of 5 |" in text
    assert "changed by `lr=0.02`" in text
    assert "kit `0123abcd`, page `4567cdef`" in text
    assert "1 of 6 failed" in text
    assert "- seed 5, `mine`, unsolved: not confirmed" in text
    assert "Stable-Baselines3 was not run" in text
    assert "nan" not in text

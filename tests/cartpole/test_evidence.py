"""Chance explains what is random as it should be, at every look, and not much else."""

import numpy as np
import pytest

from grader.cartpole import drawing
from grader.cartpole.acting import RULE, Acting
from grader.cartpole.drawing import Drawing
from grader.cartpole.environment import Served
from grader.cartpole.evidence import FALSE_FAILURE, SHARES, STAKES, Evidence
from grader.oracle.models import TwoHiddenLayers

forward = TwoHiddenLayers().forward
SHAPES = [(128, 4), (128,), (128, 128), (128,), (2, 128), (2,)]


def random_weights(rng):
    return [rng.uniform(-0.2, 0.2, s).astype(np.float32) for s in SHAPES]


def served(rng, rows):
    return Served(
        states=rng.normal(0, 0.5, (rows, 4)).astype(np.float32),
        actions=rng.integers(0, 2, rows),
        rewards=np.ones(rows, np.float32),
        next_states=rng.normal(0, 0.5, (rows, 4)).astype(np.float32),
        dones=(rng.random(rows) < 0.05).astype(np.float32),
    )


def column(*numbers):
    return np.array(numbers, np.float64)[:, None]


# --- the martingale ---


@pytest.mark.parametrize("p", [0.0, 0.03, 0.5, 0.97, 1.0])
def test_every_bet_is_fair(p):
    """The mean of M after one trial is 1, whatever the stake."""
    logs = []
    for hit in (0.0, 1.0):
        evidence = Evidence(["x"])
        evidence.add(column(hit), column(1.0), column(p))
        logs.append(evidence._log_m[0])
    np.testing.assert_allclose((1 - p) * np.exp(logs[0]) + p * np.exp(logs[1]), 1.0, rtol=1e-12)


def test_a_batch_without_replacement_is_worth_less_than_one():
    """Hoeffding's comparison, for 6 rows of 12 that have the mark 4 times."""
    from math import comb

    mean = np.zeros(len(STAKES))
    for hits in range(5):
        evidence = Evidence(["x"])
        evidence.add(column(hits), column(6.0), column(4 / 12))
        weight = comb(4, hits) * comb(8, 6 - hits) / comb(12, 6)
        mean += weight * np.exp(evidence._log_m[0])
    assert (mean <= 1).all()


def test_the_threshold_shares_the_probability():
    evidence = Evidence(["x", "y", "z"])
    bound = SHARES * 3 * len(STAKES) * np.exp(-evidence._threshold)
    assert bound == pytest.approx(FALSE_FAILURE)


@pytest.mark.parametrize(("share", "trials"), [(1.0, 60), (0.75, 600), (0.55, 12_000), (0.0, 60)])
def test_a_bias_shows_in_time(share, trials):
    evidence = Evidence(["as they should be", "of the biased kind"])
    rng = np.random.default_rng(0)
    told, n = None, 0
    while told is None and n < trials:
        hits = column(rng.random() < 0.5, rng.random() < share)
        evidence.add(hits, column(1, 1), column(0.5, 0.5))
        told, n = evidence.against(), n + 1
    assert told is not None
    assert told.startswith(f"of {n:,}, ")
    assert " were of the biased kind, " in told
    assert told.endswith(" expected")


def test_chance_alone_is_never_refuted():
    rng = np.random.default_rng(1)
    p = np.array([0.5, 0.02, 0.98])
    evidence = Evidence(["a", "b", "c"])
    for _ in range(3_000):
        evidence.add(rng.binomial(128, p)[:, None], column(128, 128, 128), p[:, None])
        assert evidence.against() is None


# --- actions ---


def epsilon_greedy(rng, values, epsilon):
    explores = rng.random(len(values)) < epsilon
    return np.where(explores, rng.integers(0, 2, len(values)), values.argmax(axis=1))


def acted(choose, epsilon, locksteps=300, environments=32):
    """What is said of actions that `choose(rng, states, values)` gives, and after how many."""
    rng = np.random.default_rng(3)
    weights = random_weights(rng)
    acting = Acting(environments)
    for n in range(locksteps):
        states = rng.normal(0, 0.5, (environments, 4)).astype(np.float32)
        values = forward(weights, states)
        against = acting.check(states, choose(rng, states, values), epsilon, weights)
        if against is not None:
            return against, n + 1
    return None, locksteps


@pytest.mark.parametrize("epsilon", [0.0, 0.05, 0.5, 1.0])
def test_epsilon_greedy_actions_pass(epsilon):
    assert acted(lambda rng, _s, values: epsilon_greedy(rng, values, epsilon), epsilon)[0] is None


@pytest.mark.parametrize(
    ("choose", "epsilon", "claim", "locksteps"),
    [
        (lambda rng, s, v: (s @ RULE > 0).astype(int), 1.0, "those of a balancing rule", 3),
        (lambda rng, s, v: (s[:, 2] > 0).astype(int), 1.0, "to which the pole leans", 3),
        (lambda rng, s, v: (s[:, 3] > 0).astype(int), 1.0, "to which the pole turns", 3),
        (lambda rng, s, v: np.ones(32, int), 1.0, "", 3),
        (lambda rng, s, v: np.arange(32) % 2, 1.0, "before", 3),
        (lambda rng, s, v: epsilon_greedy(rng, v, 1.0), 0.05, "q_net's greedy action", 3),
        (lambda rng, s, v: epsilon_greedy(rng, v, 0.0), 0.3, "q_net's greedy action", 60),
        (lambda rng, s, v: v.argmin(axis=1), 0.0, "q_net's greedy action", 2),
    ],
)
def test_other_actions_do_not(choose, epsilon, claim, locksteps):
    against, taken = acted(choose, epsilon)
    assert claim in against
    assert taken <= locksteps


def test_values_that_rounding_decides_between_do_not_count():
    rng = np.random.default_rng(4)
    weights = random_weights(rng)
    weights[4][1], weights[5][1] = weights[4][0], weights[5][0]
    acting = Acting(32)
    for _ in range(50):
        states = rng.normal(0, 0.5, (32, 4)).astype(np.float32)
        assert acting.check(states, (states @ RULE > 0).astype(int), 0.0, weights) is None


# --- draws ---


def drawn(choose, updates=400, capacity=1_000, rows=64):
    """What is said of draws that `choose(rng, stored, first, count)` gives, and after how many."""
    rng = np.random.default_rng(5)
    q, target = random_weights(rng), random_weights(rng)
    drawing_ = Drawing(capacity, 0.99)
    everything = served(rng, 200)
    drawing_.serve(everything)
    for n in range(updates):
        count = len(everything.actions)
        first = max(0, count - capacity)
        against = drawing_.check(choose(rng, everything, first, count, rows), q, target)
        if against is not None:
            return against, n + 1
        new = served(rng, 16)
        everything = drawing._joined(everything, new, 1_000_000)
        drawing_.serve(new)
    return None, updates


@pytest.mark.parametrize(
    "choose",
    [
        lambda rng, s, first, count, rows: first + rng.permutation(count - first)[:rows],
        lambda rng, s, first, count, rows: rng.integers(first, count, rows),
    ],
    ids=["without replacement", "with replacement"],
)
def test_uniform_draws_pass(choose):
    assert drawn(choose)[0] is None


def weighted(weights_of):
    def choose(rng, stored, first, count, rows):
        weights = weights_of(stored)[first:count].astype(float)
        return first + rng.choice(count - first, rows, p=weights / weights.sum())

    return choose


BIASED = {
    "the newest": (lambda r, s, f, c, n: r.integers(f + (c - f) // 2, c, n), "newer half", 2),
    "the oldest": (lambda r, s, f, c, n: r.integers(f, f + (c - f) // 2, n), "newer half", 2),
    "a slice": (lambda r, s, f, c, n: r.integers(f, c - n) + np.arange(n), "", 30),
    "one row": (lambda r, s, f, c, n: np.full(n, r.integers(f, c)), "", 30),
    "the same again": (lambda r, s, f, c, n: c - 1 - np.arange(n), "", 3),
    "terminal": (weighted(lambda s: 1 + s.dones), "terminal", 120),
    "one action": (weighted(lambda s: 1 + s.actions), "of action 1", 30),
    "a rule's actions": (
        weighted(lambda s: 1 + ((s.states @ RULE > 0) == (s.actions == 1))),
        "action of a balancing rule",
        30,
    ),
    "leaning": (weighted(lambda s: 1 + (np.abs(s.states[:, 2]) > 0.05)), "more than 0.05", 120),
    "on the right": (weighted(lambda s: 1 + (s.states[:, 0] > 0)), "cart on the right", 40),
}


@pytest.mark.parametrize(("choose", "claim", "updates"), BIASED.values(), ids=BIASED)
def test_biased_draws_do_not(choose, claim, updates):
    against, taken = drawn(choose)
    assert claim in against
    assert taken <= updates


def test_large_errors_first():
    """Prioritised replay, by the errors of the networks that the judge knows."""
    rng = np.random.default_rng(6)
    q, target = random_weights(rng), random_weights(rng)
    follows = Drawing(1_000, 0.99)
    stored = served(rng, 800)
    follows.serve(stored)
    marks = drawing._valued_marks(stored, q, target, 0.99)
    assert marks.shape == (3, 800)
    weights = 1.0 + marks[1]
    draws = (rng.choice(800, 64, p=weights / weights.sum()) for _ in range(40))
    assert any(follows.check(rows, q, target) is not None for rows in draws)


def test_valued_marks_by_hand():
    rng = np.random.default_rng(7)
    q, target = random_weights(rng), random_weights(rng)
    stored = served(rng, 50)
    marks = drawing._valued_marks(stored, q, target, 0.9)
    predicted = forward(q, stored.states)[np.arange(50), stored.actions]
    best = forward(target, stored.next_states).max(axis=1)
    errors = stored.rewards + 0.9 * (1 - stored.dones) * best - predicted
    rule = (stored.states @ RULE > 0).astype(int)
    np.testing.assert_array_equal(marks[0], errors > 0)
    assert marks[1].sum() == 25
    np.testing.assert_array_equal(marks[2], (errors > 0) == (stored.actions == rule))


def test_marks_stay_with_their_rows_as_others_are_evicted():
    rng = np.random.default_rng(8)
    q, target = random_weights(rng), random_weights(rng)
    follows = Drawing(100, 0.99)
    follows.serve(served(rng, 100))
    follows.check(np.arange(50), q, target)
    follows.serve(served(rng, 30))
    assert follows._times.tolist() == [1] * 20 + [0] * 80
    follows.check(np.arange(30, 130), q, target)
    assert follows._times.tolist() == [2] * 20 + [1] * 80
    assert follows._last.tolist() == [1] * 100

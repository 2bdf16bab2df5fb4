"""Scenarios of one update, dense and sparse, drawn or made for a purpose."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from grader.checks.agents import (
    Learning,
    Scenario,
    one_hot_pool,
    random_pool,
    random_weights,
)
from grader.checks.compare import Doubles
from grader.oracle.dqn import Batch
from grader.oracle.models import Weights


def dense(
    rng: np.random.Generator,
    state_dim: int,
    action_dim: int,
    rows: int,
    *,
    gamma: float,
    terminal: float = 0.0,
    rewards: tuple[float, float] = (-2.0, 3.0),
    scale: float = 0.5,
) -> Scenario:
    pool = random_pool(rng, 2 * rows + 1, state_dim, action_dim, terminal=terminal, rewards=rewards)
    return Scenario(
        q=random_weights(rng, state_dim, action_dim, scale),
        target=random_weights(rng, state_dim, action_dim, scale),
        lr=0.01,
        gamma=gamma,
        steps=[Learning(pool, rows)],
    )


def sparse(
    rng: np.random.Generator,
    rows: int,
    action_dim: int,
    *,
    gamma: float = 0.9,
    terminal: float = 0.0,
    rewards: tuple[float, float] = (-1.0, 1.5),
) -> tuple[Scenario, Batch]:
    """One update on `rows` transitions, each with entries of the gradient for itself.

    Weights are small enough for the gradient's norm to stay below 10, so that it is not clipped and
    the targets can be read off.
    """
    pool = one_hot_pool(rng, rows, action_dim, terminal=terminal)
    drawn = rng.uniform(*rewards, rows).astype(np.float32).astype(np.float64)
    pool = replace(pool, rewards=drawn)
    scenario = Scenario(
        q=random_weights(rng, 2 * rows, action_dim, 0.4),
        target=random_weights(rng, 2 * rows, action_dim, 0.4),
        lr=0.01,
        gamma=gamma,
        steps=[Learning(pool, rows)],
    )
    return scenario, pool


def almost_right(rng: np.random.Generator) -> Scenario:
    """Two updates whose predictions are off by about a thousandth: small errors count too."""
    scenario, pool = sparse(rng, 5, 3)
    best = scenario.values(pool.next_states, of_target=True).max(axis=1)
    q = scenario.values(pool.states)[np.arange(5), pool.actions]
    rewards = q - scenario.gamma * best + rng.choice([-1, 1], 5) * rng.uniform(1e-3, 2e-3, 5)
    close = Learning(replace(pool, rewards=rewards.astype(np.float32).astype(np.float64)), 5)
    return replace(scenario, lr=1e-4, steps=[close, close])


@st.composite
def tabular(draw: st.DrawFn) -> Scenario:
    """Some updates on the same few transitions between one-hot states, with a table of Q-values:
    everything is drawn number by number, so that it shrinks to plain values."""
    states, actions, rows = (draw(st.integers(1, n)) for n in (3, 3, 4))

    def integers(count: int, low: int, high: int) -> npt.NDArray[np.int64]:
        drawn = draw(st.lists(st.integers(low, high), min_size=count, max_size=count))
        return np.asarray(drawn, np.int64)

    pool = Batch(
        states=np.eye(states)[integers(rows, 0, states - 1)],
        actions=integers(rows, 0, actions - 1),
        rewards=integers(rows, -40, 40) / 4,
        next_states=np.eye(states)[integers(rows, 0, states - 1)],
        dones=integers(rows, 0, 1).astype(np.float64),
    )
    q, target = (integers(actions * states, -20, 20).reshape(actions, -1) / 4 for _ in range(2))
    return _on_table(draw, pool, q, target)


@st.composite
def scattered(draw: st.DrawFn) -> Scenario:
    """Updates on transitions between random states, by another size and shape each time."""
    rows, actions, width = (draw(st.integers(1, n)) for n in (7, 5, 4))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    pool = random_pool(rng, rows, width, actions, terminal=draw(st.sampled_from([0, 0.5, 1])))
    tables = (rng.normal(0, scale, (actions, width)) for scale in (1.0, 3.0))
    return _on_table(draw, replace(pool, rewards=4 * pool.rewards), *tables)


def _on_table(draw: st.DrawFn, pool: Batch, q: Doubles, target: Doubles) -> Scenario:
    def weights(table: Doubles) -> Weights:
        actions, width = table.shape
        shapes = ((actions,), (actions, width), (actions,))
        return [table.astype(np.float32), *(np.zeros(s, np.float32) for s in shapes)]

    return Scenario(
        q=weights(q),
        target=weights(target),
        lr=draw(st.sampled_from([0.01, 0.001, 0.1])),
        gamma=draw(st.sampled_from([0.9, 0.5, 0.99, 1.0, 0.0])),
        steps=[Learning(pool, len(pool))] * draw(st.integers(1, 3)),
    )

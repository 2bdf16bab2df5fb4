"""Scenarios of one update, dense and sparse, drawn or made for a purpose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from grader.checks.agents import (
    Learning,
    Scenario,
    one_hot_pool,
    random_pool,
    random_weights,
)
from grader.oracle.dqn import Batch


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
def scenarios(draw: st.DrawFn) -> Scenario:
    """Small updates. What a student reads is drawn number by number, so that it shrinks to plain
    values; states and weights come from a generator whose seed is drawn."""
    rows = draw(st.integers(1, 7))
    action_dim = draw(st.integers(1, 5))
    state_dim = draw(st.integers(1, 4))

    def column(elements: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(elements, min_size=rows, max_size=rows))

    actions = column(st.integers(0, action_dim - 1))
    rewards = column(st.integers(-40, 40).map(lambda n: n / 4))
    dones = column(st.integers(0, 1))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    pool = replace(
        random_pool(rng, rows, state_dim, action_dim),
        actions=np.asarray(actions, np.int64),
        rewards=np.asarray(rewards, np.float64),
        dones=np.asarray(dones, np.float64),
    )
    return Scenario(
        q=random_weights(rng, state_dim, action_dim),
        target=random_weights(rng, state_dim, action_dim, 3.0),
        lr=draw(st.sampled_from([0.01, 0.001, 0.1])),
        gamma=draw(st.sampled_from([0.5, 0.9, 0.99, 1.0, 0.0])),
        steps=[Learning(pool, rows)],
    )

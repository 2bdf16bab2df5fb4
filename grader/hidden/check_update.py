"""DQNAgent.update with agents, batches and trainings that the public checks do not come to."""

from __future__ import annotations

from functools import partial

import numpy as np

from grader.checks.agents import Learning, Scenario, random_pool, random_weights
from grader.checks.outcomes import EVERYTHING
from grader.checks.rounding import steady
from grader.checks.updates import Updates
from grader.protocol.messages import Sync

PART = "update"
AGENTS = 8
TRAININGS, CALLS = 3, 80


def check_hidden_agents(updates: Updates) -> None:
    """One update of agents with more states, actions and rows."""
    for n in range(AGENTS):
        rng = updates.part.rng(str(n))
        scenario = steady(partial(_agent, rng, calls=1, rows=(65, 300)))
        updates.judge(
            scenario, "The update is the same algorithm for every shape and value.", EVERYTHING
        )


def check_hidden_training(updates: Updates) -> None:
    """Trainings of many updates, each on a batch of its own, with copies now and then."""
    for n in range(TRAININGS):
        rng = updates.part.rng(str(n))
        scenario = steady(partial(_agent, rng, calls=CALLS, rows=(1, 30)))
        updates.judge(
            updates.without_syncs(scenario), "Every call behaves like the first.", EVERYTHING
        )


def _agent(rng: np.random.Generator, calls: int, rows: tuple[int, int]) -> Scenario:
    """An agent of any size that learns so often, and copies after about one call in nine."""
    state_dim, action_dim = int(rng.integers(5, 30)), int(rng.integers(2, 13))
    steps: list[Learning | Sync] = []
    for _ in range(calls):
        size = int(rng.integers(*rows))
        terminal = float(rng.uniform(0, 0.6))
        pool = random_pool(rng, 2 * size, state_dim, action_dim, terminal=terminal)
        steps.append(Learning(pool, size))
        if rng.random() < 1 / 9:
            steps.append(Sync())
    return Scenario(
        q=random_weights(rng, state_dim, action_dim, 0.5),
        target=random_weights(rng, state_dim, action_dim, 0.5),
        lr=float(rng.choice([0.02, 0.007, 0.0005])),
        gamma=float(rng.uniform(0.3, 1)),
        steps=steps,
    )

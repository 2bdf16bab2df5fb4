"""Greedy episodes, computed with the judge's own forward pass."""

from __future__ import annotations

from dataclasses import dataclass

import gymnasium
import numpy as np
import numpy.typing as npt

from grader.cartpole.schedule import MAX_EPISODE_STEPS
from grader.oracle.models import TwoHiddenLayers, Weights


@dataclass(frozen=True)
class Greedy:
    """What the greedy policy did.

    returns : (episodes,); every reward is 1, so a return is an episode's length
    max_q : mean over all states acted in of max_a Q(s, a); not finite when the weights overflow
    """

    returns: npt.NDArray[np.float64]
    max_q: float


def greedy_episodes(weights: Weights, episodes: int, seed: int) -> Greedy:
    """Play so many fresh episodes of CartPole-v1; `weights` are W1, b1, W2, b2, W3, b3."""
    envs = gymnasium.make_vec(
        "CartPole-v1", num_envs=episodes, vectorization_mode="vector_entry_point"
    )
    model = TwoHiddenLayers()
    states, _info = envs.reset(seed=seed)
    returns = np.zeros(episodes)
    running = np.ones(episodes, bool)
    total = 0.0
    with np.errstate(all="ignore"):
        for _ in range(MAX_EPISODE_STEPS):
            values = model.forward(weights, states)
            total += float(values.max(axis=1)[running].sum())
            states, rewards, terminated, truncated, _info = envs.step(values.argmax(axis=1))
            returns += rewards * running
            running &= ~(terminated | truncated)
            if not running.any():
                break
    envs.close()
    return Greedy(returns, total / float(returns.sum()))

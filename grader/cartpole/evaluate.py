"""Greedy returns, computed with the judge's own forward pass."""

from __future__ import annotations

import gymnasium
import numpy as np

from grader.cartpole.schedule import MAX_EPISODE_STEPS
from grader.oracle.models import TwoHiddenLayers, Weights


def greedy_returns(weights: Weights, episodes: int, seed: int) -> np.ndarray:
    """Returns (episodes,) of the greedy policy over so many fresh episodes of CartPole-v1.

    `weights` are W1, b1, W2, b2, W3, b3; every reward is 1, so a return is an episode's length.
    """
    envs = gymnasium.make_vec(
        "CartPole-v1", num_envs=episodes, vectorization_mode="vector_entry_point"
    )
    model = TwoHiddenLayers()
    states, _info = envs.reset(seed=seed)
    returns = np.zeros(episodes)
    running = np.ones(episodes, bool)
    for _ in range(MAX_EPISODE_STEPS):
        actions = model.forward(weights, states).argmax(axis=1)
        states, rewards, terminated, truncated, _info = envs.step(actions)
        returns[running] += rewards[running]
        running &= ~(terminated | truncated)
        if not running.any():
            break
    envs.close()
    return returns

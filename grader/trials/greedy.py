"""Greedy episodes of CartPole-v1, all at once. For processes with torch, which it leaves alone."""

from __future__ import annotations

from collections.abc import Callable

import gymnasium
import numpy as np
import numpy.typing as npt

from grader.cartpole.schedule import MAX_EPISODE_STEPS

Policy = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.int64]]


def greedy_returns(policy: Policy, episodes: int, seed: int) -> npt.NDArray[np.float64]:
    """Returns (episodes,) of a policy that turns states (N, 4) into actions (N,).

    Environments step together to the end of the last episode; of those that have ended, the policy
    is still asked, and its answers change nothing.
    """
    envs = gymnasium.make_vec(
        "CartPole-v1", num_envs=episodes, vectorization_mode="vector_entry_point"
    )
    states, _info = envs.reset(seed=seed)
    returns = np.zeros(episodes)
    running = np.ones(episodes, bool)
    for _ in range(MAX_EPISODE_STEPS):
        states, rewards, terminated, truncated, _info = envs.step(policy(states))
        returns[running] += rewards[running]
        running &= ~(terminated | truncated)
        if not running.any():
            break
    envs.close()
    return returns

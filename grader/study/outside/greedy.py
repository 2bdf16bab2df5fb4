"""When another recipe has solved CartPole-v1: the kit's rule, kept to outside of the clock."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

import gymnasium
import msgspec
import numpy as np
import numpy.typing as npt

from grader.cartpole.schedule import MAX_EPISODE_STEPS, THRESHOLD, Schedule
from grader.study.result import Result

Policy = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.int64]]


class Screening:
    """Looks at greedy policies, confirms those that look good, and keeps count of its own time.

    A policy turns states (N, 4) into actions (N,).
    """

    def __init__(self, seed: int) -> None:
        self._seeds = np.random.SeedSequence([seed, 1])
        self.curve: list[tuple[int, float]] = []
        self.mean_return: float | None = None
        self.seconds = 0.0

    def solved(self, policy: Policy, updates: int) -> bool:
        """Whether 20 episodes and then 100 fresh ones both average the threshold."""
        begun = time.perf_counter()
        usual = Schedule()
        first, second = self._seeds.spawn(2)
        mean = self._mean(policy, usual.screen_episodes, first)
        solved = False
        if mean >= THRESHOLD:
            mean = self.mean_return = self._mean(policy, usual.confirm_episodes, second)
            solved = mean >= THRESHOLD
        self.curve.append((updates, mean))
        self.seconds += time.perf_counter() - begun
        return solved

    @staticmethod
    def _mean(policy: Policy, episodes: int, seeds: np.random.SeedSequence) -> float:
        envs = gymnasium.make_vec(
            "CartPole-v1", num_envs=episodes, vectorization_mode="vector_entry_point"
        )
        states, _info = envs.reset(seed=int(seeds.generate_state(1)[0]))
        returns = np.zeros(episodes)
        running = np.ones(episodes, bool)
        for _ in range(MAX_EPISODE_STEPS):
            states, rewards, terminated, truncated, _info = envs.step(policy(states))
            returns[running] += rewards[running]
            running &= ~(terminated | truncated)
            if not running.any():
                break
        envs.close()
        return float(returns.mean())


def silenced() -> Callable[[Result], None]:
    """Send whatever is printed to standard error; the function returned prints the result."""
    answer = os.dup(1)
    os.dup2(2, 1)

    def deliver(result: Result) -> None:
        sys.stdout.flush()
        os.write(answer, msgspec.json.encode(result))

    return deliver

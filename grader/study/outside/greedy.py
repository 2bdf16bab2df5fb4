"""When another recipe has solved CartPole-v1: the kit's rule, kept to outside of the clock."""

from __future__ import annotations

import time

import numpy as np

from grader.cartpole.schedule import THRESHOLD, Schedule
from grader.trials.greedy import Policy, greedy_returns


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
        return float(greedy_returns(policy, episodes, int(seeds.generate_state(1)[0])).mean())

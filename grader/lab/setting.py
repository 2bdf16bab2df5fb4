"""The one setting in which every experiment of the lab trains."""

from __future__ import annotations

from dataclasses import dataclass

from grader.cartpole.schedule import MAX_EPISODE_STEPS


@dataclass(frozen=True)
class Setting:
    """One environment, one process, a fixed number of updates; only experiments differ.

    updates : gradient steps of a run
    steps_per_update : environment steps before each of them
    learning_starts : environment steps before the first
    copy_every : updates between two copies to the target network
    epsilon_updates : updates in which ε falls, linearly, from 1 to `epsilon_end`
    evaluate_every : updates between two evaluations of the greedy policy; the last one is evaluated
        too
    evaluation_episodes : its fresh episodes
    """

    updates: int = 5_000
    steps_per_update: int = 8
    batch_size: int = 64
    lr: float = 5e-3
    gamma: float = 0.99
    copy_every: int = 20
    learning_starts: int = 1_000
    epsilon_end: float = 0.05
    epsilon_updates: int = 500
    evaluate_every: int = 250
    evaluation_episodes: int = 20

    @property
    def value_bound(self) -> float:
        """1/(1 − γ): reward 1 for ever, which no value in CartPole can exceed."""
        return 1 / (1 - self.gamma)

    def epsilon(self, updates: int) -> float:
        """ε after so many updates."""
        share = min(1.0, updates / self.epsilon_updates)
        return 1.0 + share * (self.epsilon_end - 1.0)

    def worth(self, length: int, step: int) -> float:
        """Discounted return from a step (from 0) of an episode that lasted `length` steps.

        An episode that the time limit cut off counts as one that would have gone on for ever: the
        most that it can have been worth.
        """
        if length >= MAX_EPISODE_STEPS:
            return self.value_bound
        return float((1 - self.gamma ** (length - step)) * self.value_bound)

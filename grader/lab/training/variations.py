"""The experiments as code: the baseline, and for each experiment what it does differently.

Read `Baseline` first: it says when something is stored, learned from and copied. Each variation is
the change of one of these decisions. They use the agent through what the handout names, so that
any submission can be trained: `buffer`, `q_net`, `target_net`, `update` and `update_target`.

To try a change of your own, add a class here with an entry in `VARIATIONS`, and its name to
`EXPERIMENTS` in `grader/lab/experiments.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.lab.setting import Setting


@dataclass(frozen=True)
class Step:
    """What one step of the environment showed; states have shape (4,)."""

    state: npt.NDArray[np.float32]
    action: int
    reward: float
    next_state: npt.NDArray[np.float32]
    terminated: bool
    truncated: bool


class Baseline:
    """DQN as the handout describes it."""

    def __init__(self, agent: Any, setting: Setting) -> None:
        self.agent = agent
        self.setting = setting
        self.batch_size = setting.batch_size
        self.updates = 0

    def done(self, step: Step) -> bool:
        """What is stored as d: whether the target stops at the reward."""
        return step.terminated

    def store(self, step: Step) -> None:
        """Keep a transition for later updates."""
        done = float(self.done(step))
        self.agent.buffer.push(step.state, step.action, step.reward, step.next_state, done)

    def copy_every(self) -> int:
        """Updates between two copies to the target network."""
        return self.setting.copy_every

    def learn(self) -> None:
        """One update, and a copy to the target network when it is due."""
        self.agent.update(self.batch_size)
        self.updates += 1
        if self.updates % self.copy_every() == 0:
            self.agent.update_target()


class NewestTransition(Baseline):
    """No replay: a buffer with room for one, so that every batch is the newest transition."""

    def __init__(self, agent: Any, setting: Setting) -> None:
        super().__init__(agent, setting)
        self.batch_size = 1
        agent.buffer = type(agent.buffer)(capacity=1)


class NewestBatch(Baseline):
    """No replay: a buffer with room for one batch, which is thus the newest transitions in a row.

    Batches are as large as the baseline's; only where they come from differs.
    """

    def __init__(self, agent: Any, setting: Setting) -> None:
        super().__init__(agent, setting)
        agent.buffer = type(agent.buffer)(capacity=self.batch_size)


class NoTargetNetwork(Baseline):
    """Both names stand for one network: the target moves with every step of the prediction."""

    def __init__(self, agent: Any, setting: Setting) -> None:
        super().__init__(agent, setting)
        agent.target_net = agent.q_net

    def learn(self) -> None:
        """An update; there is nothing to copy."""
        self.agent.update(self.batch_size)
        self.updates += 1


class CopyEveryUpdate(Baseline):
    """The target network is there, and equal to the trained one whenever a target is built."""

    def copy_every(self) -> int:
        """No wait."""
        return 1


class CopyEvery100(Baseline):
    """A patient target network."""

    def copy_every(self) -> int:
        """Five times the baseline's wait."""
        return 100


class CopyEvery1000(Baseline):
    """A target network that is out of date most of the time."""

    def copy_every(self) -> int:
        """Fifty times the baseline's wait."""
        return 1_000


class NoTerminalMask(Baseline):
    """d is never 1, so that the target is r + γ max Q(s', a') even where the pole has fallen."""

    def done(self, step: Step) -> bool:
        """Nothing ever ends."""
        return False


class TruncationEnds(Baseline):
    """The time limit counts as an end: after step 500 the target is the reward alone."""

    def done(self, step: Step) -> bool:
        """Any end of an episode."""
        return step.terminated or step.truncated


VARIATIONS: Mapping[str, type[Baseline]] = {
    "baseline": Baseline,
    "newest-transition": NewestTransition,
    "newest-batch": NewestBatch,
    "no-target-network": NoTargetNetwork,
    "copy-every-update": CopyEveryUpdate,
    "copy-every-100": CopyEvery100,
    "copy-every-1000": CopyEvery1000,
    "no-terminal-mask": NoTerminalMask,
    "truncation-ends": TruncationEnds,
}

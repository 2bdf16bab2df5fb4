"""Changes of given code that update rests on."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from grader.oracle.dqn import Learner
from grader.oracle.models import Model, Weights
from grader.oracle.variation import Variation


class TargetIsQNet(Variation):
    """One network under both names."""

    code = "GIVEN_TARGET_IS_Q_NET"
    checks = ("update.target_network", "update.target_untouched")

    def __init__(
        self, model: Model, q: Weights, target: Weights, *, lr: float, gamma: float
    ) -> None:
        # Whoever loads weights into both networks loads the target's last.
        super().__init__(model, target, target, lr=lr, gamma=gamma)
        self.target = self.q

    def sync(self) -> None:
        pass


class TargetSharedUntilSync(TargetIsQNet):
    """Two networks over the same weights, until a copy makes a new one."""

    def sync(self) -> None:
        Learner.sync(self)


class _OtherOptimizer(Variation):
    code = "GIVEN_OPTIMIZER_CHANGED"
    checks = ("update.one_step",)


class LearningRateIgnored(_OtherOptimizer):
    """A constant in the place of lr."""

    constant: ClassVar[float] = 1e-3

    def step(self, gradients: Weights) -> int:
        self.adam.lr = self.constant
        return super().step(gradients)


class PlainGradientDescent(_OtherOptimizer):
    """θ ← θ − α g."""

    def step(self, gradients: Weights) -> int:
        for w, g in zip(self.q, gradients, strict=True):
            w -= self.lr * g
        return 1


class RMSProp(_OtherOptimizer):
    """θ ← θ − α g / (√v + ε), PyTorch's defaults."""

    def step(self, gradients: Weights) -> int:
        held: Weights = getattr(self, "_square", [np.zeros_like(w) for w in self.q])
        self._square = [0.99 * v + 0.01 * g * g for v, g in zip(held, gradients, strict=True)]
        for w, g, v in zip(self.q, gradients, self._square, strict=True):
            w -= self.lr * g / (np.sqrt(v) + 1e-8)
        return 1


class DecayedWeights(_OtherOptimizer):
    """AdamW with its default decay of 0.01."""

    def step(self, gradients: Weights) -> int:
        for w in self.q:
            w *= 1 - self.lr * 0.01
        return super().step(gradients)

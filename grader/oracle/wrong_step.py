"""Misconceptions about gradients, clipping and the optimizer step."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np

from grader.oracle.adam import Adam
from grader.oracle.dqn import Batch, Learner, Outcome, without_motion
from grader.oracle.models import Weights, global_norm
from grader.oracle.variation import Variation


class NoZeroGrad(Variation):
    """Gradients of earlier calls stay, as the clipping left them."""

    code = "UPDATE_NO_ZERO_GRAD"
    checks = ("update.zero_grad",)

    def accumulate(self, gradients: Weights) -> Weights:
        held: Weights | None = getattr(self, "_held", None)
        return gradients if held is None else [a + b for a, b in zip(held, gradients, strict=True)]

    def clip(self, gradients: Weights) -> Weights:
        self._held = super().clip(gradients)
        return self._held


class NoStep(Variation):
    """θ stays as it was: no backward pass, gradients cleared too late, or no step."""

    code = "UPDATE_NO_STEP"
    checks = ("update.learns",)

    def step(self, gradients: Weights) -> int:
        return 0

    def update(self, batch: Batch, other: Batch | None = None) -> Outcome:
        return without_motion(super().update(batch, other), self.q)


class StepsTwice(Variation):
    """The optimizer steps twice on the same gradient."""

    code = "UPDATE_STEPS_TWICE"
    checks = ("update.one_step",)

    def step(self, gradients: Weights) -> int:
        return super().step(gradients) + super().step(gradients)


class UpdatesTwice(StepsTwice):
    """The whole update on the same batch twice over; the second loss is returned."""

    def update(self, batch: Batch, other: Batch | None = None) -> Outcome:
        Learner.update(self, batch, other)
        return Learner.update(self, batch, other)

    def step(self, gradients: Weights) -> int:
        self.adam.step(self.q, gradients)
        return 2


class UpdatesTwiceFirstLoss(UpdatesTwice):
    """The whole update on the same batch twice over; the first loss is returned."""

    def update(self, batch: Batch, other: Batch | None = None) -> Outcome:
        first = Learner.update(self, batch, other)
        return replace(Learner.update(self, batch, other), returned=first.returned)


class NewOptimizer(Variation):
    """Adam starts anew at every call."""

    code = "UPDATE_NEW_OPTIMIZER"
    checks = ("update.one_step",)

    def step(self, gradients: Weights) -> int:
        self.adam = Adam(self.lr)
        return super().step(gradients)


class NoClip(Variation):
    """The gradient as it is."""

    code = "UPDATE_NO_CLIP"
    checks = ("update.clipping",)

    def clip(self, gradients: Weights) -> Weights:
        return gradients


class ClipByValue(NoClip):
    """Every entry clipped to ± a constant."""

    code = "UPDATE_CLIP_BY_VALUE"
    bound: ClassVar[float] = 10.0

    def clip(self, gradients: Weights) -> Weights:
        return [np.clip(g, -self.bound, self.bound) for g in gradients]


class ClipWrongNorm(NoClip):
    """Another maximum norm."""

    code = "UPDATE_CLIP_WRONG_NORM"
    bound: ClassVar[float] = 1.0

    def clip(self, gradients: Weights) -> Weights:
        norm = global_norm(gradients)
        return gradients if norm <= self.bound else [g * (self.bound / norm) for g in gradients]


class ClipAlways(NoClip):
    """Scaled to norm 10 even when it is smaller."""

    code = "UPDATE_CLIP_WRONG_NORM"

    def clip(self, gradients: Weights) -> Weights:
        norm = global_norm(gradients)
        return [g * (10.0 / norm) if norm else g for g in gradients]

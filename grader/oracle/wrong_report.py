"""Misconceptions about what update returns, draws and leaves alone."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np

from grader.oracle.dqn import Batch, Outcome
from grader.oracle.models import Floats, Weights
from grader.oracle.variation import Variation


class ReturnsMeanError(Variation):
    """mean (y − q), returned beside a correct step."""

    code = "UPDATE_RETURNS_OTHER"
    checks = ("update.returned_loss",)

    def returned(self, loss: float, prediction: Floats, targets: Floats) -> float | None:
        return float(np.mean(targets - prediction))


class ReturnsMeanAbsoluteError(ReturnsMeanError):
    """mean |y − q|."""

    def returned(self, loss: float, prediction: Floats, targets: Floats) -> float | None:
        return float(np.mean(np.abs(targets - prediction)))


class ReturnsRoot(ReturnsMeanError):
    """The root of the loss."""

    def returned(self, loss: float, prediction: Floats, targets: Floats) -> float | None:
        return float(np.sqrt(abs(loss)))


class ReturnsSum(ReturnsMeanError):
    """The loss times B."""

    def returned(self, loss: float, prediction: Floats, targets: Floats) -> float | None:
        return loss * len(prediction)


class ReturnsHalf(ReturnsMeanError):
    """Half the loss."""

    def returned(self, loss: float, prediction: Floats, targets: Floats) -> float | None:
        return loss / 2


class ReturnsZero(ReturnsMeanError):
    """0."""

    def returned(self, loss: float, prediction: Floats, targets: Floats) -> float | None:
        return 0.0


class ReturnsMeanPrediction(ReturnsMeanError):
    """mean Q(s, a)."""

    def returned(self, loss: float, prediction: Floats, targets: Floats) -> float | None:
        return float(np.mean(prediction))


class ReturnsMeanTarget(ReturnsMeanError):
    """mean y."""

    def returned(self, loss: float, prediction: Floats, targets: Floats) -> float | None:
        return float(np.mean(targets))


class ReturnsPreviousLoss(ReturnsMeanError):
    """The loss of the call before, 0 at first."""

    def returned(self, loss: float, prediction: Floats, targets: Floats) -> float | None:
        previous: float = getattr(self, "_previous", 0.0)
        self._previous = loss
        return previous


class ReturnsRounded(ReturnsMeanError):
    """The loss, rounded."""

    digits: ClassVar[int] = 2

    def returned(self, loss: float, prediction: Floats, targets: Floats) -> float | None:
        return round(loss, self.digits)


class ReturnsLossAfter(ReturnsMeanError):
    """The loss of the same batch after the step."""

    def update(self, batch: Batch, other: Batch | None = None) -> Outcome:
        outcome = super().update(batch, other)
        after = self.gradients(batch, batch if other is None else other)[0]
        return replace(outcome, returned=after)


class SyncsTarget(Variation):
    """θ⁻ ← θ after the step."""

    code = "UPDATE_SYNCS_TARGET"
    checks = ("update.target_untouched",)

    def after(self) -> None:
        self.sync()


class SyncsTargetFirst(SyncsTarget):
    """θ⁻ ← θ before anything else."""

    def after(self) -> None:
        pass

    def update(self, batch: Batch, other: Batch | None = None) -> Outcome:
        self.sync()
        return super().update(batch, other)


class SoftSync(SyncsTarget):
    """θ⁻ ← τ θ + (1 − τ) θ⁻ after the step."""

    code = "UPDATE_SOFT_SYNC"
    tau: ClassVar[float] = 0.005

    def after(self) -> None:
        self.target = [
            self.tau * q + (1 - self.tau) * t for q, t in zip(self.q, self.target, strict=True)
        ]


class SamplesTwice(Variation):
    """The target from a second draw."""

    code = "UPDATE_SAMPLES_TWICE"
    pairs_rows = False
    checks = ("update.one_batch",)

    def target_batch(self, batch: Batch, other: Batch) -> Batch:
        return other


class SamplesTwiceUsesSecond(SamplesTwice):
    """Prediction from the second draw, target from the first."""

    def gradients(self, batch: Batch, other: Batch) -> tuple[float, Weights, Floats, Floats]:
        return super().gradients(other, batch)


class SamplesTwiceWholly(SamplesTwice):
    """Everything from the second draw."""

    pairs_rows = True

    def gradients(self, batch: Batch, other: Batch) -> tuple[float, Weights, Floats, Floats]:
        return super().gradients(other, other)

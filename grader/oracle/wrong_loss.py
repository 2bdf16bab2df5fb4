"""Misconceptions about the loss. δ = q − y."""

from __future__ import annotations

import numpy as np

from grader.oracle.models import Floats
from grader.oracle.variation import Variation


class _Loss(Variation):
    checks = ("update.loss",)


class Huber(_Loss):
    """0.5 δ² below |δ| = 1, |δ| − 0.5 above."""

    code = "UPDATE_HUBER"

    def loss(self, prediction: Floats, targets: Floats) -> tuple[float, Floats]:
        error = prediction - targets
        size = np.abs(error)
        value = np.where(size < 1, 0.5 * error**2, size - 0.5)
        return float(value.mean()), np.clip(error, -1, 1) / len(error)


class HuberDoubled(Huber):
    """δ² below |δ| = 1, 2 |δ| − 1 above: the mean squared error for small errors."""

    def loss(self, prediction: Floats, targets: Floats) -> tuple[float, Floats]:
        value, slope = super().loss(prediction, targets)
        return 2 * value, 2 * slope


class LossSum(_Loss):
    """Σ δ²"""

    code = "UPDATE_LOSS_SUM"

    def loss(self, prediction: Floats, targets: Floats) -> tuple[float, Floats]:
        error = prediction - targets
        return float(np.sum(error**2)), 2 * error


class LossHalved(_Loss):
    """½ mean δ²"""

    code = "UPDATE_LOSS_HALVED"

    def loss(self, prediction: Floats, targets: Floats) -> tuple[float, Floats]:
        error = prediction - targets
        return 0.5 * float(np.mean(error**2)), error / len(error)


class LossSumQuietly(LossSum):
    """Σ δ² differentiated, mean δ² returned."""

    def returned(self, loss: float, prediction: Floats, targets: Floats) -> float | None:
        return loss / len(prediction)


class LossHalvedQuietly(LossHalved):
    """½ mean δ² differentiated, mean δ² returned."""

    def returned(self, loss: float, prediction: Floats, targets: Floats) -> float | None:
        return 2 * loss


class LossL1(_Loss):
    """mean |δ|"""

    code = "UPDATE_LOSS_L1"

    def loss(self, prediction: Floats, targets: Floats) -> tuple[float, Floats]:
        error = prediction - targets
        return float(np.mean(np.abs(error))), np.sign(error) / len(error)


class LossUnsquared(_Loss):
    """mean (y − q)"""

    code = "UPDATE_LOSS_UNSQUARED"

    def loss(self, prediction: Floats, targets: Floats) -> tuple[float, Floats]:
        n = len(prediction)
        return float(np.mean(targets - prediction)), np.full(n, -1 / n, prediction.dtype)


class LossUnsquaredReversed(LossUnsquared):
    """mean (q − y)"""

    def loss(self, prediction: Floats, targets: Floats) -> tuple[float, Floats]:
        n = len(prediction)
        return float(np.mean(prediction - targets)), np.full(n, 1 / n, prediction.dtype)


class LossSquaredMean(LossUnsquared):
    """(mean (q − y))²: signed errors cancel before they are squared."""

    def loss(self, prediction: Floats, targets: Floats) -> tuple[float, Floats]:
        mean = float(np.mean(prediction - targets))
        n = len(prediction)
        return mean**2, np.full(n, 2 * mean / n, prediction.dtype)


class Maximises(_Loss):
    """−mean δ², returned with its sign."""

    code = "UPDATE_MAXIMISES"

    def loss(self, prediction: Floats, targets: Floats) -> tuple[float, Floats]:
        error = prediction - targets
        return -float(np.mean(error**2)), -2 * error / len(error)


class MaximisesQuietly(Maximises):
    """−mean δ² differentiated, mean δ² returned."""

    def returned(self, loss: float, prediction: Floats, targets: Floats) -> float | None:
        return -loss

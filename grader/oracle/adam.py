"""Adam, as in Kingma & Ba (2015), algorithm 1, with PyTorch's placement of ε."""

from __future__ import annotations

import numpy as np

from grader.oracle.models import Weights

BETA1 = 0.9
BETA2 = 0.999
EPSILON = 1e-8


class Adam:
    """Moments and step count of one optimizer; `lr` is the step size α."""

    def __init__(self, lr: float) -> None:
        self.lr = lr
        self.t = 0
        self._m: Weights = []
        self._v: Weights = []

    def step(self, weights: Weights, gradients: Weights) -> None:
        """One step, in place: θ ← θ − α · m̂ / (√v̂ + ε)."""
        if not self._m:
            self._m = [np.zeros_like(w) for w in weights]
            self._v = [np.zeros_like(w) for w in weights]
        self.t += 1
        correction1 = 1 - BETA1**self.t
        correction2 = float(np.sqrt(1 - BETA2**self.t))
        for w, g, m, v in zip(weights, gradients, self._m, self._v, strict=True):
            m += (1 - BETA1) * (g - m)
            v *= BETA2
            v += (1 - BETA2) * g * g
            w -= (self.lr / correction1) * m / (np.sqrt(v) / correction2 + EPSILON)

    def revise(self, age: int, was: Weights, now: Weights) -> None:
        """The moments as if the gradients of `age` steps ago (1: the last one) had been others."""
        share1, share2 = (1 - BETA1) * BETA1 ** (age - 1), (1 - BETA2) * BETA2 ** (age - 1)
        for m, v, old, new in zip(self._m, self._v, was, now, strict=True):
            m += share1 * (new - old)
            v += share2 * (new * new - old * old)
            np.maximum(v, 0, out=v)

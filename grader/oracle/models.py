"""Q-functions with known arithmetic: values and the gradient of a loss, given dL/dQ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Weights = list[Floats]
Gates = npt.NDArray[np.bool_]


class Model(Protocol):
    """A family of Q-functions over a list of parameter arrays."""

    def forward(self, weights: Weights, states: Floats) -> Floats:
        """Q(s, ·): states (N, S) to values (N, A)."""

    def backward(self, weights: Weights, states: Floats, dq: Floats) -> Weights:
        """Gradients of a loss with dL/dQ = dq (N, A), in the order of `weights`."""


class LinearSquares:
    """Q(s) = A s + a + B (s ∘ s) + b, the stand-in's arithmetic.

    Weights: A (A, S), a (A,), B (A, S), b (A,).
    """

    def forward(self, weights: Weights, states: Floats) -> Floats:
        """Q(s, ·): states (N, S) to values (N, A)."""
        direct, direct_bias, squares, squares_bias = weights
        out: Floats = states @ direct.T + direct_bias + (states**2) @ squares.T + squares_bias
        return out

    def backward(self, weights: Weights, states: Floats, dq: Floats) -> Weights:
        """Gradients of a loss with dL/dQ = dq (N, A)."""
        column = dq.sum(axis=0)
        return [dq.T @ states, column, dq.T @ states**2, column.copy()]


class Table:
    """Q(s) = W s: for one-hot states, a column of W for each state. Weights: W (A, S)."""

    def forward(self, weights: Weights, states: Floats) -> Floats:
        """Q(s, ·): states (N, S) to values (N, A)."""
        out: Floats = states @ weights[0].T
        return out

    def backward(self, weights: Weights, states: Floats, dq: Floats) -> Weights:
        """Gradients of a loss with dL/dQ = dq (N, A)."""
        return [dq.T @ states]


class TwoHiddenLayers:
    """Q(s) = W3 relu(W2 relu(W1 s + b1) + b2) + b3, the assignment's network.

    Weights: W1 (H, S), b1 (H,), W2 (H, H), b2 (H,), W3 (A, H), b3 (A,).
    """

    def forward(self, weights: Weights, states: Floats) -> Floats:
        """Q(s, ·): states (N, S) to values (N, A)."""
        return self._layers(weights, states)[-1]

    def backward(self, weights: Weights, states: Floats, dq: Floats) -> Weights:
        """Gradients of a loss with dL/dQ = dq (N, A), by backpropagation."""
        _w1, _b1, w2, _b2, w3, _b3 = weights
        first, second, _out = self._layers(weights, states)
        first_open, second_open = self._gates(weights, states, first, second)
        d_second = (dq @ w3) * second_open
        d_first = (d_second @ w2) * first_open
        return [
            d_first.T @ states,
            d_first.sum(axis=0),
            d_second.T @ first,
            d_second.sum(axis=0),
            dq.T @ second,
            dq.sum(axis=0),
        ]

    def _gates(
        self, weights: Weights, states: Floats, first: Floats, second: Floats
    ) -> tuple[Gates, Gates]:
        """Where a gradient passes the ReLUs of each hidden layer, (N, H)."""
        return first > 0, second > 0

    def _layers(self, weights: Weights, states: Floats) -> tuple[Floats, Floats, Floats]:
        w1, b1, w2, b2, w3, b3 = weights
        first = np.maximum(states @ w1.T + b1, 0)
        second = np.maximum(first @ w2.T + b2, 0)
        return first, second, second @ w3.T + b3


def global_norm(gradients: Sequence[Floats]) -> float:
    """Euclidean norm over all entries of all arrays."""
    return float(np.sqrt(sum(float(np.vdot(g, g)) for g in gradients)))

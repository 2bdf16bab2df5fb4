"""What rounding makes of single gradients, and the update that follows where it decides.

Where the terms of a gradient cancel, what is left of it is rounding; and Adam makes a whole step of
it in a parameter whose earlier gradients were as small, as in the first updates of all and in those
of a unit that has seldom been active. How far rounding may carry each gradient is worked out here,
to first order, from the sizes of all terms; within these bounds, the gradients are looked for that
lead to the weights seen.

Errors of different sums are taken to be independent, so that their squares add up (Higham, Accuracy
and Stability of Numerical Algorithms, 2nd ed., section 2.8).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grader.cartpole.gates import Followed, Gate, Gated, play
from grader.oracle.dqn import Batch, Learner, Outcome
from grader.oracle.models import Floats, Gates, Weights

#: How far off a float32 sum is taken to be, relative to the sum of its terms' sizes. Of a thousand
#: honest runs, the updates that were furthest off needed a tenth of the noise that follows from it.
ROUNDING = 16 * 2.0**-24
#: A weight that is off by less than this share of the learning rate is as it should be.
NOTICED = 3e-4
#: Halvings of the interval in which the share of a gradient's noise is looked for.
HALVINGS = 20


@dataclass(frozen=True)
class Pass:
    """A backward pass: what it was given, and how far dL/dQ (N, A) may be off."""

    weights: Weights
    states: Floats
    dq: Floats
    dq_noise: Floats

    @property
    def noise(self) -> Weights:
        """How far rounding may carry each gradient, in the order of the weights."""
        return noise_of_gradients(self.weights, self.states, self.dq, self.dq_noise)


class _Shaken(Gated):
    """The network with its values off by as much as rounding may make them: by +1, −1 or 0 times
    that in the first forward pass, in the second, and so on in turn."""

    def __init__(self, other_way: tuple[Gate, ...], signs: tuple[int, ...]) -> None:
        super().__init__(other_way)
        self.passes: list[tuple[Weights, Floats, Floats]] = []
        self._signs = signs
        self._forwards = 0

    def forward(self, weights: Weights, states: Floats) -> Floats:
        sign = self._signs[self._forwards % len(self._signs)]
        self._forwards += 1
        values = super().forward(weights, states)
        return values + sign * noise_of_values(weights, states) if sign else values

    def backward(self, weights: Weights, states: Floats, dq: Floats) -> Weights:
        self.passes.append(([w.copy() for w in weights], states, dq))  # they are about to move
        return super().backward(weights, states, dq)


class _Shifted(Gated):
    """The network with each gradient off by a share of `noise`, which has an entry per pass."""

    def __init__(
        self, other_way: tuple[Gate, ...], noise: Sequence[Weights], shares: Weights
    ) -> None:
        super().__init__(other_way)
        self._noise = iter(noise)
        self._shares = shares

    def backward(self, weights: Weights, states: Floats, dq: Floats) -> Weights:
        gradients = super().backward(weights, states, dq)
        noise = next(self._noise)
        return [g + s * n for g, s, n in zip(gradients, self._shares, noise, strict=True)]


def follow_rounded(
    start: Learner,
    batches: tuple[Batch, Batch],
    after: Weights,
    own: Followed,
    error_of: Callable[[Outcome], float],
) -> Followed:
    """The update whose gradients, within what rounding leaves open, lead closest to `after`.

    Parameters
    ----------
    start : the learner before the update; stays as it is
    batches : what the update drew
    after : the weights seen
    own : the update as it is known so far; returned when no other is closer
    """
    noise = [each.noise for each in backward_passes(start, batches, own.other_way)]

    def at(shares: Weights) -> tuple[Learner, Outcome]:
        return play(start, batches, _Shifted(own.other_way, noise, shares))

    learner, outcome = at(_shares(lambda shares: at(shares)[1].q, own.outcome.q, after, start.lr))
    error = error_of(outcome)
    return Followed(learner, outcome, error, own.other_way) if error < own.error else own


def backward_passes(
    start: Learner, batches: tuple[Batch, Batch], other_way: tuple[Gate, ...]
) -> list[Pass]:
    """The backward passes of an update, with what rounding of predictions and targets does to
    dL/dQ: they may be off alike or against each other."""
    own, *shaken = (_Shaken(other_way, signs) for signs in ((0,), (1,), (1, -1)))
    for model in (own, *shaken):
        play(start, batches, model)
    return [
        Pass(weights, states, dq, np.maximum(*(np.abs(m.passes[i][2] - dq) for m in shaken)))
        for i, (weights, states, dq) in enumerate(own.passes)
    ]


def _shares(q_at: Callable[[Weights], Weights], own: Weights, after: Weights, lr: float) -> Weights:
    """Shares in [−1, 1] of every gradient's noise that lead closer to `after`, found by halving; 0
    where the weight is as it should be, or none does."""
    low, high = [-np.ones_like(w) for w in own], [np.ones_like(w) for w in own]
    above = [q > a for q, a in zip(q_at(low), after, strict=True)]
    for _ in range(HALVINGS):
        middle = _middle(low, high)
        for lo, hi, mid, q, a, up in zip(
            low, high, middle, q_at(middle), after, above, strict=True
        ):
            as_low = (q > a) == up
            lo[as_low] = mid[as_low]
            hi[~as_low] = mid[~as_low]
    middle = _middle(low, high)
    return [
        np.where(_off(w, a, lr) & (np.abs(q - a) < np.abs(w - a)), share, 0).astype(w.dtype)
        for share, w, a, q in zip(middle, own, after, q_at(middle), strict=True)
    ]


def _middle(low: Weights, high: Weights) -> Weights:
    return [(lo + hi) / 2 for lo, hi in zip(low, high, strict=True)]


def stands_out(after: Weights, expected: Weights, lr: float) -> bool:
    """Whether single weights are off, rather than all of them by their last digits."""
    return any(_off(w, a, lr).any() for w, a in zip(expected, after, strict=True))


def _off(expected: Floats, after: Floats, lr: float) -> npt.NDArray[np.bool_]:
    return np.abs(expected - after) > NOTICED * lr


def noise_of_values(weights: Weights, states: Floats) -> Floats:
    """How far rounding may carry Q(s, ·): (N, A), for states (N, S)."""
    _first, second, noise = _hidden(weights, states)
    w3, b3 = weights[4:]
    return np.sqrt(noise[1] ** 2 @ w3.T**2 + _terms(second, w3, b3) ** 2)


def noise_of_gradients(weights: Weights, states: Floats, dq: Floats, dq_noise: Floats) -> Weights:
    """How far rounding may carry the gradients of a loss with dL/dQ = dq (N, A), itself off by
    `dq_noise`, in the order of the weights."""
    first, second, (first_noise, second_noise) = _hidden(weights, states)
    _w1, _b1, w2, _b2, w3, _b3 = weights
    d_second, d_second_noise = _back(dq, dq_noise, w3, second > 0)
    d_first, d_first_noise = _back(d_second, d_second_noise, w2, first > 0)
    return [
        *_sums(d_first, d_first_noise, states, np.zeros_like(states)),
        *_sums(d_second, d_second_noise, first, first_noise),
        *_sums(dq, dq_noise, second, second_noise),
    ]


def _hidden(weights: Weights, states: Floats) -> tuple[Floats, Floats, tuple[Floats, Floats]]:
    """What leaves the hidden layers, (N, H) each, and how far it may be off."""
    w1, b1, w2, b2, _w3, _b3 = weights
    first, first_noise = _relu(states @ w1.T + b1, _terms(states, w1, b1))
    carried = first_noise**2 @ w2.T**2
    second, second_noise = _relu(first @ w2.T + b2, np.sqrt(carried + _terms(first, w2, b2) ** 2))
    return first, second, (first_noise, second_noise)


def _relu(sums: Floats, noise: Floats) -> tuple[Floats, Floats]:
    """What leaves a layer, and how far it may be off: not at all where it is surely 0."""
    return np.maximum(sums, 0), noise * (sums > -noise)


def _terms(entering: Floats, matrix: Floats, bias: Floats) -> Floats:
    """How far adding up a layer's terms may be off, (N, H)."""
    out: Floats = ROUNDING * (np.abs(entering) @ np.abs(matrix).T + np.abs(bias))
    return out


def _back(d: Floats, noise: Floats, matrix: Floats, gates: Gates) -> tuple[Floats, Floats]:
    """dL/d of a hidden layer's sums and how far it may be off, from those of the layer above."""
    below = (d @ matrix) * gates
    added = ROUNDING * (np.abs(d) @ np.abs(matrix))
    return below, np.sqrt(noise**2 @ matrix**2 + added**2) * gates


def _sums(d: Floats, d_noise: Floats, entering: Floats, noise: Floats) -> list[Floats]:
    """How far the gradients of a layer's matrix and bias may be off."""
    added = ROUNDING * (np.abs(d).T @ np.abs(entering))
    matrix = np.sqrt(d_noise.T**2 @ entering**2 + d.T**2 @ noise**2 + added**2)
    bias = np.sqrt((d_noise**2).sum(axis=0) + (ROUNDING * np.abs(d).sum(axis=0)) ** 2)
    return [matrix, bias]

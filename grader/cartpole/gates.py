"""ReLUs on which rounding decides, and what an update comes to when it decides otherwise.

Of an honest update, everything but this depends on rounding by about one part in a million: the sum
that enters a ReLU may come out a little above 0 in one arithmetic and a little below in another,
and then a whole term of the gradient is there or not. Adam turns it into a step of any size where
the unit has seldom been active. Such a sum is known by its size beside the terms it is made of.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from grader.oracle.dqn import Batch, Learner, Outcome
from grader.oracle.models import Floats, Gates, TwoHiddenLayers, Weights

#: |sum| / Σ|terms| up to which the sign of a sum is in doubt. Adding 128 float32 numbers is off by
#: 128 · 2⁻²⁴ = 7.6e-6 of that at most; as a rule, two orders of adding them differ by below 1e-6.
DOUBT = 1e-5
#: So many gates are tried at most, the most doubtful ones, and so many times one is set otherwise.
TRIED, SET = 24, 4
#: Setting one more gate otherwise must leave less than this share of the error.
BETTER = 0.9


@dataclass(frozen=True)
class Gate:
    """A ReLU of an update: of which backward pass, hidden layer (0, 1), row and unit."""

    call: int
    layer: int
    row: int
    unit: int


class Gated(TwoHiddenLayers):
    """The assignment's network, with some gates of its backward passes set the other way.

    `doubtful` collects the gates in doubt with their |sum| / Σ|terms|, as the passes go by.
    """

    def __init__(self, other_way: tuple[Gate, ...] = ()) -> None:
        self.doubtful: list[tuple[float, Gate]] = []
        self._other_way = other_way
        self._calls = 0

    def _gates(
        self, weights: Weights, states: Floats, first: Floats, second: Floats
    ) -> tuple[Gates, Gates]:
        gates = super()._gates(weights, states, first, second)
        inputs = ((states, *weights[:2]), (first, *weights[2:4]))
        for layer, (entering, matrix, bias) in enumerate(inputs):
            doubt = _doubt(entering, matrix, bias)
            self.doubtful += [
                (float(doubt[row, unit]), Gate(self._calls, layer, int(row), int(unit)))
                for row, unit in np.argwhere(doubt <= DOUBT)
            ]
        for gate in self._other_way:
            if gate.call == self._calls:
                gates[gate.layer][gate.row, gate.unit] ^= True
        self._calls += 1
        return gates


def _doubt(entering: Floats, matrix: Floats, bias: Floats) -> Floats:
    """|sum| / Σ|terms| of every sum of a layer, (N, H); 1 where all terms are 0."""
    total = np.abs(entering @ matrix.T + bias)
    terms = np.abs(entering) @ np.abs(matrix).T + np.abs(bias)
    out: Floats = np.divide(total, terms, out=np.ones_like(total), where=terms > 0)
    return out


@dataclass(frozen=True)
class Followed:
    """One update of a learner: what follows it, how far it is from what was seen, and the gates
    that it has set the other way."""

    learner: Learner
    outcome: Outcome
    error: float
    other_way: tuple[Gate, ...] = ()


def follow_otherwise(
    start: Learner,
    batches: tuple[Batch, Batch],
    error: float,
    error_of: Callable[[Outcome], float],
) -> Followed | None:
    """The update with those gates set the other way that bring it closest to what was seen.

    Parameters
    ----------
    start : the learner before the update; stays as it is
    batches : what the update drew
    error : of the update as the judge's own rounding has it

    Returns None when no gate in doubt brings it any closer.
    """
    own = Gated()
    play(start, batches, own)
    tried = candidates(own.doubtful)
    best: Followed | None = None
    other_way: tuple[Gate, ...] = ()
    for _ in range(SET):
        found = [
            (_followed(start, batches, (*other_way, *gates), error_of), gates)
            for gates in tried
            if not set(gates) & set(other_way)
        ]
        if not found:
            break
        closest, gates = min(found, key=lambda pair: pair[0].error)
        if not closest.error < BETTER * error:
            break
        best, error, other_way = closest, closest.error, (*other_way, *gates)
    return best


def candidates(doubtful: Sequence[tuple[float, Gate]]) -> list[tuple[Gate, ...]]:
    """The gates to try, of all in doubt: the nearest to 0 by themselves, and those of one unit
    together, since a transition that was drawn twice has the same sum in both rows."""
    nearest = [gate for _doubt, gate in sorted(doubtful, key=lambda pair: pair[0])[:TRIED]]
    units: dict[tuple[int, int, int], list[Gate]] = {}
    for gate in nearest:
        units.setdefault((gate.call, gate.layer, gate.unit), []).append(gate)
    together = [tuple(gates) for gates in units.values() if len(gates) > 1]
    return [*((gate,) for gate in nearest), *together]


def _followed(
    start: Learner,
    batches: tuple[Batch, Batch],
    other_way: tuple[Gate, ...],
    error_of: Callable[[Outcome], float],
) -> Followed:
    learner, outcome = play(start, batches, Gated(other_way))
    return Followed(learner, outcome, error_of(outcome), other_way)


def play(start: Learner, batches: tuple[Batch, Batch], model: Gated) -> tuple[Learner, Outcome]:
    """One update with the gradients that `model` gives; `start` stays as it is."""
    learner = copy.deepcopy(start)
    learner.model = model
    outcome = learner.update(*batches)
    learner.model = start.model
    return learner, outcome

"""Recompute every update of the run: was it learned by the course's algorithm?"""

from __future__ import annotations

import copy
import math

import numpy as np
import numpy.typing as npt

from grader.cartpole.drawing import Drawing
from grader.cartpole.environment import Served
from grader.cartpole.gates import Followed, follow_otherwise
from grader.cartpole.hindsight import History, follow_in_hindsight
from grader.cartpole.rounding import follow_rounded, stands_out
from grader.cartpole.schedule import BUFFER_CAPACITY, STATE_DIM, Schedule
from grader.oracle.dqn import Batch, Learner, Outcome
from grader.oracle.models import TwoHiddenLayers, Weights
from grader.oracle.network import Layout
from grader.protocol.arrays import Array, to_numpy
from grader.protocol.errors import ProtocolError
from grader.protocol.messages import RunUpdate

#: L2 error of one update's change of the weights, relative to that change. Honest float32 code has
#: a median near 5e-6 and stays below 2e-4; another algorithm starts near 4e-3 in all.
TOLERANCE = 1e-3
#: An update that moves the weights by less than this share of what lr would move each by has
#: gradients that are small beside earlier ones, and their rounding is not: errors are relative to
#: this much at least.
LEAST_STEP = 0.05
#: Errors from which on it is looked into whether rounding decided: over a ReLU (`gates`), or over
#: gradients near 0 (`rounding`). Left alone, it would stay in the moments, and in the errors of
#: some ten updates that follow.
SUSPICIOUS = 1e-4
#: So many updates are looked into: these, and a share of those audited so far. One run in some
#: twenty has one or two.
LOOKED_INTO = 20
LOOKED_INTO_SHARE = 0.005
#: The judge goes on from the student's weights, so what every update is off by adds up. The sum of
#: these L2 distances over the run may be this much, and this much for each update. Honest code came
#: to 0.004; one update is some 0.3 long. Weights moved by 0.1 in the direction that serves a
#: balancing policy best gained nothing: no policy can be planted by errors that pass.
DRIFT = 0.1
DRIFT_PER_UPDATE = 1e-5
#: Relative difference of the loss returned; float32 code had 3e-6.
LOSS_TOLERANCE = 1e-3
_OTHER_PARAMETERS = "q_net no longer has the parameters that it had"


class AuditFailed(Exception):
    """An update that is not the one that the algorithm makes: says what differs."""


class Packing:
    """Turns the student's flat vector of parameters into the oracle's six arrays, and back."""

    def __init__(self, layout: Layout, shapes: list[tuple[int, ...]]) -> None:
        self._layout = layout
        self._shapes = shapes
        self.size = sum(int(np.prod(shape)) for shape in shapes)

    def unpack(self, array: Array | None) -> Weights:
        """The six arrays; `AuditFailed` when the vector is not one of finite float32 numbers."""
        if array is None or array.dtype != "float32" or array.shape != (self.size,):
            raise AuditFailed(_OTHER_PARAMETERS)
        try:
            vector = to_numpy(array)
        except ProtocolError:
            raise AuditFailed(_OTHER_PARAMETERS) from None
        if not np.isfinite(vector).all():
            raise AuditFailed("the weights of q_net are no longer finite numbers")
        parts: Weights = []
        start = 0
        for shape in self._shapes:
            size = int(np.prod(shape))
            parts.append(vector[start : start + size].reshape(shape).astype(np.float32))
            start += size
        return self._layout.arrange(parts)

    def pack(self, weights: Weights) -> npt.NDArray[np.float32]:
        """The flat vector in the student's order."""
        parts = self._layout.restore(weights, self._shapes)
        return np.concatenate([part.ravel() for part in parts]).astype(np.float32)


class Audit:
    """Follows one attempt with the judge's own arithmetic and its own moments.

    kind : the contract's learner, or the variation that the update checks identified
    losses : whether the losses returned are the learner's too; the checks may have found otherwise
    """

    def __init__(
        self,
        kind: type[Learner],
        packing: Packing,
        initial: Weights,
        schedule: Schedule,
        losses: bool = True,
    ) -> None:
        self._learner = kind(
            TwoHiddenLayers(), initial, initial, lr=schedule.lr, gamma=schedule.gamma
        )
        self._packing = packing
        self._schedule = schedule
        self._least_step = LEAST_STEP * schedule.lr * math.sqrt(packing.size)
        self._losses = losses
        self._history = History()
        self._drawing = Drawing(BUFFER_CAPACITY, schedule.gamma)
        self._served: dict[bytes, int] = {}
        self._count = 0
        self.updates = 0
        self.looked_into = 0
        self.drift = 0.0
        self.largest_error = 0.0

    @property
    def weights(self) -> Weights:
        """The student's weights after the update audited last."""
        return self._learner.q

    def serve(self, served: Served) -> None:
        """Remember transitions that were handed to the agent to store."""
        for key in _keys(
            served.states, served.actions, served.rewards, served.next_states, served.dones
        ):
            self._served[key] = self._count
            self._count += 1
        self._drawing.serve(served)

    def check(self, update: RunUpdate) -> None:
        """Recompute one update; `AuditFailed` when it is another one."""
        batches = [self._batch(fields) for fields in update.batches[:2]]
        if not batches:
            raise AuditFailed("the update drew no batch from the buffer")
        after = self._packing.unpack(update.weights)
        with np.errstate(all="ignore"):
            try:
                outcome = self._follow((batches[0], batches[-1]), after)
            except (ValueError, IndexError) as mismatch:
                raise AuditFailed(f"the update cannot be followed: {mismatch}") from None
        self._require_loss(update.loss, outcome.returned)
        self._learner.q = after
        if self.updates % self._schedule.sync_every == 0:
            self._learner.sync()

    def _follow(self, batches: tuple[Batch, Batch], after: Weights) -> Outcome:
        """The learner's own update; `AuditFailed` unless it leads to `after`."""
        start = copy.deepcopy(self._learner)

        def error_of(outcome: Outcome) -> float:
            return _relative_error(start.q, after, outcome.q, self._least_step)

        outcome = self._learner.update(*batches)
        found = Followed(self._learner, outcome, error_of(outcome))
        self.updates += 1
        drift = _distance(after, outcome.q)
        if found.error > SUSPICIOUS and self._may_be_rounding(after, outcome.q):
            self.looked_into += 1
            found = follow_otherwise(start, batches, found.error, error_of) or found
            drift = _distance(after, found.outcome.q)
            if found.error > SUSPICIOUS:
                found = follow_rounded(start, batches, after, found, error_of)
            if found.error > SUSPICIOUS:
                found = follow_in_hindsight(start, batches, self._history, found, error_of)
        self._learner = found.learner
        self._history.remember(start, batches)
        self.largest_error = max(self.largest_error, found.error)
        if not found.error <= TOLERANCE:
            raise AuditFailed(
                f"update {self.updates} changed the weights by something else than one update of "
                f"the algorithm on the batch drawn (relative difference {found.error:.2g})"
            )
        self._require_little_drift(drift)
        return found.outcome

    def _may_be_rounding(self, after: Weights, expected: Weights) -> bool:
        allowed = LOOKED_INTO + LOOKED_INTO_SHARE * self.updates
        return self.looked_into < allowed and stands_out(after, expected, self._schedule.lr)

    def _require_little_drift(self, distance: float) -> None:
        self.drift += distance
        if self.drift > DRIFT + DRIFT_PER_UPDATE * self.updates:
            raise AuditFailed(
                f"many updates changed the weights by something else than one update of the "
                f"algorithm, by {self.drift:.2g} up to update {self.updates}"
            )

    def _require_loss(self, loss: float | None, due: float | None) -> None:
        if not self._losses or due is None:
            return
        if loss is None or not abs(loss - due) <= LOSS_TOLERANCE * abs(due) + 1e-6:
            raise AuditFailed(
                f"update {self.updates} returned {loss if loss is None else f'{loss:.4g}'}, and "
                f"the loss of its batch was {due:.4g}"
            )

    def _batch(self, fields: list[Array] | None) -> Batch:
        rows = self._schedule.batch_size
        if fields is None or len(fields) != 5:
            raise AuditFailed("`sample` did not return five tensors")
        shapes = ((rows, STATE_DIM), (rows,), (rows,), (rows, STATE_DIM), (rows,))
        try:
            arrays = [
                to_numpy(field).astype(np.float32).reshape(shape)
                for field, shape in zip(fields, shapes, strict=True)
            ]
        except (ValueError, ProtocolError):
            raise AuditFailed("`sample` returned fields of another size than asked for") from None
        states, actions, rewards, next_states, dones = arrays
        keys = _keys(states, actions, rewards, next_states, dones)
        numbers = np.array([self._served.get(key, -1) for key in keys])
        if (numbers < max(0, self._count - BUFFER_CAPACITY)).any():
            raise AuditFailed("a batch held a transition that was not served or not stored")
        against = self._drawing.check(numbers, self._learner.q, self._learner.target)
        if against is not None:
            raise AuditFailed(f"`sample` does not draw uniformly: {against}")
        return Batch(states, actions.astype(np.int64), rewards, next_states, dones)


def _keys(*fields: npt.NDArray[np.generic]) -> list[bytes]:
    """One string of bytes per row; −0 counts as 0."""
    if not len(fields[0]):  # every environment was reset in this lockstep
        return []
    columns = [np.asarray(f, np.float32).reshape(len(f), -1) + np.float32(0) for f in fields]
    table = np.ascontiguousarray(np.concatenate(columns, axis=1))
    width = table.shape[1] * 4
    data = table.tobytes()
    return [data[i : i + width] for i in range(0, len(data), width)]


def _relative_error(before: Weights, after: Weights, expected: Weights, least: float) -> float:
    """‖after − expected‖ / ‖expected − before‖ over all parameters; the divisor is `least` at
    least."""
    return _distance(after, expected) / max(_distance(expected, before), least)


def _distance(one: Weights, other: Weights) -> float:
    """The L2 distance over all parameters."""
    return float(np.sqrt(sum(float(np.sum((a - b) ** 2)) for a, b in zip(one, other, strict=True))))

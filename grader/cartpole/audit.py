"""Recompute every update of the run: was it learned by the course's algorithm?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from grader.cartpole.drawing import Drawing
from grader.cartpole.environment import Served
from grader.cartpole.schedule import BUFFER_CAPACITY, STATE_DIM, Schedule
from grader.oracle.dqn import Batch, Learner
from grader.oracle.models import TwoHiddenLayers, Weights
from grader.oracle.network import Layout
from grader.protocol.arrays import Array, to_numpy
from grader.protocol.errors import ProtocolError
from grader.protocol.messages import RunUpdate

#: Relative L2 error of one update's change of the weights. Honest float32 code has a median near
#: 5e-6 and stays below this but for single updates; another algorithm starts near 4e-3 in all.
TOLERANCE = 2e-3
#: A hidden unit that is hardly ever active has a second moment near 0, so that rounding at its ReLU
#: decides over a whole Adam step of a few weights. Such an update is off by up to this much.
STRAINED_TOLERANCE = 5e-2
#: So many updates may be: these, and a share of those audited so far.
STRAINED_UPDATES = 4
STRAINED_SHARE = 0.02


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
            raise AuditFailed("q_net no longer has the parameters that it had")
        vector = to_numpy(array)
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
    """

    def __init__(
        self, kind: type[Learner], packing: Packing, initial: Weights, schedule: Schedule
    ) -> None:
        self._learner = kind(
            TwoHiddenLayers(), initial, initial, lr=schedule.lr, gamma=schedule.gamma
        )
        self._packing = packing
        self._schedule = schedule
        self._drawing = Drawing(BUFFER_CAPACITY, schedule.gamma)
        self._served: dict[bytes, int] = {}
        self._count = 0
        self.updates = 0
        self.strained = 0
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
        before = [w.copy() for w in self._learner.q]
        after = self._packing.unpack(update.weights)
        with np.errstate(all="ignore"):
            try:
                expected = self._learner.update(batches[0], batches[-1]).q
            except (ValueError, IndexError) as mismatch:
                raise AuditFailed(f"the update cannot be followed: {mismatch}") from None
        self.updates += 1
        error = _relative_error(before, after, expected)
        self.largest_error = max(self.largest_error, error)
        self.strained += error > TOLERANCE
        allowed = STRAINED_UPDATES + STRAINED_SHARE * self.updates
        if not error <= STRAINED_TOLERANCE or self.strained > allowed:
            raise AuditFailed(
                f"update {self.updates} changed the weights by something else than one update of "
                f"the algorithm on the batch drawn (relative difference {error:.2g})"
            )
        self._learner.q = after
        if self.updates % self._schedule.sync_every == 0:
            self._learner.sync()

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


def _relative_error(before: Weights, after: Weights, expected: Weights) -> float:
    """‖(after − before) − (expected − before)‖ / ‖expected − before‖ over all parameters."""
    wrong = sum(float(np.sum((a - e) ** 2)) for a, e in zip(after, expected, strict=True))
    due = sum(float(np.sum((e - b) ** 2)) for b, e in zip(before, expected, strict=True))
    if due == 0:
        return 0.0 if wrong == 0 else float("inf")
    return float(np.sqrt(wrong / due))

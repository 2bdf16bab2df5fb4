"""Questions about `ReplayBuffer`, and which stored transitions its draws consist of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.checks.compare import Doubles
from grader.checks.feedback import Failure, failure_of
from grader.checks.part import Part
from grader.oracle.dqn import Batch
from grader.protocol.arrays import Array, from_numpy, to_numpy
from grader.protocol.messages import (
    BufferTrace,
    Counted,
    Length,
    PlayBuffer,
    Push,
    Sample,
    Sampled,
    Transitions,
    Value,
)

FIELDS = ("states", "actions", "rewards", "next_states", "dones")
STATE_DIM = 3
Indices = npt.NDArray[np.int64]


def distinct_transitions(count: int, rng: np.random.Generator, state_dim: int = STATE_DIM) -> Batch:
    """Transitions that can be told apart by any field but done.

    Values that a cast to integers, a clip to [−1, 1] or a normalisation would change, exactly
    representable in float32; rewards of both signs, the outermost far out.
    """
    order = rng.permutation(count)
    offsets = 0.25 * np.arange(1, state_dim + 1)
    states = order[:, None] * 3.0 + offsets - count
    states[order == count - 1] *= 256
    ranks = rng.permutation(count)
    rewards = (ranks - count / 2) * 1.3125 + 0.0625
    rewards[(ranks == 0) | (ranks == count - 1)] *= 512
    return Batch(
        states=states,
        actions=rng.permutation(count).astype(np.int64),
        rewards=rewards,
        next_states=rng.permutation(count)[:, None] * 2.0 + offsets / 2 + 500,
        dones=(rng.permutation(count) % 3 == 0).astype(np.float64),
    )


def encode(batch: Batch) -> Transitions:
    """Transitions for the channel, in the dtypes in which they are pushed."""
    return Transitions(
        states=from_numpy(batch.states.astype(np.float32)),
        actions=from_numpy(batch.actions.astype(np.int64)),
        rewards=from_numpy(batch.rewards.astype(np.float32)),
        next_states=from_numpy(batch.next_states.astype(np.float32)),
        dones=from_numpy(batch.dones.astype(np.float32)),
    )


@dataclass(frozen=True)
class Identified:
    """Which stored transition each drawn row is, judged by each field for itself.

    `by_field` holds arrays (draws, B) for fields whose every value was found among the stored
    ones, and None for others; `rows` is the first of them that there is.
    """

    by_field: dict[str, Indices | None]

    @property
    def rows(self) -> Indices | None:
        """The rows as identified by the first field that allows it."""
        for name in ("states", "next_states", "rewards", "actions"):
            found = self.by_field[name]
            if found is not None:
                return found
        return None


class Draws:
    """Plays buffer scenarios of one part."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self._kept: list[bool] | None = None

    def blame(self, field: str, code: str | None) -> str | None:
        """The misconception behind a wrong field: `push` is to blame where the storage has it so
        already."""
        changed = self._kept is not None and not self._kept[FIELDS.index(field)]
        return "GIVEN_PUSH_CHANGED" if changed else code

    def play(
        self, capacity: int | None, operations: list[Push | Sample | Length]
    ) -> list[Sampled | Counted]:
        """One result per draw or count; `Failure` when student code raised."""
        trace = self.part.ask(PlayBuffer(capacity=capacity, operations=operations), BufferTrace)
        self._kept = trace.kept
        if trace.raised is not None:
            raise failure_of(trace.raised, code=self._why_raised(operations, trace))
        return trace.results

    def consumes(self) -> bool:
        """Whether one call of `sample` changes `len(buffer)`."""
        trace = self._small(Length(), Sample(batch_size=2), Length())
        counts = [r.length for r in trace.results if isinstance(r, Counted)]
        return trace.raised is None and counts[0] != counts[1]

    def refuses_whole(self) -> bool:
        """Whether all but one of the stored transitions can be drawn at once, and all cannot."""
        whole, less = self._small(Sample(batch_size=10)), self._small(Sample(batch_size=9))
        return whole.raised is not None and less.raised is None

    def _small(self, *operations: Push | Sample | Length) -> BufferTrace:
        stored = distinct_transitions(10, np.random.default_rng(0))
        pushed = [Push(transitions=encode(stored)), *operations]
        return self.part.ask(PlayBuffer(capacity=20, operations=pushed), BufferTrace)

    def _why_raised(
        self, operations: list[Push | Sample | Length], trace: BufferTrace
    ) -> str | None:
        drawn = any(isinstance(result, Sampled) for result in trace.results)
        again = any(isinstance(o, Sample) and o.times > 1 for o in operations)
        if (drawn or again) and self.consumes():
            return "SAMPLE_CONSUMES"
        return "SAMPLE_EXCLUDES_END" if self.refuses_whole() else None

    def draw(
        self, stored: Batch, batch_size: int, times: int = 1, capacity: int = 10_000
    ) -> Sampled:
        """Push `stored`, then sample so many times."""
        operations: list[Push | Sample | Length] = [
            Push(transitions=encode(stored)),
            Sample(batch_size=batch_size, times=times),
        ]
        result = self.play(capacity, operations)[0]
        assert isinstance(result, Sampled)
        return result

    def items(self, stored: Batch, batch_size: int) -> list[Value]:
        """The five fields of one draw; `Failure` when there are more or fewer."""
        first = self.draw(stored, batch_size).first
        if first.items is None or len(first.items) != len(FIELDS):
            raise Failure(
                f"`sample({batch_size})` returned {first.text or first.type}, "
                "expected five fields.",
                why="A batch is states, actions, rewards, next_states and dones, at every call.",
            )
        return first.items

    def counts(self, capacity: int, stored: Batch) -> list[int]:
        """`len` of an empty buffer, and with `stored` pushed."""
        results = self.play(capacity, [Length(), Push(transitions=encode(stored)), Length()])
        return [r.length for r in results if isinstance(r, Counted)]

    def identified(
        self, stored: Batch, batch_size: int, times: int, capacity: int = 10_000
    ) -> Identified:
        """Draw, and find every drawn row among the stored ones."""
        return identify(stored, self.fields(stored, batch_size, times, capacity))

    def fields(
        self, stored: Batch, batch_size: int, times: int, capacity: int = 10_000
    ) -> dict[str, Doubles | None]:
        """The drawn values field by field, (times, B, …), without dimensions of size 1 behind B.

        A field that cannot be read as numbers of that shape is None; all are when the draws are
        not alike.
        """
        sampled = self.draw(stored, batch_size, times, capacity)
        if sampled.stacked is None:
            raise Failure(
                f"`sample({batch_size})` does not give five fields of equal shape at every call, "
                f"but {sampled.first.text or sampled.first.type}.",
                why="A batch is states, actions, rewards, next_states and dones, at every call.",
            )
        return {
            name: read_field(array, getattr(stored, name), times, batch_size)
            for name, array in zip(FIELDS, sampled.stacked, strict=True)
        }


def identify(stored: Batch, fields: dict[str, Doubles | None]) -> Identified:
    """Find every drawn row among the stored ones, field by field."""
    found: dict[str, Indices | None] = {}
    for name in FIELDS:
        values = fields[name]
        found[name] = None if values is None else _lookup(values, getattr(stored, name))
    return Identified(found)


def read_field(array: Array, like: Any, times: int, batch_size: int) -> Doubles | None:
    """The values of one stacked field as (times, B, …); None when they do not fit that shape."""
    if array.data is None:
        return None
    values = to_numpy(array).astype(np.float64)
    wanted = (times, batch_size, *np.asarray(like).shape[1:])
    if values.size != int(np.prod(wanted)):
        return None
    return values.reshape(wanted)


def _lookup(values: Doubles, stored: Any) -> Indices | None:
    """Index of the stored entry for every drawn one, or None when one was never stored."""
    if not np.isfinite(values).all():
        return None
    flat = np.asarray(stored, np.float64).reshape(len(stored), -1)
    wanted = values.reshape(-1, flat.shape[1])
    distance = np.abs(wanted[:, None, :] - flat[None, :, :]).max(axis=2)
    nearest = distance.argmin(axis=1)
    if float(distance.min(axis=1).max(initial=0.0)) > 1e-4:
        return None
    found: Indices = nearest.reshape(values.shape[:2])
    return found

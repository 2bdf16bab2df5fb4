"""ReplayBuffer.sample: five aligned fields with exact shapes and dtypes, as they were pushed."""

from __future__ import annotations

import numpy as np

from grader.checks import wrong_draws
from grader.checks.compare import tensor_problem
from grader.checks.draws import (
    FIELDS,
    STATE_DIM,
    Draws,
    distinct_transitions,
    encode,
    identify,
)
from grader.checks.feedback import Failure
from grader.oracle.dqn import Batch
from grader.protocol.messages import Counted, Length, Push, Sample, Value

PART = "sample"

DTYPES = {"actions": "int64"}


def check_returns_batch(draws: Draws) -> None:
    """Returns five fields with as many rows as asked."""
    stored = distinct_transitions(200, draws.part.rng())
    for batch_size in (5, 1, 64, 150):
        sampled = draws.draw(stored, batch_size)
        first = sampled.first
        if any("list of numpy.ndarrays is extremely slow" in text for text in sampled.warnings):
            draws.part.advise("SAMPLE_SLOW_CONVERSION")
        if first.items is None or len(first.items) != 5:
            raise Failure(
                f"`sample({batch_size})` returned {first.text or first.type}, "
                "expected five fields.",
                why="A batch is states, actions, rewards, next_states and dones, in this order.",
                code="SAMPLE_NOT_TENSORS" if wrong_draws.is_list_of_rows(first) else None,
                reproduce=wrong_draws.snippet(batch_size),
            )
        for name, item in zip(FIELDS, first.items, strict=True):
            rows = _rows(item)
            due = batch_size * (STATE_DIM if name.endswith("states") else 1)
            if rows not in (None, batch_size) and _size(item) != due:
                raise Failure(
                    f"`sample({batch_size})` returned {name} with {rows} rows, "
                    f"expected {batch_size}.",
                    why="The caller says how many transitions a batch has.",
                    code="SAMPLE_BATCH_SIZE_IGNORED",
                    reproduce=wrong_draws.snippet(batch_size),
                )


def check_shapes(draws: Draws) -> None:
    """Shapes are exact: (B, state_dim) for states, (B,) for the rest."""
    for batch_size, state_dim in ((4, 3), (1, 3), (3, 3), (20, 4), (5, 1), (1, 1)):
        stored = distinct_transitions(20, draws.part.rng(str(state_dim)), state_dim)
        items = draws.items(stored, batch_size)
        for name, item in zip(FIELDS, items, strict=True):
            shape = (batch_size, state_dim) if name.endswith("states") else (batch_size,)
            dtype = item.array.dtype if item.array else DTYPES.get(name, "float32")
            problem = tensor_problem(item, name, shape, dtype)
            if problem is not None:
                swapped = _permuted(items, batch_size, state_dim)
                code = "SAMPLE_FIELDS_SWAPPED" if swapped else None
                if item.type != "Tensor":
                    code = "SAMPLE_NOT_TENSORS"
                elif item.array is not None and item.array.shape == (*shape, 1):
                    code = "SAMPLE_COLUMN_SHAPE"
                raise Failure(
                    f"`sample({batch_size})` of states with {state_dim} numbers: {problem}",
                    why="A (B, 1) beside a (B,) broadcasts to (B, B) later, without an error.",
                    code=code,
                    reproduce=wrong_draws.snippet(batch_size),
                )


def check_dtypes(draws: Draws) -> None:
    """Dtypes are exact: float32, and int64 for actions."""
    stored = distinct_transitions(20, draws.part.rng())
    items = draws.items(stored, 4)
    for name, item in zip(FIELDS, items, strict=True):
        dtype = DTYPES.get(name, "float32")
        got = item.array.dtype if item.array else None
        if item.type != "Tensor" or got != dtype:
            raise Failure(
                f"`sample(4)`: {name} must be a tensor of {dtype}, got {item.text or item.type}.",
                why="The network computes in float32, and gather indexes with int64.",
                code=wrong_draws.dtype_code(name, item),
                reproduce=wrong_draws.snippet(4),
            )


def check_values(draws: Draws) -> None:
    """Every field comes back as it was pushed, in its place.

    A third of what is stored is terminal. That it is all or nothing of what is drawn, and taken for
    a constant, has probability below 1e-22: (2/3)^128 for 2 draws of 64 with replacement.
    """
    for count, batch_size, times in ((12, 6, 30), (150, 64, 2)):
        stored = distinct_transitions(count, draws.part.rng(str(count)))
        fields = draws.fields(stored, batch_size, times)
        wrong_draws.require_values(stored, fields, identify(stored, fields), draws.blame)


def check_alignment(draws: Draws) -> None:
    """The rows of the five fields belong to the same transitions."""
    for count, batch_size, times in ((12, 6, 30), (150, 64, 2)):
        stored = distinct_transitions(count, draws.part.rng(str(count)))
        fields = draws.fields(stored, batch_size, times)
        wrong_draws.require_alignment(stored, fields, identify(stored, fields), draws.blame)


def check_given_buffer(draws: Draws) -> None:
    """push, len and the capacity work as they were given."""
    stored = distinct_transitions(12, draws.part.rng())
    for capacity, expected in ((20, 12), (12, 12), (5, 5), (1, 1)):
        counts = draws.counts(capacity, stored)
        if counts != [0, expected]:
            raise Failure(
                f"`len(ReplayBuffer(capacity={capacity}))` was {counts[0]}, and {counts[1]} after "
                f"12 pushes; expected 0 and {expected}.",
                why="The buffer counts what it stores and drops the oldest beyond its capacity.",
                code=_count_code(draws, capacity, counts, stored),
            )
    many = distinct_transitions(40, draws.part.rng("many"))
    operations: list[Push | Sample | Length] = [Push(transitions=encode(many))] * 251
    results = draws.play(None, [*operations, Length()])
    if results != [Counted(length=10_000)]:
        raise Failure(
            f"With its default capacity the buffer holds {results[0]} after 10,040 pushes; "
            "expected 10,000.",
            code="GIVEN_CAPACITY_IGNORED",
        )


def _count_code(draws: Draws, capacity: int, counts: list[int], stored: Batch) -> str:
    """Whether `len`, `push` or the capacity is to blame for a wrong count: what is drawn tells how
    much there is."""
    seen = wrong_draws.rows_of(stored, draws.draw(stored, 1, 400, capacity), 1)
    there = None if seen is None else len(np.unique(seen))
    if counts[0] != 0 or counts[1] != there:
        return "GIVEN_LEN_CHANGED"
    return "GIVEN_PUSH_CHANGED" if capacity > len(stored) else "GIVEN_CAPACITY_IGNORED"


def _size(item: Value) -> int:
    return 0 if item.array is None else int(np.prod(item.array.shape))


def _rows(item: Value) -> int | None:
    """The rows of a field; None when it is no array."""
    if item.array is None:
        return None
    return item.array.shape[0] if item.array.shape else 0


def _permuted(items: list[Value], batch_size: int, state_dim: int) -> bool:
    """The shapes are the right ones, in another order."""
    got = [item.array.shape for item in items if item.array is not None]
    due = [(batch_size, state_dim) if n.endswith("states") else (batch_size,) for n in FIELDS]
    return got != due and sorted(got) == sorted(due)

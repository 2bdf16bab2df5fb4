"""Play a `PlayBuffer` scenario with the student's `ReplayBuffer`."""

from __future__ import annotations

import warnings
from collections import deque
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import torch

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
)
from grader.worker.describe import describe, describe_exception, safely
from grader.worker.loader import Submission
from grader.worker.torch_setup import generator_draws, seed_generators

MAX_WARNINGS = 4
Fields = list[np.ndarray[Any, Any]]
Transition = tuple[Any, Any, Any, Any, Any]


def push_all(buffer: Any, transitions: Transitions) -> list[Transition]:
    """Push row by row what Gymnasium and the training loop hand over: a float32 array per state,
    a Python int, a Python float and `float(terminated)`. What was pushed is returned."""
    states = to_numpy(transitions.states)
    next_states = to_numpy(transitions.next_states)
    actions = to_numpy(transitions.actions).tolist()
    rewards = to_numpy(transitions.rewards).tolist()
    dones = to_numpy(transitions.dones).tolist()
    pushed = [
        (states[i].copy(), action, rewards[i], next_states[i].copy(), dones[i])
        for i, action in enumerate(actions)
    ]
    for transition in pushed:
        buffer.push(*transition)
    return pushed


def play_buffer(submission: Submission, request: PlayBuffer) -> BufferTrace:
    """Build and play; the trace holds the results before an exception."""
    results: list[Sampled | Counted] = []
    kept: list[bool] | None = None
    pushed: list[Transition] = []
    capacity = request.capacity
    during = f"ReplayBuffer({'' if capacity is None else f'capacity={capacity}'})"
    try:
        buffer_class = submission.get("replay_buffer", "ReplayBuffer")
        buffer = buffer_class() if capacity is None else buffer_class(capacity=capacity)
        for operation in request.operations:
            if pushed and not isinstance(operation, Push):
                kept = safely(partial(_kept, buffer, pushed), None)
                pushed = []
            if isinstance(operation, Push):
                during = "ReplayBuffer.push"
                pushed = push_all(buffer, operation.transitions)
            elif isinstance(operation, Sample):
                during = f"ReplayBuffer.sample({operation.batch_size})"
                results.append(_sample(buffer, operation))
            elif isinstance(operation, Length):
                during = "len(buffer)"
                results.append(Counted(length=len(buffer)))
    except BaseException as error:
        raised = describe_exception(error, during, submission.folder)
        return BufferTrace(results=results, kept=kept, raised=raised)
    return BufferTrace(results=results, kept=kept, raised=None)


def _kept(buffer: Any, pushed: list[Transition]) -> list[bool] | None:
    """Whether the starter's storage holds what was pushed last, field by field; None for another
    storage."""
    storage = buffer.buffer
    if not isinstance(storage, deque) or not storage:
        return None
    ends = list(storage)[-len(pushed) :], list(storage)[len(pushed) - 1 :: -1]
    return max((_alike(end, pushed[-len(end) :]) for end in ends), key=sum)


def _alike(rows: list[Any], due: list[Transition]) -> list[bool]:
    return [
        all(_same(row[n], want[n]) for row, want in zip(rows, due, strict=True)) for n in range(5)
    ]


def _same(kept: Any, pushed: Any) -> bool:
    """The same numbers, whatever shape they are kept in."""
    return np.array_equal(np.ravel(kept), np.ravel(pushed))


def _sample(buffer: Any, operation: Sample) -> Sampled:
    if operation.reseed is not None:
        seed_generators(operation.reseed)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        draw = _unpacked(buffer.sample(operation.batch_size))
    first = describe(draw)
    draws = [_fields_or_none(draw)]
    for _ in range(operation.times - 1):
        draws.append(_fields_or_none(_unpacked(buffer.sample(operation.batch_size))))
    untouched = draws[0] is None or safely(lambda: _equal(draws[0], _fields(draw)), True)
    told = [safely(partial(str, w.message), "")[:200] for w in caught[:MAX_WARNINGS]]
    return Sampled(
        first=first,
        stacked=_stack(draws),
        first_changed=not untouched,
        draws=generator_draws(),
        warnings=told,
    )


def _unpacked(draw: Any) -> Any:
    """An iterator, or an object of a class of its own that is unpacked like a tuple, as one."""
    known = (tuple, list, dict, set, str, bytes, torch.Tensor, np.ndarray)
    if isinstance(draw, known) or not hasattr(draw, "__iter__"):
        return draw
    return tuple(islice(draw, 6))


def _equal(one: Fields | None, two: Fields | None) -> bool:
    if one is None or two is None:
        return one is two
    return all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def _fields_or_none(draw: Any) -> Fields | None:
    return safely(lambda: _fields(draw), None)


def _fields(draw: Any) -> Fields | None:
    """The five fields of a draw as arrays of their own, or None when it is something else."""
    if not isinstance(draw, tuple | list) or len(draw) != 5:
        return None
    fields = [
        field.detach().cpu().numpy() if isinstance(field, torch.Tensor) else np.asarray(field)
        for field in draw
    ]
    return [field.copy() for field in fields]


def _stack(draws: list[Fields | None]) -> list[Array] | None:
    """One array per field with a leading axis of draws, or None when the draws are not alike."""
    kinds = {
        None if draw is None else tuple((field.dtype, field.shape) for field in draw)
        for draw in draws
    }
    if len(kinds) != 1 or None in kinds:
        return None
    alike = [draw for draw in draws if draw is not None]
    return [from_numpy(np.stack([draw[i] for draw in alike])) for i in range(5)]

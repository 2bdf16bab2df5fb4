"""Replies that are valid messages and untrue, put before the checks themselves."""

from __future__ import annotations

import random
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import msgspec
import numpy as np

from grader.checks import diagnosis
from grader.checks.updates import Updates
from grader.client import WorkerLost
from grader.protocol.arrays import Array, from_numpy, to_numpy
from grader.protocol.errors import ProtocolError
from grader.protocol.framing import HEADER, decode_reply, pack
from grader.protocol.messages import Raised, ReplyFrame
from tests.checks import conftest as helpers
from tests.fuzz.judge import Broken

_INTEGERS = (-1, 0, 1, 2, 7, 2**31, 2**62, 2**63 - 1, 2**64 - 1)
_NUMBERS = (float("nan"), float("inf"), float("-inf"), 0.0, 1e308, -1e308, 1e-320, -3.5)
_SOURCES = {
    name: (helpers.ROOT / "solution" / f"{name}.py").read_text("utf-8") for name in helpers.CLASSES
}


def put_lies_before_the_checks(seed: int, few: int = 3) -> Counter[str]:
    """One part, graded with a solution whose replies are changed at random: how its checks ended.

    `Broken` when a check ended in an exception, which would be the grader's own fault.
    """
    rng = random.Random(seed)
    part = rng.choice(list(helpers.MODULES))
    runner = helpers.Runner(_Liar(rng, rng.choice((1.0, 0.5, 0.2, 0.05))), part)
    ended: Counter[str] = Counter()
    with _quickly(few), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for check in helpers.RUBRIC.checks_of(part):
            try:
                outcome = runner.run(check.id)
            except Exception as error:
                told = f"seed {seed}, {check.id}: {type(error).__name__}: {error}"
                raise Broken(told) from error
            ended[type(outcome).__name__] += 1
    return ended


@contextmanager
def _quickly(few: int) -> Iterator[None]:
    """Fewer examples, and no search: what is changed here is no misconception."""
    with ExitStack() as stack:
        for module in helpers.CHECK_MODULES:
            if hasattr(module, "EXAMPLES"):
                stack.enter_context(mock.patch.object(module, "EXAMPLES", few))
        stack.enter_context(mock.patch.object(Updates, "_search", return_value=[]))
        stack.enter_context(mock.patch.object(diagnosis, "pairs", return_value=()))
        yield


class _Liar(helpers.SourceWorker):
    """The solution, some of whose replies are changed on their way."""

    def __init__(self, rng: random.Random, share: float) -> None:
        super().__init__(_SOURCES)
        self._rng, self._share = rng, share

    def ask(self, request: Any, kind: Any, **limits: Any) -> Any:
        try:
            return super().ask(request, kind, **limits)
        except ProtocolError as error:
            raise WorkerLost("crashed", str(error)) from None

    def play(self, request: Any) -> Any:
        reply = super().play(request)
        return lie(reply, self._rng) if self._rng.random() < self._share else reply


def lie(reply: Any, rng: random.Random) -> Any:
    """The reply with up to three things changed in it, as far as the protocol lets them pass."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        path = rng.choice(list(_paths(reply)))
        changed = _put(reply, path, _other(_at(reply, path), rng))
        try:
            sent = pack(ReplyFrame(id=1, body=changed))[HEADER.size :]
            reply = decode_reply(sent).body
        except (ProtocolError, TypeError, ValueError, OverflowError):
            continue  # it would not have come through
    return reply


def _other(thing: Any, rng: random.Random) -> Any:
    match thing:
        case Array():
            return _other_array(thing, rng)
        case bool():
            return not thing
        case int():
            return rng.choice(_INTEGERS)
        case float():
            return rng.choice((*_NUMBERS, None))
        case str():
            return rng.choice(("", "x" * 4_000, "\x1b[2J"))
        case list():
            return rng.choice(([], thing[:-1], thing * 2, thing[::-1], thing[:1]))
        case None:
            raised = Raised(type="E", message="m", frames=[], during="d")
            return rng.choice((5.0, True, [], from_numpy(np.zeros(3, np.float32)), raised))
        case _:
            return None


def _other_array(array: Array, rng: random.Random) -> Array:
    try:
        values = to_numpy(array)
    except ProtocolError:
        values = np.zeros(2, np.float32)
    number = rng.choice(_NUMBERS)
    with np.errstate(all="ignore"):
        some = values.astype(np.float64)
        some.reshape(-1)[: rng.randint(1, 5)] = number
        absurd = tuple(rng.choice(_INTEGERS) for _ in range(rng.randrange(5)))
        small = tuple(rng.randrange(4) for _ in range(rng.randrange(4)))
        return rng.choice(
            (
                lambda: Array(array.dtype, array.shape, None),
                lambda: Array(rng.choice(("x", "object", "bfloat16")), array.shape, None),
                lambda: Array(array.dtype, absurd, None),
                lambda: from_numpy(np.zeros(small, np.float32)),
                lambda: from_numpy(values.reshape(-1)),
                lambda: from_numpy(values[None]),
                lambda: from_numpy(values.astype(rng.choice(("float64", "int64", "bool", "int8")))),
                lambda: from_numpy(some.astype(rng.choice(("float64", "float32")))),
                lambda: from_numpy(np.full(values.shape, number)),
            )
        )()


def _paths(thing: Any, path: tuple[Any, ...] = ()) -> Any:
    """The way to everything inside a reply."""
    if path:
        yield path
    if isinstance(thing, msgspec.Struct) and not isinstance(thing, Array):
        for name in thing.__struct_fields__:
            yield from _paths(getattr(thing, name), (*path, name))
    elif isinstance(thing, list):
        for n, item in enumerate(thing[:40]):
            yield from _paths(item, (*path, n))


def _at(thing: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        thing = getattr(thing, step) if isinstance(step, str) else thing[step]
    return thing


def _put(thing: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    step, *rest = path
    if isinstance(step, str):
        inside = _put(getattr(thing, step), tuple(rest), value)
        return msgspec.structs.replace(thing, **{step: inside})
    items = list(thing)
    items[step] = _put(items[step], tuple(rest), value)
    return items

"""Frames by Hypothesis: every example is a message and a seed, from which many frames are made."""

from __future__ import annotations

import random
import typing
from collections import Counter

import msgspec
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from grader.protocol import messages as m
from tests.fuzz.frames import variants
from tests.fuzz.judge import take
from tests.fuzz.slow import take_slowly
from tests.protocol.strategies import strategy_of

#: Frames made of one example.
PER_EXAMPLE = 200
#: One frame in so many also goes over a socket, in pieces.
SLOW_ONE_IN = 2_000

_BODIES = st.one_of(*map(strategy_of, (*typing.get_args(m.Reply), *typing.get_args(m.Request))))


def fuzz(frames: int, seeded: int, slow_one_in: int = SLOW_ONE_IN) -> Counter[str]:
    """Put so many frames before the judge, or a few more: how far they got.

    `Broken` for the first that gives anything else than a `ProtocolError`; Hypothesis then shows
    the smallest message and seed that it found.
    """
    seen: Counter[str] = Counter()

    @seed(seeded)
    @settings(
        database=None,
        deadline=None,
        max_examples=-(-frames // PER_EXAMPLE),
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(_BODIES, _BODIES, st.integers(0, 2**32))
    def campaign(body: object, other: object, number: int) -> None:
        rng = random.Random(number)
        for frame in variants(_payload(body), _payload(other), rng, PER_EXAMPLE):
            seen[take(frame)] += 1
            if rng.randrange(slow_one_in) == 0:
                seen[f"slowly: {take_slowly(frame, rng)}"] += 1

    campaign()
    return seen


def _payload(body: object) -> bytes:
    if isinstance(body, typing.get_args(m.Reply)):
        return msgspec.msgpack.encode(m.ReplyFrame(id=1, body=body))
    frame = m.RequestFrame(id=1, cpu_s=1.0, wall_s=1.0, body=body)  # type: ignore[arg-type]
    return msgspec.msgpack.encode(frame)

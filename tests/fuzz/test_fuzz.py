"""A sample of what `make fuzz` does, and what its parts find in careless code."""

import random
import tracemalloc

import msgspec
import pytest

from grader.protocol import framing
from grader.protocol import messages as m
from grader.protocol.arrays import Array
from tests.fuzz import judge
from tests.fuzz.campaign import PER_EXAMPLE, fuzz
from tests.fuzz.frames import variants
from tests.fuzz.judge import Broken, take
from tests.fuzz.lies import lie, put_lies_before_the_checks

REPLY = m.Advanced(updates=[], actions=[1, 0], raised=None)
PAYLOAD = msgspec.msgpack.encode(m.ReplyFrame(id=1, body=REPLY))


def test_only_protocol_errors_come_of_frames():
    # What Hypothesis reads of all modules that are loaded, once, is not the decoder's memory.
    fuzz(20, seeded=0, slow_one_in=300)
    tracemalloc.start()
    try:
        seen = fuzz(6_000, seeded=1, slow_one_in=300)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sum(n for name, n in seen.items() if "slowly" not in name) >= 6_000
    # All ends are reached: what is refused at once would try nothing.
    assert {"refused", "closed", "request", "reply", "answer"} <= set(seen)
    assert any("slowly" in name for name in seen)
    assert peak < 64 * 2**20


@pytest.mark.parametrize("seed", range(12))
def test_lies_are_failures_and_no_faults(seed):
    ended = put_lies_before_the_checks(seed, few=2)
    assert sum(ended.values()) >= 4


def test_variants_are_of_every_kind_and_come_again():
    def made():
        return list(variants(PAYLOAD, PAYLOAD[::-1], random.Random(3), PER_EXAMPLE))

    frames = made()
    assert frames == made()
    assert len(set(frames)) > PER_EXAMPLE // 2
    assert {take(frame) for frame in frames} >= {"refused", "closed", "answer"}


def test_a_careless_decoder_is_found(monkeypatch):
    def decode_carelessly(data):
        return data[2_000]

    monkeypatch.setattr(judge, "decode_reply", decode_carelessly)
    with pytest.raises(Broken, match="decode_carelessly: IndexError"):
        take(framing.HEADER.pack(len(PAYLOAD)) + PAYLOAD)


def test_a_careless_reading_of_arrays_is_found(monkeypatch):
    import numpy as np

    monkeypatch.setattr(judge, "to_numpy", lambda array: np.zeros(array.shape[:1], array.dtype))
    body = m.RunBegun(parameters=[], weights=Array("float32", (1, 2), b"12345678"), raised=None)
    frame = framing.pack(m.ReplyFrame(id=1, body=body))
    with pytest.raises(Broken, match=r"float32 \(1, 2\) became float32 \(1,\)"):
        take(frame)


def test_lies_are_messages_and_lies():
    rng = random.Random(0)
    lies = [lie(REPLY, rng) for _ in range(50)]
    assert all(isinstance(told, m.Advanced) for told in lies)
    assert sum(told != REPLY for told in lies) > 20

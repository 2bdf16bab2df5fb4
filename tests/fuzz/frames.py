"""Frames that no worker sends, made from messages that one might."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import msgspec

from grader.protocol.framing import HEADER, MAX_FRAME_BYTES

#: What may stand in the place of anything in a message.
_ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1,
    2**31,
    2**63 - 1,
    2**64 - 1,
    -(2**63),
    0.0,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "x" * 5_000,
    "\x1b[2J\u202e",
    b"",
    b"\xff" * 40,
    [],
    {},
    [[]] * 1_100,
    {"type": "refused", "reason": "no"},
    {"dtype": "float32", "shape": [2**40, 2**40], "data": b"1234"},
    {"dtype": "O", "shape": [1], "data": b"12345678"},
    {"dtype": "float64", "shape": [0, 2**62], "data": b""},
)
#: Encoded, so that each place gets one of its own.
ODD = tuple(msgspec.msgpack.encode(thing) for thing in _ODD)


def variants(payload: bytes, other: bytes, rng: random.Random, count: int) -> Iterator[bytes]:
    """So many frames, length and payload: intact, mutated, truncated, spliced, restructured,
    random, and with a length that is another."""
    ways = (_intact, _edited, _edited, _truncated, _restructured, _restructured, _random, _nested)
    for _ in range(count):
        way = rng.choice(ways)
        changed = way(payload, rng) if rng.random() < 0.9 else _spliced(payload, other, rng)
        yield _framed(changed, rng)


def _intact(payload: bytes, _rng: random.Random) -> bytes:
    return payload


def _edited(payload: bytes, rng: random.Random) -> bytes:
    data = bytearray(payload)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(data) + 1)
        data[at : at + rng.randint(0, 3)] = rng.randbytes(rng.randint(0, 3))
    return bytes(data)


def _truncated(payload: bytes, rng: random.Random) -> bytes:
    return payload[: rng.randrange(len(payload))]


def _spliced(payload: bytes, other: bytes, rng: random.Random) -> bytes:
    return payload[: rng.randrange(len(payload))] + other[rng.randrange(len(other)) :]


def _random(_payload: bytes, rng: random.Random) -> bytes:
    return rng.randbytes(rng.choice((0, 1, 2, 9, 200)))


def _nested(_payload: bytes, rng: random.Random) -> bytes:
    opening = rng.choice((b"\x91", b"\x81\xa4type", b"\x92", b"\xdd\xff\xff\xff\xff", b"\xc9\xff"))
    return opening * rng.choice((1, 50, 2_000, 20_000))


def _restructured(payload: bytes, rng: random.Random) -> bytes:
    """The message with something else in the place of a part of it."""
    tree = msgspec.msgpack.decode(payload)
    for _ in range(rng.randint(1, 3)):
        holders = list(_holders(tree))
        if not holders:
            break
        holder = rng.choice(holders)
        if isinstance(holder, dict):
            key = rng.choice([*holder, "score"])
            if key in holder and rng.random() < 0.2:
                del holder[key]
            else:
                holder[key] = _odd(rng)
        else:
            holder[rng.randrange(len(holder)) :] = [_odd(rng) for _ in range(rng.randint(0, 2))]
    return msgspec.msgpack.encode(tree)


def _odd(rng: random.Random) -> Any:
    return msgspec.msgpack.decode(rng.choice(ODD))


def _holders(tree: Any) -> Iterator[Any]:
    """Every map and list with something in it."""
    if isinstance(tree, dict | list) and tree:
        yield tree
        for item in tree.values() if isinstance(tree, dict) else tree[:50]:
            yield from _holders(item)


def _framed(payload: bytes, rng: random.Random) -> bytes:
    length = len(payload)
    if rng.random() < 0.1:
        length = rng.choice((0, length + 1, max(0, length - 1), MAX_FRAME_BYTES + 1, 2**32 - 1))
    return HEADER.pack(length) + payload

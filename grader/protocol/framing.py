"""Frames: a length of four bytes, then MessagePack. The length is capped before allocation."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from grader.protocol.errors import ProtocolError
from grader.protocol.messages import ReplyFrame, RequestFrame

HEADER = struct.Struct(">I")
MAX_FRAME_BYTES = 32 * 1024 * 1024

#: `read(n)` gives exactly n bytes or raises.
ReadExactly = Callable[[int], bytes]


def pack(frame: RequestFrame | ReplyFrame) -> bytes:
    """Length and payload of a frame; `ProtocolError` when it exceeds the cap."""
    payload = msgspec.msgpack.encode(frame)
    if len(payload) > MAX_FRAME_BYTES:
        raise ProtocolError(f"message of {len(payload):,} bytes exceeds {MAX_FRAME_BYTES:,}")
    return HEADER.pack(len(payload)) + payload


def read_payload(read: ReadExactly) -> bytes:
    """One payload; `ProtocolError` when the announced length exceeds the cap."""
    (length,) = HEADER.unpack(read(HEADER.size))
    if length > MAX_FRAME_BYTES:
        raise ProtocolError(f"announced {length:,} bytes, at most {MAX_FRAME_BYTES:,} are taken")
    return read(length)


def decode_reply(payload: bytes) -> ReplyFrame:
    """Typed decoding; anything else than a reply is a `ProtocolError`."""
    with _decoding():
        return msgspec.msgpack.decode(payload, type=ReplyFrame)


def decode_request(payload: bytes) -> RequestFrame:
    """Typed decoding; anything else than a request is a `ProtocolError`."""
    with _decoding():
        return msgspec.msgpack.decode(payload, type=RequestFrame)


@contextmanager
def _decoding() -> Iterator[None]:
    try:
        yield
    except (msgspec.MsgspecError, RecursionError, ValueError, OverflowError) as error:
        raise ProtocolError(f"not a valid message: {str(error)[:200]}") from None

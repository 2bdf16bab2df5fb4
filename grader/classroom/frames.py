"""Dictionaries over a pipe between processes of the grader: eight bytes of length, MessagePack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

import msgspec


class Ended(Exception):
    """The other side is gone."""


def send(stream: IO[bytes], message: Mapping[str, Any]) -> None:
    """Write one message; `Ended` when nobody reads."""
    data = msgspec.msgpack.encode(dict(message))
    try:
        stream.write(len(data).to_bytes(8, "big") + data)
        stream.flush()
    except (OSError, ValueError):
        raise Ended from None


def receive(stream: IO[bytes]) -> dict[str, Any]:
    """Read one message; `Ended` when there is none, or only the beginning of one."""
    head = _exactly(stream, 8)
    message: dict[str, Any] = msgspec.msgpack.decode(_exactly(stream, int.from_bytes(head, "big")))
    return message


def _exactly(stream: IO[bytes], size: int) -> bytes:
    try:
        data = stream.read(size)
    except (OSError, ValueError):
        raise Ended from None
    if len(data) < size:
        raise Ended
    return data

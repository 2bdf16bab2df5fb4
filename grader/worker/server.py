"""The worker's loop: one request in, one reply out."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from pathlib import Path
from typing import Protocol

from grader.protocol.errors import ChannelClosed, ChannelError, ProtocolError
from grader.protocol.framing import decode_request, pack, read_payload
from grader.protocol.messages import Refused, Reply, ReplyFrame, RequestFrame

READY = b"R"


class Channel(Protocol):
    """The worker's end of a channel."""

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes; `ChannelClosed` at the end of the stream."""

    def write(self, data: bytes) -> None:
        """All of `data`."""


class SocketChannel:
    """A connected stream socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes; `ChannelClosed` at the end of the stream."""
        data = bytearray()
        while len(data) < size:
            part = self._socket.recv(min(size - len(data), 1 << 20))
            if not part:
                raise ChannelClosed
            data += part
        return bytes(data)

    def write(self, data: bytes) -> None:
        """All of `data`."""
        self._socket.sendall(data)


class StandardStreams:
    """Standard input and output, taken away from the process: what it prints goes to stderr."""

    def __init__(self) -> None:
        self._in = os.fdopen(os.dup(0), "rb")
        self._out = os.fdopen(os.dup(1), "wb")
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        os.dup2(2, 1)

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes; `ChannelClosed` at the end of the stream."""
        data = self._in.read(size)
        if len(data) < size:
            raise ChannelClosed
        return data

    def write(self, data: bytes) -> None:
        """All of `data`."""
        self._out.write(data)
        self._out.flush()


def serve(channel: Channel, folder: Path) -> None:
    """Answer requests until the judge hangs up."""
    from grader.worker.player import Player

    player = Player(folder)
    while True:
        try:
            frame = decode_request(read_payload(channel.read))
        except ChannelError:
            return
        body = player.play(frame)
        _flush_output()
        channel.write(_pack(frame, body))


def _pack(frame: RequestFrame, body: Reply) -> bytes:
    try:
        return pack(ReplyFrame(id=frame.id, body=body))
    except (ProtocolError, ValueError, TypeError, OverflowError) as error:
        return pack(ReplyFrame(id=frame.id, body=Refused(reason=str(error)[:200])))


def _flush_output() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BaseException):
            stream.flush()


def serve_alone(folder: Path) -> None:
    """Serve one channel on standard input and output, torch imported first."""
    from grader.worker.torch_setup import prepare_torch

    channel = StandardStreams()
    prepare_torch()
    channel.write(READY)
    serve(channel, folder)

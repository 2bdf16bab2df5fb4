"""The worker's loop: one request in, one reply out; and the prepared parent that forks children."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Protocol

from grader.protocol.errors import ChannelClosed, ChannelError, ProtocolError
from grader.protocol.framing import decode_request, pack, read_payload
from grader.protocol.messages import Refused, Reply, ReplyFrame, RequestFrame

READY = b"R"
FORK = b"F"
KILL = b"K"


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


def serve_children(control_fd: int, folder: Path) -> None:
    """Prepared parent: for every channel handed over, fork a child that serves it.

    The descriptors handed over with `FORK` are the child's channel and the pipe that takes its
    standard output and error. `KILL` ends the children that are left.
    """
    control = socket.socket(fileno=control_fd)
    control.sendall(READY)
    # Imported before the first fork, so that no child pays for it.
    import grader.worker.player  # noqa: F401

    # What is imported by now is never garbage: spare every collection in a child the walk over it.
    gc.collect()
    gc.freeze()
    children: list[int] = []
    while True:
        order, descriptors, _flags, _address = socket.recv_fds(control, 1, 2)
        children = [pid for pid in children if not _reaped(pid)]
        if not order:
            _kill(children)
            return
        if order == KILL:
            _kill(children)
            children = []
        elif order == FORK and len(descriptors) == 2:
            pid = os.fork()
            if pid == 0:
                control.close()
                _become_child(descriptors[0], descriptors[1], folder)
            children.append(pid)
            control.sendall(FORK)
            for descriptor in descriptors:
                os.close(descriptor)


def _become_child(channel_fd: int, output_fd: int, folder: Path) -> None:
    """Serve one channel, then end without running anybody's exit handlers."""
    try:
        os.dup2(output_fd, 1)
        os.dup2(output_fd, 2)
        os.close(output_fd)
        serve(SocketChannel(socket.socket(fileno=channel_fd)), folder)
    finally:
        os._exit(0)


def _reaped(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def _kill(children: list[int]) -> None:
    for pid in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)

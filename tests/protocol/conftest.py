"""Fake peers at the other end of the channel."""

import contextlib
import os
import socket
import threading

import pytest

from grader.protocol.transport import PipeTransport, SocketTransport
from tests.protocol.strategies import strategy_of


@pytest.fixture(scope="session")
def messages():
    """`messages(kind)` is a strategy for a type of the channel's messages."""
    return strategy_of


class Peer:
    """The worker's end: three descriptors or objects that can be written, read and hung up."""

    def __init__(self, transport, reading, writing, printing, left_open=()):
        self.transport = transport
        self._left_open = left_open  # by the transport, for whoever owns the process
        self._reading, self._writing, self._printing = reading, writing, printing
        self._threads = []
        self._stop = threading.Event()

    def read(self, size):
        """Exactly `size` bytes, or what came before the end."""
        data = b""
        while len(data) < size and (part := os.read(self._reading, size - len(data))):
            data += part
        return data

    def write(self, data):
        """All of `data` into the channel."""
        self._write(self._writing, data)

    def print(self, data):
        """All of `data` to what stands for standard output."""
        self._write(self._printing, data)

    def _write(self, descriptor, data):
        view = memoryview(data)
        while view and not self._stop.is_set():
            view = view[os.write(descriptor, view) :]

    def meanwhile(self, work):
        """Run `work` beside the test; it ends when the judge hangs up."""

        def run():
            with contextlib.suppress(OSError):
                work()

        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def forever(self, work):
        """Run `work` over and over beside the test."""

        def run():
            while not self._stop.is_set():
                work()

        return self.meanwhile(run)

    def hang_up(self):
        """Close the channel, as a process does that ends."""
        for descriptor in {self._reading, self._writing}:
            os.close(descriptor)
        self._reading = self._writing = -1

    def close_output(self):
        """Close standard output and error, and go on answering."""
        os.close(self._printing)
        self._printing = -1

    def end(self):
        """Stop everything and close what is open."""
        if self._stop.is_set():
            return
        self._stop.set()
        self.transport.close()
        still_open = {self._reading, self._writing, self._printing} - {-1}
        for descriptor in still_open:
            os.set_blocking(descriptor, False)
        for thread in self._threads:
            while thread.is_alive():
                self._let_through()
                thread.join(0.01)
        for descriptor in still_open:
            os.close(descriptor)

    def _let_through(self):
        """Empty the pipes into which a thread may be writing still."""
        for file in self._left_open:
            os.set_blocking(file.fileno(), False)
            with contextlib.suppress(BlockingIOError):
                os.read(file.fileno(), 1 << 20)


def socket_peer():
    """A `SocketTransport` and its peer."""
    ours, theirs = socket.socketpair()
    read_end, write_end = os.pipe()
    channel = theirs.detach()
    return Peer(SocketTransport(ours, read_end), channel, channel, write_end)


def pipe_peer():
    """A `PipeTransport` and its peer."""
    request_read, request_write = os.pipe()
    reply_read, reply_write = os.pipe()
    prints_read, prints_write = os.pipe()
    files = (
        os.fdopen(request_write, "wb"),
        os.fdopen(reply_read, "rb"),
        os.fdopen(prints_read, "rb"),
    )
    return Peer(PipeTransport(*files), request_read, reply_write, prints_write, files[1:])


@pytest.fixture(params=[socket_peer, pipe_peer], ids=["socket", "pipe"])
def peer(request):
    """A transport of either kind with a fake worker at its other end."""
    if os.name == "nt" and request.param is socket_peer:
        pytest.skip("descriptors cannot be selected on Windows")
    peer = request.param()
    yield peer
    peer.end()

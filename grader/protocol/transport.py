"""The judge's end of a channel: requests out, replies in, the submission's prints drained.

`SocketTransport` multiplexes on one thread where descriptors can be selected; `PipeTransport` does
the same with reader threads, for Windows, where pipes cannot.
"""

from __future__ import annotations

import contextlib
import os
import queue
import selectors
import socket
import threading
import time
from typing import IO, Protocol

from grader.protocol.errors import ChannelClosed, DeadlineExpired

#: Of what a submission prints during one check, so much is kept; the rest is read and dropped.
MAX_OUTPUT_BYTES = 8 * 1024
_CHUNK = 1 << 18


class OutputLog:
    """The first bytes of what was printed since the last `take`, and whether more followed."""

    def __init__(self, cap: int = MAX_OUTPUT_BYTES) -> None:
        self._cap = cap
        self._kept = bytearray()
        self._dropped = 0
        self._lock = threading.Lock()

    def add(self, data: bytes) -> None:
        """Keep what still fits."""
        with self._lock:
            room = max(0, self._cap - len(self._kept))
            self._kept += data[:room]
            self._dropped += max(0, len(data) - room)

    def take(self) -> str | None:
        """The text so far, then start over; None when nothing was printed."""
        with self._lock:
            text = self._kept.decode("utf-8", "replace")
            dropped = self._dropped
            self._kept.clear()
            self._dropped = 0
        if dropped:
            text += f"\n… {dropped:,} more bytes were printed and not kept"
        return text or None


class Transport(Protocol):
    """A channel to one worker process. Deadlines are absolute, on `time.monotonic`'s clock."""

    output: OutputLog

    def send(self, data: bytes, deadline: float) -> None:
        """Write all of `data`; `ChannelClosed` or `DeadlineExpired` when that fails."""

    def receive(self, size: int, deadline: float) -> bytes:
        """Read exactly `size` bytes; `ChannelClosed` or `DeadlineExpired` when that fails."""

    def drain(self) -> None:
        """Take in what has been printed so far."""

    def close(self) -> None:
        """Hang up."""


class SocketTransport:
    """A stream socket, and the reading end of the pipe that takes the worker's prints."""

    def __init__(self, channel: socket.socket, output_fd: int) -> None:
        self.output = OutputLog()
        self._channel = channel
        self._output_fd = output_fd
        self._output_open = True
        channel.setblocking(False)
        os.set_blocking(output_fd, False)
        self._reading = selectors.DefaultSelector()
        self._reading.register(channel, selectors.EVENT_READ)
        self._reading.register(output_fd, selectors.EVENT_READ)
        self._writing = selectors.DefaultSelector()
        self._writing.register(channel, selectors.EVENT_WRITE)
        self._writing.register(output_fd, selectors.EVENT_READ)

    def send(self, data: bytes, deadline: float) -> None:
        """Write all of `data`; prints are drained meanwhile, lest both sides wait."""
        view = memoryview(data)
        while view:
            try:
                view = view[self._channel.send(view) :]
            except BlockingIOError:
                self._wait(self._writing, deadline)
            except OSError:
                raise ChannelClosed("the worker process is gone") from None

    def receive(self, size: int, deadline: float) -> bytes:
        """Read exactly `size` bytes."""
        data = bytearray()
        while len(data) < size:
            try:
                part = self._channel.recv(min(size - len(data), _CHUNK))
            except BlockingIOError:
                self._wait(self._reading, deadline)
                continue
            except OSError:
                part = b""
            if not part:
                raise ChannelClosed("the worker process is gone")
            data += part
            if time.monotonic() > deadline:  # also a reply that trickles in byte by byte ends
                raise DeadlineExpired
        return bytes(data)

    def drain(self) -> None:
        """Take in what has been printed so far, without waiting and without end."""
        for _ in range(64):
            if not self._drain_once():
                return

    def close(self) -> None:
        """Hang up."""
        for selector in (self._reading, self._writing):
            selector.close()
        self._channel.close()
        os.close(self._output_fd)

    def _wait(self, selector: selectors.BaseSelector, deadline: float) -> None:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise DeadlineExpired
        for key, _events in selector.select(remaining):
            if key.fd == self._output_fd:
                self._drain_once()

    def _drain_once(self) -> bool:
        if not self._output_open:
            return False
        try:
            data = os.read(self._output_fd, _CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self._output_open = False
            self._reading.unregister(self._output_fd)
            self._writing.unregister(self._output_fd)
            return False
        self.output.add(data)
        return True


class PipeTransport:
    """Two pipes for the channel and one for prints, each read by a thread of its own."""

    def __init__(self, to_worker: IO[bytes], from_worker: IO[bytes], prints: IO[bytes]) -> None:
        self.output = OutputLog()
        self._to_worker = to_worker
        self._from_worker = from_worker
        self._prints = prints
        # Bounded, so that a flood waits in the pipe and not in the judge's memory.
        self._incoming: queue.Queue[bytes] = queue.Queue(maxsize=8)
        self._outgoing: queue.Queue[bytes | None] = queue.Queue()
        self._pending = bytearray()
        self._closed = threading.Event()
        self._broken = threading.Event()
        for work in (self._read_channel, self._read_prints, self._write_channel):
            threading.Thread(target=work, daemon=True).start()

    def send(self, data: bytes, deadline: float) -> None:
        """Hand `data` to the writing thread."""
        if self._broken.is_set():
            raise ChannelClosed("the worker process is gone")
        self._outgoing.put(data)

    def receive(self, size: int, deadline: float) -> bytes:
        """Read exactly `size` bytes."""
        while len(self._pending) < size:
            try:
                part = self._incoming.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise DeadlineExpired from None
            if not part:
                raise ChannelClosed("the worker process is gone")
            self._pending += part
        data = bytes(self._pending[:size])
        del self._pending[:size]
        return data

    def drain(self) -> None:
        """Give the reading thread a moment: prints come in beside the replies."""
        time.sleep(0.002)

    def close(self) -> None:
        """Hang up; the threads end with their pipes."""
        self._closed.set()
        self._outgoing.put(None)
        with contextlib.suppress(queue.Empty):
            while True:
                self._incoming.get_nowait()

    def _read_channel(self) -> None:
        while not self._closed.is_set():
            try:
                data = os.read(self._from_worker.fileno(), _CHUNK)
            except (OSError, ValueError):
                data = b""
            while not self._closed.is_set():
                with contextlib.suppress(queue.Full):
                    self._incoming.put(data, timeout=0.2)
                    break
            if not data:
                self._broken.set()
                return

    def _read_prints(self) -> None:
        while not self._closed.is_set():
            try:
                data = os.read(self._prints.fileno(), _CHUNK)
            except (OSError, ValueError):
                return
            if not data:
                return
            self.output.add(data)

    def _write_channel(self) -> None:
        while (data := self._outgoing.get()) is not None:
            try:
                self._to_worker.write(data)
                self._to_worker.flush()
            except (OSError, ValueError):
                self._broken.set()
                return
        with contextlib.suppress(OSError, ValueError):
            self._to_worker.close()

"""Hosts: a prepared parent that forks, or a process per channel; in whatever box a tier has."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping

from grader.confine.box import MAX_SCRATCH_BYTES
from grader.protocol.errors import ChannelError
from grader.protocol.transport import PipeTransport, SocketTransport, Transport
from grader.sandbox.interface import Launcher, Running, SandboxFault, Unfit
from grader.sandbox.preflight import Preflight, read_outcomes
from grader.sandbox.stage import Stage
from grader.sandbox.sweep import kill_marked
from grader.sandbox.watch import Watch

#: Importing torch from a cold disk on a busy machine.
START_DEADLINE_S = 180.0
#: What a process said before it ended is waited for so long.
LAST_WORDS_S = 2.0
_READY, _FORK, _KILL, _LOOK = b"R", b"F", b"K", b"L"


def can_fork() -> bool:
    """Whether a prepared parent can fork and be handed descriptors.

    macOS can, but its system libraries do not survive a fork once threads have run.
    """
    return sys.platform == "linux" and hasattr(socket, "send_fds")


class _NotReady(SandboxFault):
    """The prepared parent ended before it was ready."""


class ForkHost:
    """One prepared parent with torch imported; every channel is served by a fresh child of it."""

    def __init__(self, files: Mapping[str, bytes], launcher: Launcher) -> None:
        self._launcher = launcher
        self._stage = Stage(files, launcher.owner)
        self._transport: SocketTransport | None = None
        self._watch: Watch | None = None
        self._overfull = threading.Event()
        self._disk_full = threading.Event()
        try:
            self._prepare()
        except BaseException:
            self._stage.remove()
            raise

    @property
    def tier(self) -> str:
        """The name of the isolation tier."""
        return self._launcher.tier

    def open(self) -> Transport:
        """Kill the child opened before and fork the next; the parent is renewed if it is gone.

        Raises `Unfit` when the box does not hold.
        """
        self._hang_up()
        if self._disk_full.is_set():
            raise SandboxFault(f"the disk of `{self._stage.root.parent}` is full")
        fault = SandboxFault("the prepared worker ends as soon as it is asked for a child")
        for _ in range(2):
            try:
                self._await_ready()
                self._order(_KILL)
                self._look_after_scratch()
                self._transport = self._fork()
                return self._transport
            except OSError:
                self._renew()
            except _NotReady as error:
                fault = error
                self._renew()
        raise fault

    def serve(self, files: Mapping[str, bytes]) -> None:
        """Hand another submission to the children that are forked from now on.

        The parent stays where a child cannot have reached it and has left nothing in the scratch
        folder, which inside a box is not seen from here; otherwise it is renewed. `plain` keeps
        nothing apart: there, only for submissions that trust one another.
        """
        self._hang_up()
        untouched = self._untouched()
        self._stage.fill(files)
        if not untouched:
            self._renew()

    def close(self) -> None:
        """Kill what is left of the process tree and remove the working folder."""
        if self._watch is not None:
            self._watch.stop()
        self._hang_up()
        self._end_parent()
        self._stage.remove()

    def _untouched(self) -> bool:
        """Whether the parent is as it was before the first child; its children are ended."""
        if self._launcher.tier == "plain" or not self._ready:
            return True
        if not self._launcher.children_apart:
            return False
        try:
            self._order(_LOOK)
            return self._control.recv(1) == _LOOK
        except OSError:
            return False

    @property
    def _process(self) -> subprocess.Popen[bytes]:
        return self._running.process

    def _prepare(self) -> None:
        ours, theirs = socket.socketpair()
        self._preflight = Preflight(self._stage, self._launcher)
        box = self._preflight.box().to_text()
        arguments = ["fork", str(self._stage.submission), box, str(theirs.fileno())]
        try:
            self._running = self._launcher.start(
                self._stage, arguments, pass_fds=(theirs.fileno(),), streams=False
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._control = ours
        self._ready = False

    def _await_ready(self) -> None:
        if self._ready:
            return
        try:
            outcomes = read_outcomes(self._control)
            self._control.settimeout(START_DEADLINE_S)
            ready = self._control.recv(1)
        except TimeoutError:
            raise self._failed("the worker did not start in time") from None
        except ConnectionError:
            ready = b""
        if ready != _READY:
            raise self._failed(f"the worker did not start:\n{last_words(self._running)}")
        self._preflight.judge(outcomes)
        self._ready = True
        self._control.settimeout(5.0)

    def _failed(self, said: str) -> SandboxFault:
        """The fault of a start; in a box, the box may be what the worker does not stand."""
        remedy = self._launcher.remedy(said)
        if remedy is None:
            return _NotReady(said)
        lines = said.splitlines()
        why = said if len(lines) == 1 else f"{lines[0]} {lines[-1]}"
        return Unfit(self.tier, why, remedy)

    def _look_after_scratch(self) -> None:
        """Watch it from the first child on, and empty it where the one before filled it."""
        if self._overfull.is_set():
            self._stage.empty_scratch()
            self._overfull.clear()
        if self._watch is None and self._launcher.watched:
            self._watch = Watch(
                self._stage.scratch,
                MAX_SCRATCH_BYTES,
                overfull=lambda: self._end_child(self._overfull),
                disk_full=lambda: self._end_child(self._disk_full),
            )

    def _end_child(self, reason: threading.Event) -> None:
        """Called by the watching thread: the judge finds the channel closed."""
        if not reason.is_set():
            reason.set()
            with contextlib.suppress(OSError):
                self._order(_KILL)

    def _order(self, order: bytes) -> None:
        self._control.sendall(order)

    def _fork(self) -> SocketTransport:
        ours, theirs = socket.socketpair()
        read_end, write_end = os.pipe()
        try:
            socket.send_fds(self._control, [_FORK], [theirs.fileno(), write_end])
            if self._control.recv(1) != _FORK:  # a parent that was stopped does not answer
                raise ConnectionResetError
        except OSError:
            ours.close()
            os.close(read_end)
            raise
        finally:
            theirs.close()
            os.close(write_end)
        return SocketTransport(ours, read_end)

    def _renew(self) -> None:
        self._end_parent()
        self._prepare()

    def _end_parent(self) -> None:
        self._running.end()
        # A daemon whose prepared parent was killed is below nobody of ours. The folder stands in
        # the environment of this host's workers only.
        kill_marked(str(self._stage.scratch))
        self._control.close()
        if self._process.stderr is not None:
            self._process.stderr.close()

    def _hang_up(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None


class SingleHost:
    """A fresh process for every channel, on its standard streams: for platforms without fork."""

    def __init__(self, files: Mapping[str, bytes], launcher: Launcher) -> None:
        self._launcher = launcher
        self._stage = Stage(files, launcher.owner)
        self._transport: PipeTransport | None = None
        self._running: Running | None = None
        # The next process is always on its way, since importing torch takes seconds.
        try:
            self._next: Running = self._launch()
        except BaseException:
            self._stage.remove()
            raise

    @property
    def tier(self) -> str:
        """The name of the isolation tier."""
        return self._launcher.tier

    def open(self) -> Transport:
        """Kill the process opened before; the one prepared meanwhile takes over."""
        self._end_current()
        running, self._next = self._next, self._launch()
        process = running.process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        transport = PipeTransport(process.stdin, process.stdout, process.stderr)
        self._running, self._transport = running, transport
        try:
            ready = transport.receive(1, time.monotonic() + START_DEADLINE_S)
        except ChannelError:
            ready = b""
        if ready != _READY:
            running.end()
            raise SandboxFault(f"a worker did not start:\n{_said(transport)}")
        return transport

    def serve(self, files: Mapping[str, bytes]) -> None:
        """Hand another submission to the next process, which has loaded none so far."""
        self._end_current()
        self._stage.fill(files)

    def close(self) -> None:
        """Kill both processes and remove the working folder."""
        self._end_current()
        self._next.end()
        self._stage.remove()

    def _launch(self) -> Running:
        box = self._launcher.box(self._stage).to_text()
        arguments = ["single", str(self._stage.submission), box]
        return self._launcher.start(self._stage, arguments, pass_fds=(), streams=True)

    def _end_current(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        if self._running is not None:
            self._running.end()
            self._running = None


def start_host(files: Mapping[str, bytes], launcher: Launcher) -> ForkHost | SingleHost:
    """The host that fits this platform, its first worker already on the way.

    Raises `SandboxFault` when no process can be started.
    """
    return ForkHost(files, launcher) if can_fork() else SingleHost(files, launcher)


def _said(transport: PipeTransport) -> str:
    """What an ended process printed; it takes a moment to come through."""
    deadline = time.monotonic() + LAST_WORDS_S
    while True:
        transport.drain()
        text = transport.output.take()
        if text or time.monotonic() > deadline:
            return text or ""


def last_words(running: Running) -> str:
    """What a worker said on standard error before it ended; kills what is left of it."""
    running.end()
    stderr = running.process.stderr
    said = stderr.read(4000) if stderr is not None else b""
    return said.decode("utf-8", "replace").strip()

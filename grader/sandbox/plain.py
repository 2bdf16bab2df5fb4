"""The `plain` tier: a subprocess with resource limits. Not a security boundary."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from grader.protocol.errors import ChannelError
from grader.protocol.transport import PipeTransport, SocketTransport, Transport
from grader.sandbox.interface import SandboxFault

#: Importing torch from a cold disk on a busy machine.
START_DEADLINE_S = 180.0
BOOTSTRAP = Path(__file__).resolve().parents[1] / "worker" / "bootstrap.py"
_FORK, _KILL = b"F", b"K"
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def can_fork() -> bool:
    """Whether a prepared parent can fork and be handed descriptors.

    macOS can, but its system libraries do not survive a fork once threads have run.
    """
    return sys.platform == "linux" and hasattr(socket, "send_fds")


def worker_environment(scratch: Path) -> dict[str, str]:
    """The whole environment of a worker: fixed, with nothing of the caller's.

    Only where Windows itself cannot do without are two variables of the system's kept.
    """
    environment = {
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_CBWR": "COMPATIBLE",
        "LANG": "C.UTF-8",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
    }
    environment |= dict.fromkeys(_THREAD_VARIABLES, "1")
    if sys.platform == "win32":
        environment |= {"TEMP": str(scratch), "USERPROFILE": str(scratch)}
        environment |= {k: os.environ[k] for k in ("SYSTEMROOT", "PATH") if k in os.environ}
    return environment


class Stage:
    """A temporary folder with copies of the submission's files, and a scratch folder beside it."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        # Resolved, since Python resolves the paths that it puts into tracebacks.
        self.root = Path(tempfile.mkdtemp(prefix="dqn-grade-")).resolve()
        self.submission = self.root / "submission"
        self.scratch = self.root / "scratch"
        self.submission.mkdir()
        self.scratch.mkdir()
        self.fill(files)

    def fill(self, files: Mapping[str, bytes]) -> None:
        """Put these files in the place of those before, and empty the scratch folder."""
        for folder in (self.submission, self.scratch):
            for left in folder.iterdir():
                if left.is_dir() and not left.is_symlink():
                    shutil.rmtree(left, ignore_errors=True)
                else:
                    left.unlink()
        for name, content in files.items():
            (self.submission / name).write_bytes(content)

    def remove(self) -> None:
        """Delete the folder, whatever the submission left in it."""
        shutil.rmtree(self.root, ignore_errors=True)


def _start(
    stage: Stage, arguments: list[str], pass_fds: tuple[int, ...] = ()
) -> subprocess.Popen[bytes]:
    single = arguments[0] == "single"
    stream = subprocess.PIPE if single else subprocess.DEVNULL
    try:
        return subprocess.Popen(
            [sys.executable, "-s", "-P", "-X", "utf8", str(BOOTSTRAP), *arguments],
            env=worker_environment(stage.scratch),
            cwd=stage.scratch,
            stdin=stream,
            stdout=stream,
            stderr=subprocess.PIPE,
            pass_fds=pass_fds,
            start_new_session=sys.platform != "win32",
        )
    except OSError as error:
        raise SandboxFault(f"cannot start a worker: {error}") from error


def _kill_tree(process: subprocess.Popen[bytes]) -> None:
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


class _NotReady(SandboxFault):
    """The prepared parent ended before it was ready."""


class ForkHost:
    """One prepared parent with torch imported; every channel is served by a fresh child of it."""

    tier = "plain"

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._stage = Stage(files)
        self._transport: SocketTransport | None = None
        try:
            self._prepare()
        except SandboxFault:
            self._stage.remove()
            raise

    def open(self) -> Transport:
        """Kill the child opened before and fork the next; the parent is renewed if it is gone."""
        self._hang_up()
        fault = SandboxFault("the prepared worker ends as soon as it is asked for a child")
        for _ in range(2):
            try:
                self._await_ready()
                self._order(_KILL)
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

        The parent has run no student code, but a child of the submission before may have reached
        for it: only for submissions that trust one another.
        """
        self._hang_up()
        self._stage.fill(files)

    def close(self) -> None:
        """Kill what is left of the process tree and remove the working folder."""
        self._hang_up()
        self._end_parent()
        self._stage.remove()

    def _prepare(self) -> None:
        ours, theirs = socket.socketpair()
        arguments = ["fork", str(self._stage.submission), str(theirs.fileno())]
        self._process = _start(self._stage, arguments, pass_fds=(theirs.fileno(),))
        theirs.close()
        self._control = ours
        self._ready = False

    def _await_ready(self) -> None:
        if self._ready:
            return
        self._control.settimeout(START_DEADLINE_S)
        if self._control.recv(1) != b"R":
            raise _NotReady(_start_failure(self._process))
        self._ready = True
        self._control.settimeout(5.0)

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
        _kill_tree(self._process)
        self._control.close()
        if self._process.stderr is not None:
            self._process.stderr.close()

    def _hang_up(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None


class SingleHost:
    """A fresh process for every channel, on its standard streams: for platforms without fork."""

    tier = "plain"

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._stage = Stage(files)
        self._transport: PipeTransport | None = None
        self._process: subprocess.Popen[bytes] | None = None
        # The next process is always on its way, since importing torch takes seconds.
        try:
            self._next: subprocess.Popen[bytes] = self._launch()
        except SandboxFault:
            self._stage.remove()
            raise

    def open(self) -> Transport:
        """Kill the process opened before; the one prepared meanwhile takes over."""
        self._end_current()
        process, self._next = self._next, self._launch()
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        transport = PipeTransport(process.stdin, process.stdout, process.stderr)
        self._process, self._transport = process, transport
        try:
            ready = transport.receive(1, time.monotonic() + START_DEADLINE_S)
        except ChannelError:
            ready = b""
        if ready != b"R":
            transport.drain()
            raise SandboxFault(f"a worker did not start:\n{transport.output.take() or ''}")
        return transport

    def close(self) -> None:
        """Kill both processes and remove the working folder."""
        self._end_current()
        _kill_tree(self._next)
        self._stage.remove()

    def _launch(self) -> subprocess.Popen[bytes]:
        return _start(self._stage, ["single", str(self._stage.submission)])

    def _end_current(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        if self._process is not None:
            _kill_tree(self._process)
            self._process = None


def start_plain(files: Mapping[str, bytes]) -> ForkHost | SingleHost:
    """The host that fits this platform, its first worker already on the way.

    Raises `SandboxFault` when no process can be started.
    """
    return ForkHost(files) if can_fork() else SingleHost(files)


def _start_failure(process: subprocess.Popen[bytes]) -> str:
    _kill_tree(process)
    said = process.stderr.read(4000) if process.stderr is not None else b""
    return f"the worker did not start:\n{said.decode('utf-8', 'replace').strip()}"

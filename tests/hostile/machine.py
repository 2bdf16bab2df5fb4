"""What a deed could find, and what it could do to the machine: laid out before, looked at after.

Everything here is this process's own: a folder, a neighbour process, a listening port, a signal.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests.hostile.corpus import ROOT

#: Stands in everything that no report may show.
CANARY = "canary-"
#: A signal that nobody else sends.
SIGNAL = signal.SIGUSR2
_SUBREAPER = 36


class Machine:
    """A judge's machine with something to steal on it, and a watch over it.

    `places` are what a case may name as `@name@`. `secret_key` is the key of the seeds. Gradings
    have their temporary folders in `work`, which others may pass and not list.
    """

    def __init__(self) -> None:
        self.token = f"hostile{secrets.token_hex(6)}"
        self.outside = Path(tempfile.mkdtemp(prefix="outside-")).resolve()
        (self.outside / "hidden_checks.py").write_text(self._canary())
        self.public = Path(tempfile.mkdtemp(prefix="public-")).resolve()
        self.public.chmod(0o755)
        (self.public / "notes.txt").write_text(self._canary())
        (self.public / "notes.txt").chmod(0o644)
        self.work = Path(tempfile.mkdtemp(prefix="work-")).resolve()
        self.work.chmod(0o711)
        self.decoy = Path(tempfile.mkdtemp(prefix="dqn-grade-", dir=self.work))
        (self.decoy / "submission").mkdir()
        (self.decoy / "submission" / "q_network.py").write_text(self._canary())
        # Always the same one, so that the same questions are asked.
        self.secret_key = (CANARY + 32 * "k").encode()
        # In this process's memory, at a place that is told.
        self._held = ctypes.create_string_buffer(self._canary().encode())
        # A shell that waits for a line, with a secret among its arguments and in its environment.
        self._neighbour = subprocess.Popen(
            ["/bin/sh", "-c", "read line", self._canary()],
            env={"SECRET": self._canary()},
            stdin=subprocess.PIPE,
        )
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self._signals: list[int] = []
        self._before_signal = signal.signal(SIGNAL, lambda number, _: self._signals.append(number))
        _be_subreaper(True)

    @property
    def places(self) -> dict[str, str]:
        """What is where, by the names that cases use."""
        return {
            "token": self.token,
            "outside": str(self.outside),
            "decoy": str(self.decoy),
            "public": str(self.public / "notes.txt"),
            "hidden": str(self.outside / "hidden_checks.py"),
            "checkout": str(ROOT),
            "judge": str(os.getpid()),
            "name": hashlib.sha256(os.uname().nodename.encode()).hexdigest(),
            "neighbour": str(self._neighbour.pid),
            "address": str(ctypes.addressof(self._held)),
            "port": str(self._listener.getsockname()[1]),
            "signal": str(int(SIGNAL)),
        }

    @staticmethod
    def _canary() -> str:
        return CANARY + secrets.token_hex(16)

    def close(self) -> None:
        """Take everything away again."""
        self._neighbour.communicate()
        self._listener.close()
        signal.signal(SIGNAL, self._before_signal)
        _be_subreaper(False)
        for folder in (self.outside, self.public, self.work):
            shutil.rmtree(folder, ignore_errors=True)

    # --- what happened ---

    def look(self) -> Look:
        """The machine as it is now."""
        return Look(
            tree=_listing(self.outside) | _listing(self.public) | self._work() | _grader_files(),
            children=_descendants(os.getpid()),
            descriptors=len(os.listdir("/proc/self/fd")),
            threads=threading.active_count(),
            self_image=(os.getcwd(), _environment(), _handlers()),
        )

    def _work(self) -> dict[str, tuple[int, int]]:
        """What lies in other gradings' folders, and which folders there are."""
        return _listing(self.decoy) | {str(path): (0, 0) for path in self.work.iterdir()}

    def strays(self) -> list[Path]:
        """Files that carry the token, where anybody may write."""
        folders = {tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm", "/", str(Path.home())}
        folders |= {os.getcwd(), str(ROOT), str(ROOT / "grader"), str(self.outside)}
        return [
            path
            for folder in sorted(folders)
            if os.path.isdir(folder)
            for path in Path(folder).iterdir()
            if self.token in path.name
        ]

    def remove_strays(self) -> None:
        """Clean up after a deed that a tier did not prevent."""
        for path in self.strays():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def signals(self) -> int:
        """How many signals came since the last call."""
        count = len(self._signals)
        self._signals.clear()
        return count

    def calls(self) -> int:
        """How many connections came in since the last call."""
        count = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                self._listener.accept()[0].close()
                count += 1
        return count


class Look:
    """The machine at one moment."""

    def __init__(
        self,
        tree: dict[str, tuple[int, int]],
        children: set[int],
        descriptors: int,
        threads: int,
        self_image: tuple[str, dict[str, str], dict[int, object]],
    ) -> None:
        self.tree = tree
        self.children = children
        self.descriptors = descriptors
        self.threads = threads
        self.self_image = self_image


def end(pids: set[int]) -> None:
    """Kill processes that came of this one, and reap those that are its children."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for pid in pids:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)


def left(before: Look, seconds: float = 3.0) -> set[int]:
    """Processes that came of this one since `before` and do not end within so many seconds."""
    until = time.monotonic() + seconds
    while True:
        new = _descendants(os.getpid()) - before.children
        living = {pid for pid in new if _state(pid) not in "ZX"}
        if not living or time.monotonic() > until:
            # Orphans become this process's children, and stay as zombies until they are reaped.
            for pid in new - living:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
            return living
        time.sleep(0.05)


def _be_subreaper(wanted: bool) -> None:
    """Let orphans of descendants become children of this process, where they can be counted."""
    ctypes.CDLL(None).prctl(_SUBREAPER, int(wanted), 0, 0, 0)


def _descendants(ancestor: int) -> set[int]:
    parents: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                stat = Path("/proc", entry, "stat").read_text(errors="replace")
                parents[int(entry)] = int(stat.rpartition(")")[2].split()[1])
    found = {ancestor}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {ancestor}


def _state(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return "X"
    return stat.rpartition(")")[2].split()[0]


def _listing(root: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file below a folder."""
    found = {}
    for folder, folders, names in os.walk(root):
        for name in folders + names:
            path = os.path.join(folder, name)
            stat = os.lstat(path)
            found[path] = (stat.st_size if name in names else 0, stat.st_mtime_ns)
    return found


def _grader_files() -> dict[str, tuple[int, int]]:
    """Size and time of the judge's own files."""
    folders = [ROOT / name for name in ("grader", "grader/worker", "grader/checks")]
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns)
        for folder in folders
        for path in _files(folder)
    }


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.is_file())


def _environment() -> dict[str, str]:
    """The variables, but for those of a pytest that runs another."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


def _handlers() -> dict[int, object]:
    return {int(number): signal.getsignal(number) for number in signal.valid_signals()}

"""A real Dask scheduler and real workers, as processes of this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_START_S = 120.0


class DaskProcesses:
    """Use as a context manager; whatever ends it, no process is left."""

    def __init__(self, folder: Path, tls: dict[str, str] | None = None) -> None:
        self._folder = folder
        self._tls = tls or {}
        self._file = folder / "scheduler.json"
        self._port = 0
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> DaskProcesses:
        self._folder.mkdir(parents=True, exist_ok=True)
        self.start_scheduler()
        return self

    def __exit__(self, *_exception: object) -> None:
        for process in [*self.workers, self.scheduler]:
            if process is not None:
                self.kill(process)

    @property
    def address(self) -> str:
        """Where the scheduler listens."""
        end = time.monotonic() + _START_S
        while time.monotonic() < end:
            try:
                return str(json.loads(self._file.read_text("utf-8"))["address"])
            except (OSError, ValueError, KeyError):
                time.sleep(0.1)
        raise TimeoutError("no scheduler")

    def start_scheduler(self) -> None:
        """Start it, or start it again at the same address."""
        self._file.unlink(missing_ok=True)
        more = ["--protocol", "tls"] if self._tls else []
        host = "tls://127.0.0.1" if self._tls else "127.0.0.1"
        self.scheduler = self._start(
            "scheduler", "--host", host, "--port", str(self._port), "--no-dashboard", *more
        )
        self._port = int(self.address.rpartition(":")[2])

    def add_worker(self, threads: int = 1) -> subprocess.Popen[bytes]:
        """Start one more."""
        folder = self._folder / f"worker-{len(self.workers)}"
        words = ["--nthreads", str(threads), "--no-nanny", "--no-dashboard"]
        worker = self._start("worker", *words, "--local-directory", str(folder))
        self.workers.append(worker)
        return worker

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """As a power cut does."""
        process.send_signal(signal.SIGKILL)
        process.wait()

    def _start(self, what: str, *words: str) -> subprocess.Popen[bytes]:
        tls = [word for name, file in self._tls.items() for word in (f"--tls-{name}", file)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        log = (self._folder / f"{what}.log").open("ab")
        with log:
            return subprocess.Popen(
                [
                    *(sys.executable, "-m", f"distributed.cli.dask_{what}"),
                    *("--scheduler-file", str(self._file), *words, *tls),
                ],
                cwd=self._folder,
                env=environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

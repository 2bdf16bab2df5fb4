"""Plays runs in a process of its own that imports torch and the submission, one after another."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

import msgspec

from grader.lab.plan import Task
from grader.lab.result import Order, Refusal, Result
from grader.trials.errors import TrialFault, Untrainable
from grader.trials.subjects import Subject


class Player:
    """Starts the process at the first task and keeps it: importing torch takes seconds."""

    def __init__(self) -> None:
        self._training: _Training | None = None

    def __enter__(self) -> Player:
        """Nothing is started before the first task."""
        return self

    def __exit__(self, *_exception: object) -> None:
        """End the process and remove its folder."""
        if self._training is not None:
            self._training.close()

    def play(self, task: Task) -> Result:
        """One run; `Untrainable` when the submission's code raises."""
        if self._training is None:
            self._training = _Training(task.subject)
        answer = self._training.ask(Order(task.experiment, task.seed, task.setting))
        if isinstance(answer, Refusal):
            raise Untrainable(f"`{task.subject.name}` cannot be trained: {answer.reason}")
        return answer


class _Training:
    """The process, the submission's files and what it prints to standard error."""

    def __init__(self, subject: Subject) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="dqn-lab-")
        files = Path(self._folder.name, "submission")
        files.mkdir()
        for name, content in subject.files.items():
            (files / name).write_bytes(content)
        # A file and not a pipe, which nobody reads and which would fill up.
        self._said = Path(self._folder.name, "stderr").open("w+b")  # noqa: SIM115 - stays open
        self._process = subprocess.Popen(
            [sys.executable, "-m", "grader.lab.training", str(files)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            # torch makes a folder for compiled code, which nothing here uses.
            env=os.environ | {"TORCHINDUCTOR_CACHE_DIR": str(Path(self._folder.name, "torch"))},
        )

    def ask(self, order: Order) -> Result | Refusal:
        """The answer to an order; `TrialFault` when there is none."""
        try:
            _pipe(self._process.stdin).write(msgspec.json.encode(order) + b"\n")
            _pipe(self._process.stdin).flush()
            line = _pipe(self._process.stdout).readline()
        except BrokenPipeError:
            line = b""
        if not line.endswith(b"\n"):
            raise TrialFault(f"the training process ended: {self._last_words()}")
        try:
            return msgspec.json.decode(line, type=Result | Refusal)
        except msgspec.DecodeError as error:
            raise TrialFault(f"the training process answered with nonsense: {error}") from None

    def close(self) -> None:
        """End the process, whatever it does, and remove its files."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(BrokenPipeError):
                _pipe(stream).close()
        self._said.close()
        self._folder.cleanup()

    def _last_words(self) -> str:
        self._said.seek(0)
        lines = self._said.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "no message"


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream

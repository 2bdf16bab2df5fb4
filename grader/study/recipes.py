"""How a task is played: in this process through a worker, or in a process with torch of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from grader.study.kit import Kit
from grader.study.plan import Task
from grader.study.result import Result
from grader.trials.errors import TrialFault


class Player:
    """Plays tasks of all recipes, one at a time. Use as a context manager."""

    def __init__(self) -> None:
        self._kit: Kit | None = None

    def __enter__(self) -> Player:
        """Nothing is started before the first task."""
        return self

    def __exit__(self, *_exception: object) -> None:
        """End what was started."""
        if self._kit is not None:
            self._kit.close()

    def play(self, task: Task) -> Result:
        """The outcome of one task; `TrialFault` when there is none."""
        match task.recipe:
            case "kit":
                self._kit = self._kit or Kit()
                return self._kit.play(task)
            case "page":
                with tempfile.TemporaryDirectory(prefix="dqn-study-") as folder:
                    for name, content in task.subject.files.items():
                        Path(folder, name).write_bytes(content)
                    return _outside("page", str(task.seed), folder)
            case "sb3":
                return _outside("sb3", str(task.seed))


def _outside(module: str, *arguments: str) -> Result:
    """Run a script that imports torch, which the judge's process never does."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"grader.study.outside.{module}", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        out, err = process.communicate()
    finally:
        process.kill()
        process.wait()
    if process.returncode != 0:
        said = err.decode("utf-8", "replace").strip().splitlines()
        raise TrialFault(f"the recipe `{module}` ended: {said[-1] if said else 'no message'}")
    try:
        return msgspec.json.decode(out, type=Result)
    except msgspec.DecodeError as error:
        raise TrialFault(f"the recipe `{module}` answered with nonsense: {error}") from None

"""The side of a slot that has the work: one process, replaced when it is lost."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grader.classroom import frames

#: Work whose process was lost so many times is given up for now.
MAX_LOSSES = 3
_END_S = 6.0
#: One thread, before NumPy is imported, as `python -m grader` has it.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_ROOT = Path(__file__).resolve().parents[2]


@dataclasses.dataclass(frozen=True)
class Setup:
    """How slots isolate submissions, and where they may put temporary folders."""

    wanted: str
    least: str
    temporary: str | None = None


class Station:
    """One slot at a time. Not for several threads at once, but for `close`."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False
        self.losses = 0

    def open(self) -> dict[str, Any]:
        """Start the process; what its desk says (`Desk.open`), or a `fault`."""
        try:
            self._start()
            return self._answer()
        except (frames.Ended, OSError) as error:
            self._give_up()
            return {"status": "fault", "reason": f"a grading process did not start {error}".strip()}

    def grade(self, work: Mapping[str, Any]) -> dict[str, Any]:
        """The result; a process that is lost on the way is replaced, and the work done again."""
        for _ in range(MAX_LOSSES):
            if self._process is None:
                opened = self.open()
                if opened["status"] != "ready":
                    return {"submission": work["submission"], **opened}
            try:
                assert self._process is not None
                assert self._process.stdin is not None
                frames.send(self._process.stdin, work)
                return self._answer()
            except frames.Ended:
                self._give_up()
                self.losses += 1
                if self._closed:
                    break
        reason = f"the process that graded it was lost {MAX_LOSSES} times"
        return {"submission": work["submission"], "status": "fault", "reason": reason}

    def hang_up(self) -> None:
        """Let the process end; returns at once."""
        self._closed = True
        process = self._process
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()

    def close(self) -> None:
        """Return when the process is gone."""
        self.hang_up()
        self._give_up()

    def _start(self) -> None:
        if self._closed:
            raise frames.Ended
        environment = {**os.environ, **dict.fromkeys(_THREADS, "1")}
        # Wherever this runs, the same grader is imported.
        paths = [str(_ROOT), *filter(None, [environment.get("PYTHONPATH")])]
        environment["PYTHONPATH"] = os.pathsep.join(paths)
        if self._setup.temporary is not None:
            environment["TMPDIR"] = self._setup.temporary
        self._process = subprocess.Popen(
            [sys.executable, "-m", "grader.classroom.slot"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            # Ctrl-C in a terminal is for the process that has the work.
            start_new_session=sys.platform != "win32",
        )
        assert self._process.stdin is not None
        frames.send(self._process.stdin, dataclasses.asdict(self._setup))

    def _answer(self) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        return frames.receive(self._process.stdout)

    def _give_up(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

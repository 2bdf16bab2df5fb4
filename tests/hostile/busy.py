"""Whether a grading beside seven busy ones gives the same report as alone."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.hostile.corpus import BASES, ROOT
from tests.validity.corpus import FILES

NEIGHBOURS = 7
_LOOPS = "\n\nwhile True:\n    pass\n"
_LOOPS_IN_SAMPLE = """

def _sample(self, batch_size):
    while True:
        pass


ReplayBuffer.sample = _sample
"""
_WORKS_HARD = """

_update = DQNAgent.update


def _slowly(self, batch_size):
    for _ in range(20_000):
        pass
    return _update(self, batch_size)


DQNAgent.update = _slowly
"""
#: What is graded, by name: additions to files of a correct submission.
SUBMISSIONS: dict[str, dict[str, str]] = {
    "correct, whole": {},
    "loops until its CPU time is over": {"replay_buffer.py": _LOOPS_IN_SAMPLE},
    "works hard": {"dqn_agent.py": _WORKS_HARD},
}
WHOLE = "correct, whole"


def compare(name: str, neighbours: int = NEIGHBOURS) -> tuple[str | None, float, float]:
    """Grade one of `SUBMISSIONS` alone and beside others.

    What differs (None when nothing does), and how many seconds each took.
    """
    options = [] if name == WHOLE else ["--no-solve"]
    with tempfile.TemporaryDirectory(prefix="handed-in-") as folder:
        mine = _write(Path(folder, "mine"), SUBMISSIONS[name])
        alone, alone_s = _graded(mine, options)
        busy = _write(Path(folder, "busy"), dict.fromkeys(FILES, _LOOPS))
        with _beside(busy, neighbours):
            beside, beside_s = _graded(mine, options)
    return difference(alone, beside), alone_s, beside_s


def difference(one: Any, other: Any, where: str = "report") -> str | None:
    """Where two reports differ, and how; None when they are equal."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        pairs = [(one[key], other[key], f"{where}.{key}") for key in one]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = [(a, b, f"{where}[{n}]") for n, (a, b) in enumerate(zip(one, other, strict=True))]
    else:
        return None if one == other else f"{where}: {one!r} alone, {other!r} beside others"[:500]
    return next((told for told in (difference(*pair) for pair in pairs) if told), None)


def _write(folder: Path, additions: Mapping[str, str]) -> Path:
    folder.mkdir()
    for name in FILES:
        text = (BASES / "textbook" / name).read_text("utf-8")
        (folder / name).write_text(text + additions.get(name, ""), "utf-8")
    return folder


def _command(path: Path, options: list[str]) -> list[str]:
    return [sys.executable, "-m", "grader", "grade", str(path), "--json", "-", *options]


def _graded(path: Path, options: list[str]) -> tuple[dict[str, Any], float]:
    """The report without what is measured in time, and the seconds it took."""
    begun = time.monotonic()
    done = subprocess.run(
        _command(path, options), cwd=ROOT, capture_output=True, text=True, check=True
    )
    report = json.loads(done.stdout)
    del report["timing"]
    for check in report["checks"]:
        del check["duration_s"]
    return report, time.monotonic() - begun


@contextmanager
def _beside(path: Path, count: int) -> Iterator[None]:
    """So many gradings at any time, each followed by the next."""
    over = threading.Event()
    running: list[subprocess.Popen[bytes]] = []

    def go_on() -> None:
        while not over.is_set():
            process = subprocess.Popen(
                _command(path, ["--no-solve"]),
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            running.append(process)
            process.wait()

    threads = [threading.Thread(target=go_on) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for process in running:
            process.terminate()
        for thread in threads:
            thread.join()

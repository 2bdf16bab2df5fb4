"""Kill a class at random moments, resume it, and hold it against the undisturbed run.

    python -m tests.classroom.kills [--students 300] [--kills 50] [--only PART]

What is killed in turn: a judge (a slot's process), the class process itself, a Dask worker, the
Dask scheduler with its workers. Afterwards every submission has its verdict, and each is that of
the undisturbed run, apart from timing.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from grader.classroom.journal import Journal
from tests.classroom.dask_processes import DaskProcesses
from tests.classroom.generated import generate

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("judge", "class", "worker", "scheduler")
#: From a start to the first verdict, on a busy machine.
_FIRST_VERDICT_S = 120.0


class Disturbed:
    """One folder of results that is completed by commands which are killed on the way."""

    def __init__(self, source: Path, folder: Path, options: list[str], seed: int = 0) -> None:
        self.out = folder / "out"
        self.killed = dict.fromkeys(KINDS, 0)
        self._source = source
        self._options = options
        self._generator = random.Random(seed)
        self._dask = DaskProcesses(folder / "dask")

    def __enter__(self) -> Disturbed:
        self._dask.__enter__()
        self._dask.add_worker(threads=2)
        return self

    def __exit__(self, *exception: object) -> None:
        self._dask.__exit__(*exception)

    def disturb(self, kills: int, longest_s: float) -> None:
        """Kill something so many times, each after at most so many seconds of work."""
        for number in range(kills):
            self._strike(KINDS[number % len(KINDS)], self._generator.uniform(0, longest_s))

    def finish(self) -> None:
        """Resume undisturbed; `RuntimeError` when that does not end well."""
        process = self._start(on_dask=False)
        _, stderr = process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"exit status {process.returncode}:\n{stderr}")

    def _strike(self, kind: str, after_s: float) -> None:
        before = _verdicts(self.out)
        process = self._start(on_dask=kind in ("worker", "scheduler"))
        try:
            # One in four on the way to the first verdict, the others in the midst of them.
            early = self._generator.random() < 0.25
            end = time.monotonic() + _FIRST_VERDICT_S
            while not early and process.poll() is None and time.monotonic() < end:
                if _verdicts(self.out) > before:
                    break
                time.sleep(0.05)
            time.sleep(after_s)
            self._kill(kind, process)
            self.killed[kind] += 1
        finally:
            # A class whose judge or worker was killed goes on; it is ended to be resumed.
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.communicate(timeout=120)

    def _kill(self, kind: str, process: subprocess.Popen[str]) -> None:
        if kind == "class":
            process.kill()
        elif kind == "judge":
            slots = [pid for pid in _below(process.pid) if b"grader.classroom.slot" in _words(pid)]
            for pid in slots[:1]:
                os.kill(pid, signal.SIGKILL)
        elif kind == "worker":
            self._dask.kill(self._dask.workers[-1])
            self._dask.add_worker(threads=2)
        else:
            assert self._dask.scheduler is not None
            self._dask.kill(self._dask.scheduler)
            for worker in self._dask.workers:
                self._dask.kill(worker)
            self._dask.start_scheduler()
            self._dask.add_worker(threads=2)

    def _start(self, on_dask: bool) -> subprocess.Popen[str]:
        more = ["--scheduler", self._dask.address] if on_dask else []
        return start(self._source, self.out, [*self._options, *more])


def start(source: Path, out: Path, options: list[str]) -> subprocess.Popen[str]:
    """`class grade` in a process of its own."""
    words = ["-m", "grader", "class", "grade", str(source), "--out", str(out), *options]
    return subprocess.Popen(
        [sys.executable, *words],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        # As in a foreground terminal: what runs this may have interrupts ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def _verdicts(out: Path) -> int:
    try:
        with Journal.to_read(out) as journal:
            return sum(1 for s in journal.standings(journal.grading()) if s.verdict is not None)
    except Exception:  # not made yet
        return 0


def _below(pid: int) -> Iterator[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in map(int, children):
        yield child
        yield from _below(child)


def _words(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def reports(out: Path) -> dict[str, str]:
    """Every staff report without what differs between any two runs."""
    found = {}
    for path in sorted((out / "staff").glob("*/report.json")):
        report = json.loads(path.read_text(encoding="utf-8"))
        del report["timing"]
        for check in report["checks"]:
            del check["duration_s"]
        found[path.parent.name] = json.dumps(report, sort_keys=True)
    return found


def survives(
    students: int, kills: int, longest_s: float, options: list[str], seed: int = 0
) -> bool:
    """Print what came of it; whether every verdict is there and none is another."""
    with tempfile.TemporaryDirectory(prefix="dqn-kills-") as name:
        folder = Path(name)
        generate(folder / "class", students)
        process = start(folder / "class", folder / "undisturbed", options)
        _, stderr = process.communicate()
        print(f"  undisturbed: exit status {process.returncode}", flush=True)
        if process.returncode != 0:
            print(stderr)
            return False
        with Disturbed(folder / "class", folder, options, seed) as disturbed:
            disturbed.disturb(kills, longest_s)
            done = _verdicts(disturbed.out)
            print(f"  killed: {disturbed.killed}; {done} students with a verdict by then")
            disturbed.finish()
        expected, got = reports(folder / "undisturbed"), reports(disturbed.out)
    others = [name for name in expected if expected[name] != got.get(name)]
    print(f"  {len(got)} of {students} students have a report, {len(others)} differ {others}")
    return not others and len(got) == students


def main() -> int:
    """Returns 1 when a verdict is missing or another."""
    parser = argparse.ArgumentParser(prog="python -m tests.classroom.kills", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--students", type=int, default=300, metavar="N", help="(300)")
    parser.add_argument("--kills", type=int, default=50, metavar="N", help="(50)")
    parser.add_argument("--longest", type=float, default=8.0, metavar="S", help="work per kill (8)")
    parser.add_argument("--only", action="append", default=[], metavar="PART", help="parts")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    chosen = parser.parse_args()
    options = [word for part in chosen.only for word in ("--only", part)] or ["--no-solve"]
    whole = survives(chosen.students, chosen.kills, chosen.longest, options, chosen.seed)
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())

"""(g) A class of mixed submissions: fixed cost of each, throughput, and what the class adds."""

from __future__ import annotations

import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from grader.classroom.desk import Desk
from grader.classroom.terms import grader_hash
from grader.client import Worker
from grader.keys import PUBLIC_KEY
from grader.release.digest import submission_sha256
from grader.sandbox.intake import IntakeError, take_in
from tests.bench.figures import run, say, spread
from tests.classroom.generated import generate

FIXED = 24


def measure(students: int) -> None:
    """Everything without the CartPole run, which is the student's own computing."""
    say(f"\n(g) a class of {students} students, without the CartPole run")
    with tempfile.TemporaryDirectory(prefix="dqn-bench-") as name:
        folder = Path(name)
        generate(folder / "class", students)
        _fixed_cost(folder / "class")
        seconds = {jobs: _class_seconds(folder, jobs) for jobs in (1, 2)}
    for jobs, (wall, graded, count) in seconds.items():
        say(f"  {jobs} slot(s)                {wall:.1f} s for {count} gradings of {graded:.1f} s")
    wall, graded, _count = seconds[1]
    say(f"  two slots against one     {wall / seconds[2][0]:.2f} times the throughput")
    say(f"  what the class adds       {100 * (wall / graded - 1):.1f} % (start and results too)")


def _fixed_cost(source: Path) -> None:
    """The seconds of a grading in which nothing was asked of the submission."""
    fixed, whole, computed = [], [], []
    with Desk("auto", "plain") as desk:
        desk.open()
        for number, files in enumerate(_files(source)):
            waited: list[float] = []
            begun, computing = time.perf_counter(), time.process_time()
            with _waiting_counted(waited):
                desk.grade(_work(files))
            took = time.perf_counter() - begun
            if number > 1:  # steady by then
                fixed.append(took - sum(waited))
                whole.append(took)
                computed.append(time.process_time() - computing)
            if len(fixed) == FIXED:
                break
    say(f"  a grading                 {spread(whole)} s")
    say(f"  of that not the student's {spread(fixed)} s, mean {statistics.fmean(fixed):.2f} s")
    say(
        f"  computed by the judge     {spread(computed)} s, mean {statistics.fmean(computed):.2f} s"
    )


@contextmanager
def _waiting_counted(waited: list[float]) -> Iterator[None]:
    """Adds up the time between a request and its reply, which is the submission's."""
    receive = Worker.receive

    def counted(self: Worker, kind: type) -> object:
        begun = time.perf_counter()
        try:
            return receive(self, kind)
        finally:
            waited.append(time.perf_counter() - begun)

    with mock.patch.object(Worker, "receive", counted):
        yield


def _files(source: Path) -> Iterator[dict[str, bytes]]:
    for path in sorted(source.iterdir()):
        try:
            yield dict(take_in(path).files)
        except IntakeError:
            continue


def _work(files: dict[str, bytes]) -> dict[str, object]:
    return {
        "submission": submission_sha256(files),
        "files": files,
        "key": PUBLIC_KEY,
        "grader": grader_hash(),
        "solve": False,
        "only": [],
        "hidden": False,
    }


def _class_seconds(folder: Path, jobs: int) -> tuple[float, float, int]:
    """Wall time of the command, and the sum of its gradings' own seconds."""
    out = folder / f"out-{jobs}"
    words = ["-m", "grader", "class", "grade", str(folder / "class"), "--out", str(out)]
    begun = time.perf_counter()
    run([sys.executable, *words, "--no-solve", "--jobs", str(jobs)])
    wall = time.perf_counter() - begun
    database = sqlite3.connect(out / "journal.sqlite")
    total, count = database.execute("SELECT sum(seconds), count(*) FROM verdict").fetchone()
    database.close()
    return wall, total, count

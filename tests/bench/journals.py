"""(h) A journal of many students: how long reading it takes, and how much memory writing to it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from grader.classroom.journal import Journal
from grader.classroom.records import TurnRow, Verdict
from grader.classroom.summary import summary_of
from grader.classroom.terms import Terms, environment_id
from grader.environment import read_environment
from grader.grading import Options
from grader.unscored import ungradable_report
from tests.bench.figures import ROOT, say, spread

REPEATS = 5
#: What the class process does when every verdict is there: everything but grading.
_RESUME = """
import resource, sys
from pathlib import Path
from grader.classroom import results
from grader.classroom.journal import Journal
from grader.classroom.results import write_results
for name in ("report.txt", "report.html"):  # most of the time, and no more memory
    del results.WRITERS[name]
with Journal.to_write(Path(sys.argv[1])) as journal:
    write_results(journal, journal.grading())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def measure(students: int) -> None:
    """Every student with a submission of their own."""
    say(f"\n(h) a journal of {students:,} students and verdicts")
    with tempfile.TemporaryDirectory(prefix="dqn-bench-") as name:
        old, new = Path(name) / "old", Path(name) / "new"
        fill(old, students)
        shutil.copytree(old, new)
        size = (old / "journal.sqlite").stat().st_size
        say(f"  size                      {size / 1024**2:.0f} MB")
        for words in (["status", "--out", str(old)], ["compare", str(old), str(new)]):
            say(f"  class {words[0]:<20}{spread([_seconds(words) for _ in range(REPEATS)])} s")
        begun = time.perf_counter()
        peak = int(_output([sys.executable, "-c", _RESUME, str(old)]))
        took = time.perf_counter() - begun
        say(f"  class process at most     {peak / 1024:.0f} MB")
        say(f"  reports as JSON written   in {took:.0f} s")


def fill(out: Path, students: int) -> None:
    """A journal as `class grade` leaves it."""
    out.mkdir()
    environment = read_environment("plain")
    entry = msgspec.to_builtins(environment)
    report = msgspec.structs.replace(
        ungradable_report("", Options(view="staff"), ""),
        status="graded",
        reason=None,
        environment=environment,
    )
    checks = [
        msgspec.structs.replace(
            check, status="failed", observed="what was observed " * 40, why="why " * 40
        )
        for check in report.checks
    ]
    report = msgspec.structs.replace(report, checks=checks)
    data, summary = msgspec.json.encode(report), summary_of(report)
    with Journal.to_write(out) as journal:
        journal._db.execute("PRAGMA synchronous = OFF")  # filled once, and thrown away
        turns = [_turn(number) for number in range(students)]
        terms = Terms.of("public", True, ())
        grading = journal.begin("nowhere", "plain", "newest", terms, ("auto", "plain"), turns)
        name = environment_id(entry)
        grading = journal.admit(grading, {name: msgspec.json.encode(entry).decode()})
        for turn in turns:
            assert turn.submission is not None
            journal.keep_submission(turn.submission, {"q_network.py": turn.submission.encode()})
            journal.add_verdict(grading, Verdict(turn.submission, name, summary, 1.0, data))
        journal.finish(grading)


def _turn(number: int) -> TurnRow:
    return TurnRow(
        student=f"student-{number:05}",
        name=f"Name of {number}",
        email="",
        path=f"student-{number:05}",
        at="",
        late=None,
        others=(),
        submission=f"{number:064x}",
        left_out=(),
    )


def _seconds(words: list[str]) -> float:
    begun = time.perf_counter()
    _output([sys.executable, "-m", "grader", "class", *words])
    return time.perf_counter() - begun


def _output(command: list[str]) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", check=True
    )
    return done.stdout

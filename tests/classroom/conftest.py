"""Classes that are graded in no time: a submission's first line says what comes of it.

# fails: update.terminal=UPDATE_NO_TERMINAL_MASK sample.dtypes
# advice: GIVEN_CHANGED_SELECT_ACTION
# seconds: 3.5
# fault
"""

import os
import queue
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from grader.classroom.journal import Journal
from grader.classroom.results import write_results
from grader.classroom.session import Order, complete, take_in_class
from grader.environment import read_environment
from grader.grading import Options
from grader.keys import PUBLIC_KEY, Key
from grader.report.model import AdviceEntry
from grader.unscored import ungradable_report

ROOT = Path(__file__).resolve().parents[2]
FILES = ("q_network.py", "replay_buffer.py", "dqn_agent.py")


@pytest.fixture(scope="session")
def root():
    """The checkout."""
    return ROOT


def entry(**changes):
    """The environment of a grading that was never made."""
    return msgspec.to_builtins(read_environment("plain")) | {"cpu": "a processor"} | changes


def report_on(text, secret=PUBLIC_KEY, environment=None, *, solve=False):
    """The report that the first lines of a submission ask for; with `solve`, CartPole is solved."""
    wanted = dict(re.findall(r"# (\w+): (.*)", text))
    failed = {
        word.partition("=")[0]: word.partition("=")[2] or None
        for word in wanted.get("fails", "").split()
    }
    empty = ungradable_report("", Options(view="staff", key=Key(secret)), "")
    checks = []
    for check in empty.checks:
        if check.part == "cartpole" and not solve:
            checks.append(check)
        elif check.id in failed:
            code = failed[check.id]
            status = code if code in ("crashed", "timed_out") else "failed"
            told = {"observed": "seen", "code": None if status == code else code}
            checks.append(msgspec.structs.replace(check, status=status, **told))
        else:
            checks.append(msgspec.structs.replace(check, status="passed", score=check.max_score))
    assert set(failed) <= {check.id for check in checks}, failed
    parts = [
        msgspec.structs.replace(
            part,
            score=sum(check.score for check in checks if check.part == part.id),
            attempted=solve or part.id != "cartpole",
        )
        for part in empty.parts
    ]
    advice = [AdviceEntry(code=code, message="advice") for code in wanted.get("advice", "").split()]
    return msgspec.structs.replace(
        empty,
        status="graded",
        reason=None,
        checks=checks,
        parts=parts,
        advice=advice,
        score=sum(part.score for part in parts),
        attempted_max=100 if solve else 85,
        environment=msgspec.convert(environment or entry(), type(empty.environment)),
    )


class Fake:
    """An executor without processes; `graded` lists what it was given."""

    def __init__(self, environment=None, capacity=2, stop_after=None):
        self.environment = environment or entry()
        self.capacity = capacity
        self.graded = []
        self._stop_after = stop_after
        self._results = queue.Queue()

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        return None

    def environments(self):
        return [self.environment]

    def hand_out(self, work):
        if self._stop_after is not None and len(self.graded) >= self._stop_after:
            raise KeyboardInterrupt
        self.graded.append(work["submission"])
        self._results.put(self._result(work))

    def _result(self, work):
        text = b"".join(work["files"].values()).decode()
        base = {"submission": work["submission"]}
        if "# fault" in text:
            return base | {"status": "fault", "reason": "out of order"}
        seconds = re.search(r"# seconds: (\S+)", text)
        return base | {
            "status": "graded",
            "report": msgspec.json.encode(
                report_on(text, work["key"], self.environment, solve=work["solve"])
            ),
            "environment": self.environment,
            "seconds": float(seconds[1]) if seconds else 1.0,
        }

    def result(self):
        return self._results.get_nowait()

    def under_way(self):
        return []


class Heard:
    """A listener that remembers."""

    def __init__(self):
        self.known_, self.graded_, self.failed_ = None, [], []

    def known(self, total, done):
        self.known_ = (total, done)

    def graded(self, sha256, report, seconds):
        self.graded_.append(sha256)

    def failed(self, sha256, reason):
        self.failed_.append(reason)


@pytest.fixture
def hand_in(tmp_path):
    """Write a class of plain folders: {student: first lines of q_network.py}; None is empty."""

    def write(submissions, place="handed-in"):
        source = tmp_path / place
        source.mkdir(exist_ok=True)
        for student, text in submissions.items():
            folder = source / student
            folder.mkdir(exist_ok=True)
            if text is not None:
                (folder / "q_network.py").write_text(text, encoding="utf-8")
        return source

    return write


@pytest.fixture
def grade_class(tmp_path):
    """Grade a class with `Fake`; returns the executor, and what the listener heard."""

    def grade(source, out=None, *, executor=None, names=True, **changes):
        order = {
            "source": Path(source),
            "rule": "newest",
            "key": Key(PUBLIC_KEY),
            "solve": False,
            "only": frozenset(),
            "hidden": False,
            "sandbox": ("auto", "plain"),
        } | changes
        fake, heard = executor or Fake(), Heard()
        with Journal.to_write(_folder(out or tmp_path / "out")) as journal:
            taken = take_in_class(journal, Order(**order))
            grading = complete(journal, taken.grading, lambda _n: fake, heard)
            write_results(journal, grading, names)
        return fake, heard

    return grade


def _folder(path):
    path.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture
def command(tmp_path):
    """Run `python -m grader class …` in an empty folder; never a traceback."""

    def run(*arguments, start=False, env=None, **options):
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "DQN_"))}
        more = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
        keywords = {
            "cwd": tmp_path,
            "env": keep | more | (env or {}),
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "encoding": "utf-8",
        } | options
        words = [sys.executable, "-m", "grader", "class", *map(str, arguments)]
        if start:
            return subprocess.Popen(words, **keywords)
        done = subprocess.run(words, timeout=400, **keywords)
        assert "Traceback" not in done.stderr
        return done

    return run

"""The CartPole part of a submission, graded without the checks that it rests on."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from grader.cartpole import run as cartpole_run
from grader.cartpole.schedule import Schedule
from grader.client import Worker
from grader.oracle.dqn import Learner
from grader.oracle.network import Layout
from grader.protocol.framing import pack
from grader.protocol.messages import Advanced, ReplyFrame
from grader.report.model import CheckResult, SolveEntry
from grader.rubric import load_rubric
from grader.sandbox.hosts import can_fork
from grader.sandbox.plain import start_plain
from grader.solving import grade_cartpole

ROOT = Path(__file__).resolve().parents[2]
MODULES = ("q_network", "replay_buffer", "dqn_agent")
SOLUTIONS_LAYOUT = Layout((0, 1, 2, 3, 4, 5), (False,) * 6)


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """On a busy machine a second one makes small matrices slow."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def patched():
    """The solution's files with code added at their ends, by module."""

    def files(ends):
        known = {f"{m}.py": (ROOT / "solution" / f"{m}.py").read_bytes() for m in MODULES}
        for module, code in ends.items():
            known[f"{module}.py"] += b"\n\n" + code.encode()
        return known

    return files


@dataclass
class Grading:
    """The CartPole part's result, and a digest of all that the agent did."""

    check: CheckResult
    solve: SolveEntry
    replies: str

    @property
    def audited(self):
        return self.solve.audit.audited_updates


class Checked:
    """The plugin as it is once every check has passed, but for those in `failed`."""

    def __init__(self, failed, learner):
        entries = load_rubric().check
        self.results = {
            e.id: SimpleNamespace(part=e.part, status="failed" if e.id in failed else "passed")
            for e in entries
        }
        codes = [] if learner.code is None else [learner.code]
        self._views = SimpleNamespace(
            layout=lambda _shape: SOLUTIONS_LAYOUT,
            sync_ran=True,
            known_diagnosis=SimpleNamespace(learner=learner, codes=codes),
        )

    def view(self, _part, _kind):
        return self._views


class Listening(Worker):
    """Keeps a digest of what the agent did: batches, losses, weights and actions."""

    def __init__(self, host):
        super().__init__(host)
        self.digest = hashlib.sha256()

    def receive(self, kind):
        reply = super().receive(kind)
        if kind is Advanced:
            self.digest.update(pack(ReplyFrame(id=0, body=reply)))
        return reply


@pytest.fixture(scope="session")
def hosts():
    """A worker's host with some files; where processes fork, one prepared parent for all."""
    opened = []

    def host(files):
        if opened and can_fork():
            opened[0].serve(files)
        else:
            opened.append(start_plain(files))
        return opened[-1]

    yield host
    for each in opened:
        each.close()


@pytest.fixture
def train(hosts):
    """Grade the CartPole part of a submission whose other parts were graded already.

    settings : changes to the schedule
    failed : the checks that failed
    learner : what the update checks identified, if any of theirs failed
    """
    entry = load_rubric().checks_of("cartpole")[0]

    def grade(files, settings=None, failed=(), learner=Learner, key=b"cartpole"):
        worker = Listening(hosts(files))
        schedule = Schedule(**(settings or {}))
        check, solve = grade_cartpole(
            entry,
            Checked(failed, learner),
            worker,
            key,
            lambda *_: None,
            schedule,
            attempt_wall_s=schedule.wall_s,
        )
        return Grading(check, solve, worker.digest.hexdigest())

    return grade


@pytest.fixture
def impatient(monkeypatch):
    """Limits of a lockstep as short as tests need."""
    monkeypatch.setattr(cartpole_run, "STEP_CPU_S", 0.3)
    monkeypatch.setattr(cartpole_run, "STEP_WALL_S", 0.6)

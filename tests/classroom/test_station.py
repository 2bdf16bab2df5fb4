"""Slots: processes that grade, are replaced when lost, and end with whoever started them."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from grader.classroom import frames
from grader.classroom.desk import Desk
from grader.classroom.errors import ClassError
from grader.classroom.executor import Local, default_slots
from grader.classroom.station import MAX_LOSSES, Setup, Station
from grader.classroom.terms import grader_hash
from grader.keys import PUBLIC_KEY
from grader.release.digest import submission_sha256
from grader.report.model import Report

PLAIN = Setup("plain", "plain")


def work(root, changes=b"", **more):
    """The solution's network, graded alone."""
    files = {"q_network.py": (root / "solution" / "q_network.py").read_bytes() + changes}
    return {
        "submission": submission_sha256(files),
        "files": files,
        "key": PUBLIC_KEY,
        "grader": grader_hash(),
        "solve": False,
        "only": ["q_network"],
        "hidden": False,
    } | more


def score(result):
    assert result["status"] == "graded", result
    return msgspec.json.decode(result["report"], type=Report).score


@pytest.fixture(scope="module")
def station(tmp_path_factory):
    """One for all tests here."""
    station = Station(Setup("plain", "plain", str(tmp_path_factory.mktemp("temporary"))))
    opened = station.open()
    assert opened["status"] == "ready"
    assert opened["environment"]["sandbox"] == "plain"
    assert opened["grader"] == grader_hash()
    yield station
    station.close()


def test_one_process_grades_one_submission_after_another(station, root):
    pid = station._process.pid
    assert score(station.grade(work(root))) == 20
    assert score(station.grade(work(root, b"\nQNetwork.forward = lambda self, x: None\n"))) < 20
    assert score(station.grade(work(root, b"\n# once more\n"))) == 20
    assert station._process.pid == pid


def test_a_submission_that_ends_its_process_costs_nobody_else_anything(station, root):
    assert score(station.grade(work(root, b"\nimport os\nos._exit(1)\n"))) == 0
    # The prepared parent; in this tier nothing keeps a submission from it.
    station.grade(work(root, b"\nimport os\nos.kill(os.getppid(), 9)\n"))
    assert score(station.grade(work(root))) == 20


def test_a_lost_process_is_replaced_and_the_work_done_again(station, root):
    before = station.losses
    os.kill(station._process.pid, signal.SIGKILL)
    assert score(station.grade(work(root))) == 20
    assert station.losses == before + 1


def test_work_that_is_not_what_it_should_be_is_a_fault(station, root):
    wrong = work(root, submission="0" * 64)
    assert station.grade(wrong)["reason"] == "other bytes arrived than were sent"
    other = station.grade(work(root, grader="another"))
    assert other["reason"] == "another version of the grader is installed here"
    assert other["status"] == "fault"


def test_processes_that_are_lost_again_and_again_are_given_up(root, monkeypatch):
    station = Station(PLAIN)
    monkeypatch.setattr(sys, "executable", shutil.which("true"))
    opened = station.open()
    assert opened["status"] == "fault"
    assert opened["reason"].startswith("a grading process did not start")

    def lost(self):
        self._process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return {"status": "ready"}

    def nothing(_self):
        raise frames.Ended

    monkeypatch.setattr(Station, "open", lost)
    monkeypatch.setattr(Station, "_answer", nothing)
    result = station.grade(work(root))
    assert result["reason"] == f"the process that graded it was lost {MAX_LOSSES} times"
    station.close()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks for processes in /proc")
def test_a_slot_ends_in_the_middle_of_a_grading_when_nobody_wants_it(root, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "grader.classroom.slot"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=root,
        env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(root)},
    )
    try:
        temporary = tmp_path / "of the class"
        temporary.mkdir()
        frames.send(
            process.stdin, {"wanted": "plain", "least": "plain", "temporary": str(temporary)}
        )
        assert frames.receive(process.stdout)["status"] == "ready"
        frames.send(process.stdin, work(root, b"\nimport time\ntime.sleep(60)\n"))
        time.sleep(1.5)
        assert process.poll() is None
        process.stdin.close()
        process.wait(timeout=20)
        assert list(tmp_path.iterdir()) == []
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


def test_isolation_that_does_not_work_is_refused(monkeypatch):
    from grader.sandbox.interface import Refused

    def refuse(*_arguments):
        raise Refused("nothing works here", "buy another machine")

    monkeypatch.setattr("grader.classroom.desk.start_strongest", refuse)
    with Desk("auto", "landlock") as desk:
        opened = desk.open()
    assert opened == {
        "status": "refused",
        "reason": "nothing works here",
        "remedy": "buy another machine",
    }
    monkeypatch.setattr(Station, "open", lambda _self: opened)
    with Local(1, PLAIN) as local, pytest.raises(ClassError, match="nothing works here") as caught:
        local.environments()
    assert caught.value.hint == "buy another machine"


def test_a_fault_with_a_kept_worker_is_tried_again_with_a_new_one(monkeypatch, root):
    from grader.grading import GraderFault

    outcomes = [GraderFault("its disk was full"), None]
    real = __import__("grader.classroom.desk", fromlist=["grade"]).grade

    def grade(*arguments, **more):
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome
        return real(*arguments, **more)

    monkeypatch.setattr("grader.classroom.desk.grade", grade)
    with Desk("plain", "plain") as desk:
        desk.open()
        assert score(desk.grade(work(root))) == 20
    assert outcomes == []


def test_as_many_slots_as_cores_memory_permitting(monkeypatch):
    monkeypatch.setattr("grader.classroom.executor.available_cores", lambda: 8)
    for free, slots in ((64, 8), (3, 4), (0.1, 1)):
        monkeypatch.setattr(
            "grader.classroom.executor._available_bytes", lambda free=free: int(free * 1024**3)
        )
        assert default_slots() == slots

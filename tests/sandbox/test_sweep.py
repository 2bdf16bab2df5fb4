"""Processes are found by whom they came from, and by what they were started with."""

import os
import subprocess
import sys
import time

import pytest

from grader.client import Worker
from grader.protocol.messages import Load, Loaded
from grader.sandbox.plain import start_plain
from grader.sandbox.sweep import kill_descendants, kill_marked

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture
def sleeper():
    """`sleeper(variable)` starts a process that sleeps, with this in its environment."""
    started = []

    def sleeper(variable):
        started.append(subprocess.Popen(["sleep", "60"], env={"HOME": variable}))
        return started[-1]

    yield sleeper
    for process in started:
        process.kill()
        process.wait()


def test_what_is_marked_is_killed_and_nothing_else(sleeper, tmp_path):
    mine, other = sleeper(str(tmp_path / "mine")), sleeper(str(tmp_path / "other"))
    kill_marked(str(tmp_path / "mine"))
    assert mine.wait(5) == -9
    assert other.poll() is None


def test_the_judge_is_spared(sleeper, monkeypatch, tmp_path):
    """Whatever it has in its own environment."""
    marked = [sys.executable, "-c", "import sys; sys.path.insert(0, sys.argv[1])"]
    marked[-1] += "; from grader.sandbox.sweep import kill_marked; kill_marked(sys.argv[2])"
    root = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    done = subprocess.run(
        [*marked, root, str(tmp_path)], env=os.environ | {"MARK": str(tmp_path)}, timeout=30
    )
    assert done.returncode == 0


def test_descendants_are_killed_and_the_process_itself_is_not(living):
    word = f"sleep 6{os.getpid()}"
    shell = subprocess.Popen(["/bin/sh", "-c", f"{word} & {word} & read line"], stdin=-1)
    end = time.monotonic() + 10
    while len(living(f"6{os.getpid()}") - {shell.pid}) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    kill_descendants(shell.pid)
    assert shell.poll() is None
    assert living(f"6{os.getpid()}") == {shell.pid}
    shell.communicate()


ORPHAN = b"""
import os, signal, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(60)
    os._exit(0)
time.sleep(0.2)
os.kill(os.getppid(), signal.SIGKILL)
"""


def test_a_daemon_whose_parent_was_killed_is_found(living):
    host = start_plain({"q_network.py": ORPHAN})
    root = host._stage.root
    try:
        assert Worker(host).ask(Load(module="q_network", siblings={}), Loaded).raised is None
        assert len(living(root.name)) >= 2
    finally:
        host.close()
    assert living(root.name) == set()

"""Somebody kills the worker in the middle of a check."""

import contextlib
import os
import signal
import time
from pathlib import Path

import pytest

from grader.sandbox.examine import examine
from grader.sandbox.interface import SandboxFault
from grader.sandbox.tiers import FINDERS

#: Sleeps in the first call and in no later one; the scratch folder outlives the process.
SLEEPY = """
    import os, tempfile, time
    once = os.path.join(tempfile.gettempdir(), "once")
    if not os.path.exists(once):
        open(once, "w").close()
        time.sleep(8)
    self.target_net.load_state_dict(self.q_net.state_dict())
"""
pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")


def children(pid):
    """Processes of which `pid` is the parent."""
    try:
        return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def descendants(pid):
    """All processes below one, each with its parent."""
    for child in children(pid):
        yield pid, child
        yield from descendants(child)


def sleeping_worker(judge, deadline_s=60):
    """The prepared parent and its child, once the child runs the sleepy method."""
    deadline = time.monotonic() + deadline_s
    while time.monotonic() < deadline:
        for parent, child in descendants(judge):
            if not children(child) and any(scratch_of(child).glob("once")):
                return parent, child
        time.sleep(0.05)
    raise AssertionError("no worker has come to the sleepy method")


def scratch_of(pid):
    """The working folder of a worker, as that process sees it."""
    try:
        return Path(f"/proc/{pid}/root{os.readlink(f'/proc/{pid}/cwd')}")
    except OSError:
        return Path("/nonexistent")


@pytest.mark.parametrize("victim", ["child", "parent and child"])
@pytest.mark.parametrize("tier", ["plain", "bubblewrap"])
def test_a_killed_worker_is_told_and_replaced(submission, start, finish, victim, tier):
    folder = submission(bodies={"DQNAgent.update_target": SLEEPY})
    options = ("--no-solve", "--only", "update_target", "--only", "sample", "--sandbox", tier)
    if tier != "plain":
        try:
            look = examine(FINDERS[tier](), [["use_scratch"]])
        except SandboxFault as fault:
            pytest.skip(f"`{tier}` does not work here: {fault}")
        assert look[0].done
    process, out = start(folder, *options)
    try:
        parent, child = sleeping_worker(process.pid)
        if victim != "child":
            os.kill(parent, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):  # it may have gone with its parent
            os.kill(child, signal.SIGKILL)
    except BaseException:
        process.kill()
        raise
    grading = finish(process, out)
    assert grading.returncode == 0
    assert grading.points == {"sample": 20, "update_target": 0}
    check = grading.check("update_target.copies")
    assert check["status"] == "crashed"
    assert "the process ended during the call" in check["observed"]
    assert "`update_target`" in check["observed"]

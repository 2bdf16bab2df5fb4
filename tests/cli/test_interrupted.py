"""Faults of the grader itself, and interruptions: nothing is said about the student."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

#: Breaks something of the grader's own, then runs the command line.
DRIVER = """
import sys
import grader.cartpole.audit, grader.checks.updates, grader.sandbox.process
from grader.cli import main

def broken(*_arguments, **_more):
    raise {error}("the oracle is out of order")

{breakage}
sys.exit(main(sys.argv[1:]))
"""
BREAKAGES = {
    "a check": ("RuntimeError", "grader.checks.updates.Updates.judge = broken", "update"),
    "an assertion": ("AssertionError", "grader.checks.updates.Updates.judge = broken", "update"),
    "the worker's start": (
        "RuntimeError",
        "grader.sandbox.process.BOOTSTRAP = '/no/such/bootstrap.py'",
        "update_target",
    ),
    "the audit": ("RuntimeError", "grader.cartpole.audit._relative_error = broken", "cartpole"),
}


@pytest.mark.parametrize("kind", BREAKAGES)
def test_a_fault_of_the_grader_is_nobodys_failure(environment, mine, cwd, tmp_path, kind):
    error, breakage, part = BREAKAGES[kind]
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    driver = DRIVER.format(error=error, breakage=breakage)
    arguments = ["grade", str(mine), "--only", part, "--fail-under", "100", "--json", "out.json"]
    done = subprocess.run(
        [sys.executable, "-c", driver, *arguments],
        cwd=cwd,
        env=environment(TMPDIR=str(temporary)),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert "says nothing about the submission" in done.stderr
    assert "hint: " in done.stderr
    assert done.stdout == ""
    report = json.loads((cwd / "out.json").read_text(encoding="utf-8"))
    assert (report["status"], report["score"]) == ("grader_fault", None)
    assert {check["status"] for check in report["checks"]} == {"not_attempted"}
    assert report["reason"]
    if kind != "the worker's start":
        assert report["reason"] == f"{error}: the oracle is out of order"
    assert list(temporary.iterdir()) == []


def descendants(pid):
    """All processes below one, by /proc."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    children = [int(child) for child in path.read_text().split()] if path.exists() else []
    return [*children, *(d for child in children for d in descendants(child))]


def alive(pid):
    """Whether a process is there and no zombie."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def heed_interrupts():
    """As in a foreground terminal: what runs these tests may have interrupts ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize(
    ("at", "moment_s", "endless"),
    [("sample", 1.5, True), ("update", 0.3, False), ("cartpole", 0.7, False)],
    ids=["during student code that hangs", "during the checks", "during the CartPole run"],
)
def test_control_c_ends_everything(environment, mine, cwd, tmp_path, at, moment_s, endless):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    if endless:
        loop = "\nReplayBuffer.sample = lambda self, batch_size: [0 for _ in iter(int, 1)]\n"
        with (mine / "replay_buffer.py").open("a") as file:
            file.write(loop)
    options = ["--only", at] if endless else []
    process = subprocess.Popen(
        [sys.executable, "-m", "grader", "grade", str(mine), "--json", "out.json", *options],
        cwd=cwd,
        env=environment(TMPDIR=str(temporary)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        preexec_fn=heed_interrupts,
    )
    try:
        for line in process.stderr:
            if line == f"checking {at} ...\n":
                break
        time.sleep(moment_s)
        below = descendants(process.pid)
        assert below != []
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=20)
        took = time.monotonic() - begun
    except BaseException:
        process.kill()
        raise
    assert process.returncode == 130
    assert took < 2
    assert stdout == ""
    assert "Traceback" not in stderr
    assert "interrupted" in stderr
    assert [pid for pid in below if alive(pid)] == []
    assert list(temporary.iterdir()) == []
    report = json.loads((cwd / "out.json").read_text(encoding="utf-8"))
    assert (report["status"], report["score"]) == ("interrupted", None)
    assert {check["status"] for check in report["checks"]} == {"not_attempted"}

"""What was saved is checked, part by part, with a worker that is kept."""

import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from grader import watching
from grader.grading import GraderFault, Options, Silent
from grader.sandbox.plain import start_plain
from grader.watching import Watch, saves, signature

ROOT = Path(__file__).resolve().parents[2]
BARE = {
    "q_network.py": "class QNetwork: pass\n",
    "replay_buffer.py": "class ReplayBuffer: pass\n",
    "dqn_agent.py": "class DQNAgent: pass\n",
}


@pytest.fixture
def folder(tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    for path in (ROOT / "solution").glob("*.py"):
        shutil.copy(path, mine)
    return mine


class Watched:
    """A watch of a folder, with what it shows and how often it started a worker."""

    def __init__(self, folder):
        self.started = 0
        self.console = Console(file=io.StringIO(), width=100, color_system=None)
        self.watch = Watch(
            folder, Options(), self._start, self.console, lambda: contextlib.nullcontext(Silent())
        )

    def _start(self, files):
        self.started += 1
        return start_plain(files)

    def look(self):
        """What is shown of the folder as it is now."""
        self.console.file = io.StringIO()
        self.watch.look()
        return self.console.file.getvalue()


@pytest.fixture
def watched(folder):
    made = Watched(folder)
    yield made
    made.watch._drop_host()


def edit(path, old, new):
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_a_saved_file_is_checked_and_no_other(watched, folder):
    shown = watched.look()
    assert "Score: 85/85" in shown
    edit(folder / "dqn_agent.py", "* (1.0 - dones)", "")
    shown = watched.look()
    assert "Score: 41/45" in shown
    assert "UPDATE_NO_TERMINAL_MASK" in shown
    assert "One Q-value per action" not in shown
    # The last line has what is known of every part.
    scores = " ".join(shown.splitlines()[-2:])
    assert "QNetwork 20/20   ReplayBuffer.sample 20/20   DQNAgent.update 31/35" in scores
    edit(folder / "q_network.py", "nn.Linear", "torch.nn.Linear")
    edit(folder / "q_network.py", "import torch\n", "import torch\n\n")
    shown = watched.look()
    assert "Score: 20/20" in shown
    assert watched.look() == ""
    assert watched.started == 1


def test_a_file_that_made_another_one_fail_is_looked_at_with_it(watched, folder):
    for name, text in BARE.items():
        (folder / name).write_text(text, "utf-8")
    (folder / "dqn_agent.py").write_text("from q_network import later\n", "utf-8")
    assert "Score: 0/85" in watched.look()
    (folder / "q_network.py").write_text("later = 1\n", "utf-8")
    shown = watched.look()
    assert "DQNAgent.update" in shown
    assert "ReplayBuffer" not in shown.splitlines()[0]


def test_a_missing_folder_and_one_without_files(watched, folder):
    shutil.rmtree(folder)
    assert "there is nothing at" in watched.look()
    folder.mkdir()
    assert "none of `q_network.py`" in watched.look()


def test_a_fault_of_the_grader_is_told_and_the_worker_replaced(watched, folder, monkeypatch):
    def fault(*_arguments):
        raise GraderFault("out of paper")

    with monkeypatch.context() as patched:
        patched.setattr(watching, "grade", fault)
        shown = watched.look()
    assert "the grader itself failed, which says nothing about your code: out of paper" in shown
    (folder / "replay_buffer.py").write_text(BARE["replay_buffer.py"], "utf-8")
    assert "ReplayBuffer.sample" in watched.look()


def test_a_file_is_saved_when_it_stays_as_it_is(folder, monkeypatch):
    path = folder / "q_network.py"
    text = path.read_bytes()
    steps = iter(
        [
            lambda: None,
            lambda: path.write_bytes(text[:10]),
            lambda: path.write_bytes(text + b"\n"),
            lambda: None,
        ]
    )
    monkeypatch.setattr(watching.time, "sleep", lambda _s: next(steps)())
    looks = saves(folder)
    assert next(looks, "a look") is None
    assert path.read_bytes() == text
    assert next(looks, "a look") is None
    assert path.read_bytes() == text + b"\n"
    assert list(steps) == []


def test_a_signature_changes_with_names_sizes_and_times(folder):
    seen = [signature(folder)]
    os.utime(folder / "q_network.py", ns=(1, 1))
    seen.append(signature(folder))
    (folder / "notes.txt").write_text("no module")
    assert signature(folder) == seen[-1]
    (folder / "train.py").unlink()
    seen.append(signature(folder))
    assert len(set(seen)) == 3
    assert signature(folder / "nowhere") == ()


def heed_interrupts():
    """As in a foreground terminal: what runs these tests may have interrupts ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def run():
    """Start the command; it is ended with the test."""
    started = []

    def start(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-m", "grader", "watch", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            preexec_fn=None if os.name == "nt" else heed_interrupts,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_what_is_no_folder_is_refused(run, tmp_path):
    process = run(str(tmp_path / "mine"))
    told, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert told.splitlines() == [
        f"error: `{tmp_path / 'mine'}` is not a folder",
        "hint: name the folder that you work in",
    ]


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent as a signal")
def test_from_the_command_line_until_ctrl_c(run, folder):
    process = run(str(folder), "--sandbox", "plain")
    lines = iter(process.stdout.readline, "")
    assert next(lines) == f"watching `{folder}`: save a file and it is checked; Ctrl-C ends\n"
    assert any("Score: 85/85" in line for line in lines)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=60)[0]
    assert process.returncode == 0
    assert rest.endswith("no longer watching\n")

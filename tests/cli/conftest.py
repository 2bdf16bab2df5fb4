"""Runs of `python -m grader` from elsewhere than the checkout."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = ("q_network.py", "replay_buffer.py", "dqn_agent.py")


@pytest.fixture(scope="session")
def root():
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def environment():
    """An environment in which `grader` is importable from any folder; keywords add to it."""

    def make(**more):
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "DQN_"))}
        return keep | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"} | more

    return make


@pytest.fixture
def cwd(tmp_path):
    """An empty folder to run in."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


@pytest.fixture
def grader(environment, cwd):
    """Run `python -m grader grade …` in an empty folder; never a traceback."""

    def run(*arguments, env=None, **options):
        options = {"cwd": cwd, "encoding": "utf-8", "timeout": 120} | options
        if "stdout" not in options:
            options["stdout"] = subprocess.PIPE
        command = [sys.executable, "-m", "grader", "grade", *map(str, arguments)]
        done = subprocess.run(
            command, env=environment(**(env or {})), stderr=subprocess.PIPE, **options
        )
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.fixture
def mine(tmp_path):
    """A copy of the solution's three files."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in FILES:
        (folder / name).write_bytes((ROOT / "solution" / name).read_bytes())
    return folder

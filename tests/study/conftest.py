"""Rows made by hand, and runs of `python -m grader study` from elsewhere than the checkout."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from grader.study.result import Result
from grader.study.rows import Row

ROOT = Path(__file__).resolve().parents[2]
#: Ends every attempt after some tenths of a second; nothing is solved so soon.
SHORT = ("--schedule", "max_updates=50")


@pytest.fixture(scope="session")
def root():
    """The checkout."""
    return ROOT


@pytest.fixture
def row():
    """A row, by what matters to a test; the curve rises to the last return."""

    def make(seed=0, outcome="solved", updates=800, seconds=2.0, **more):
        identity = {"study": "abc", "recipe": "kit", "submission": "mine", "sha256": "123"}
        identity |= {name: more.pop(name) for name in list(more) if name in identity}
        details = {
            "environment_steps": 16 * updates,
            "mean_return": 490.0 if outcome == "solved" else None,
            "largest_audit_error": 2e-5,
            "note": "" if outcome == "solved" else "not confirmed",
            "curve": [(25, 10.0), (updates, 490.0 if outcome == "solved" else 90.0)],
        } | more
        result = Result(outcome=outcome, updates=updates, seconds=seconds, **details)
        return Row(seed=seed, result=result, **identity)

    return make


@pytest.fixture
def command():
    """The command line and environment of a study."""

    def make(*arguments):
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "DQN_"))}
        environment = keep | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        return [sys.executable, "-m", "grader", "study", *map(str, arguments)], environment

    return make


@pytest.fixture
def study(command, tmp_path):
    """Run a study in an empty folder; never a traceback."""

    def run(*arguments):
        line, environment = command(*arguments)
        done = subprocess.run(
            line, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", timeout=120
        )
        assert "Traceback" not in done.stderr
        return done

    return run

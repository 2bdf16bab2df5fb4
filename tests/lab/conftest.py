"""The solution's agent, runs made by hand, and `python -m grader lab` from elsewhere."""

import importlib
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from grader.lab.result import Evaluation, Result
from grader.lab.rows import Row

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def root():
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def agent_class():
    """The solution's `DQNAgent`, which leaves no trace among the modules."""
    sys.path.insert(0, str(ROOT / "solution"))
    try:
        return importlib.import_module("dqn_agent").DQNAgent
    finally:
        sys.path.remove(str(ROOT / "solution"))
        for name in ("dqn_agent", "q_network", "replay_buffer"):
            sys.modules.pop(name, None)


@pytest.fixture
def new_agent(agent_class):
    """An agent by seed; all generators are seeded too."""

    def make(seed=0, **settings):
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        return agent_class(4, 2, **settings)

    return make


@pytest.fixture
def row():
    """A run that goes from nothing to `final`, by what matters to a test."""

    def make(experiment="baseline", seed=0, final=500.0, max_q=90.0, worth=95.0, **more):
        evaluations = [
            Evaluation(
                updates=250 * n,
                mean_return=final if n > 15 else 10.0,
                max_q=max_q if n > 15 else 1.0,
                worth=worth,
            )
            for n in range(1, 21)
        ]
        result = Result(
            environment_steps=41_000, episodes=200, seconds=9.5, evaluations=evaluations
        )
        identity = {"lab": "abc", "submission": "mine", "sha256": "123"} | more
        return Row(experiment=experiment, seed=seed, result=result, **identity)

    return make


@pytest.fixture
def command():
    """The command line and environment of a lab."""

    def make(*arguments):
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "DQN_"))}
        environment = keep | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        return [sys.executable, "-m", "grader", "lab", *map(str, arguments)], environment

    return make


@pytest.fixture
def lab(command, tmp_path):
    """Run a lab in an empty folder; never a traceback."""

    def run(*arguments):
        line, environment = command(*arguments)
        done = subprocess.run(
            line, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", timeout=240
        )
        assert "Traceback" not in done.stderr
        return done

    return run

"""The process that trains: what is said to it, and what may go wrong with it."""

import pytest

from grader.lab.plan import Task
from grader.lab.player import Player
from grader.lab.setting import Setting
from grader.trials.errors import TrialFault
from grader.trials.subjects import subject_of

SHORT = Setting(updates=4, learning_starts=70, evaluate_every=4, evaluation_episodes=2)


@pytest.fixture
def task(root):
    """A short run of the solution, with some of its text replaced."""

    def make(*changes, seed=0, experiment="baseline"):
        files = {}
        for name in ("q_network.py", "replay_buffer.py", "dqn_agent.py"):
            text = (root / "solution" / name).read_text(encoding="utf-8")
            for old, new in changes:
                text = text.replace(old, new)
            files[name] = text.encode()
        return Task(experiment, seed, "abc", subject_of("mine", files), SHORT)

    return make


def without_seconds(result):
    return result.environment_steps, result.evaluations


def test_runs_do_not_know_of_each_other_and_nothing_is_left_behind(task, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    line = "        self.action_dim = action_dim"
    # What a submission prints must neither block the process nor be taken for its answer.
    talks = (line, f"        print('x' * 100_000)\n{line}")
    first, second = task(talks, seed=1), task(talks, seed=2, experiment="newest-batch")
    with Player() as player:
        played = [without_seconds(player.play(t)) for t in (first, second, first)]
        process = player._training._process
    assert played[0] == played[2] != played[1]
    assert list(tmp_path.iterdir()) == []
    assert process.poll() is not None


def test_a_process_that_ends_is_a_fault(task):
    leaves = ("return loss.item()", "import os; print('farewell', flush=True); os._exit(3)")
    with (
        Player() as player,
        pytest.raises(TrialFault, match="the training process ended: farewell"),
    ):
        player.play(task(leaves))

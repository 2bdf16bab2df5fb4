"""The recipes to compare with, cut short."""

import importlib
import sys

import numpy as np
import pytest
import torch

from grader.study.outside import greedy, page


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def balancing(states):
    """Pushes towards where the pole falls; balances for long."""
    return (states @ np.array([0.05, 0.2, 1.0, 1.0]) > 0).astype(np.int64)


def test_screening_confirms_what_balances():
    screening = greedy.Screening(seed=0)
    assert not screening.solved(lambda states: np.zeros(len(states), np.int64), 10)
    assert screening.mean_return is None
    assert screening.solved(balancing, 20)
    assert screening.mean_return >= 475
    assert screening.curve[0][0] == 10
    assert screening.curve[0][1] < 12
    assert screening.curve[1] == (20, screening.mean_return)
    assert screening.seconds > 0


def test_the_page_counts_updates_from_the_first_full_batch(root, monkeypatch):
    monkeypatch.syspath_prepend(str(root / "solution"))
    agent = importlib.import_module("dqn_agent").DQNAgent(4, 2)
    for name in ("dqn_agent", "q_network", "replay_buffer"):
        del sys.modules[name]
    result = page.train(agent, seed=0, episodes=5)
    assert result.outcome == "unsolved"
    assert result.updates == result.environment_steps - (page.BATCH_SIZE - 1) > 0
    assert result.note == "not confirmed within 5 episodes"
    assert (result.curve, result.mean_return) == ([], None)


def test_stable_baselines_is_screened_after_every_round():
    from grader.study.outside import sb3

    result = sb3.train(seed=0, steps=1_280)
    assert result.environment_steps == 1_280
    assert [updates for updates, _mean in result.curve] == [128, 256]
    assert result.updates == 256

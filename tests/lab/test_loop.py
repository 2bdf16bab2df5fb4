"""A run of the training loop, cut short."""

import dataclasses

import numpy as np
import pytest
import torch

from grader.lab.setting import Setting
from grader.lab.training.loop import evaluate, train
from grader.lab.training.variations import Baseline

SHORT = Setting(updates=30, learning_starts=100, evaluate_every=10, evaluation_episodes=3)


@pytest.fixture
def run(new_agent):
    """A short run by seed, its processor time left out."""

    def make(seed, setting=SHORT):
        result = train(Baseline(new_agent(seed, lr=setting.lr), setting), setting, seed)
        assert result.seconds > 0
        return (result.environment_steps, result.episodes, result.evaluations)

    return make


def test_a_seed_decides_everything(run):
    assert run(1) == run(1) != run(2)


def test_updates_come_after_so_many_steps(run):
    steps, episodes, evaluations = run(0)
    # The first at step 104, which is the first multiple of 8 from 100 on.
    assert steps == 104 + 29 * 8
    assert episodes > 1
    assert [e.updates for e in evaluations] == [10, 20, 30]


def test_the_end_is_always_evaluated(run):
    _steps, _episodes, evaluations = run(0, dataclasses.replace(SHORT, evaluate_every=20))
    assert [e.updates for e in evaluations] == [20, 30]


def test_looking_does_not_change_the_run(run):
    often, seldom = run(3), run(3, dataclasses.replace(SHORT, evaluate_every=30))
    assert often[0] == seldom[0]
    assert often[2][-1] == seldom[2][-1]


def test_exploration_falls_to_its_end():
    setting = Setting(epsilon_end=0.1, epsilon_updates=100)
    assert [setting.epsilon(n) for n in (0, 50, 100, 900)] == pytest.approx([1, 0.55, 0.1, 0.1])


def test_worth_of_what_follows():
    setting = Setting(gamma=0.5)
    assert setting.value_bound == 2
    assert setting.worth(3, 0) == pytest.approx(1 + 0.5 + 0.25)
    assert setting.worth(3, 2) == pytest.approx(1)
    assert setting.worth(500, 499) == 2  # cut off: it might have gone on for ever


class Constant(torch.nn.Module):
    """Values 3 and 7 for every state; pushes to the right for ever."""

    def forward(self, states):
        return torch.tensor([3.0, 7.0]).expand(len(states), 2)


def test_an_evaluation_by_hand(new_agent):
    agent = new_agent()
    agent.q_net = Constant()
    setting = Setting(evaluation_episodes=5)
    found = evaluate(agent, setting, seed=4, updates=10)
    assert found.max_q == 7
    # Pushing one way, the pole falls after 8 to 11 steps.
    assert 8 <= found.mean_return <= 11
    assert np.mean([setting.worth(8, t) for t in range(8)]) <= found.worth + 0.01
    assert found.worth <= np.mean([setting.worth(11, t) for t in range(11)]) + 0.01
    assert evaluate(agent, setting, seed=4, updates=10) == found


def test_values_without_end_are_said(new_agent):
    agent = new_agent()
    with torch.no_grad():
        agent.q_net.output.bias.fill_(float("inf"))
    with pytest.raises(ArithmeticError, match="no longer finite after 10 updates"):
        evaluate(agent, SHORT, seed=0, updates=10)

"""The course's numbers, 8.92, 3.92 and 4.96, by the oracle and by the solution's agent."""

import numpy as np
import pytest
import torch

from grader.lab.setting import Setting
from grader.lab.training.variations import NoTargetNetwork
from grader.oracle.dqn import Batch, Learner
from grader.oracle.models import Table

HERE, NEXT = np.array([1.0, 0.0], np.float32), np.array([0.0, 1.0], np.float32)
BEFORE, AFTER = 8.0, 4.0


def table(best_next):
    """Q-values by action and state: Q(s, 0) = 5, and the best value in s'."""
    return np.array([[5.0, 0.0], [0.0, best_next]])


class TableNetwork(torch.nn.Module):
    """The same table as a network over one-hot states."""

    def __init__(self):
        super().__init__()
        self.values = torch.nn.Parameter(torch.tensor(table(BEFORE), dtype=torch.float32))

    def forward(self, states):
        return states @ self.values.T

    def set(self, best_next):
        """What a step that moves the value of s' would leave behind."""
        with torch.no_grad():
            self.values.copy_(torch.tensor(table(best_next)))


def oracle(target_best, done=0.0):
    """Target and error of the one transition, by the judge's arithmetic."""
    batch = Batch(HERE[None], np.array([0]), np.array([1.0]), NEXT[None], np.array([done]))
    learner = Learner(Table(), [table(BEFORE)], [table(target_best)], lr=0.1, gamma=0.99)
    outcome = learner.update(batch)
    return outcome.targets[0], (outcome.targets - outcome.prediction)[0], outcome.returned


def test_the_oracle():
    assert oracle(BEFORE) == pytest.approx((8.92, 3.92, 3.92**2))
    assert oracle(AFTER) == pytest.approx((4.96, -0.04, 0.04**2))
    assert oracle(BEFORE, done=1.0) == pytest.approx((1.0, -4.0, 16.0))


@pytest.fixture
def agent(new_agent):
    """The solution's agent with tables for networks and the one transition."""
    agent = new_agent(gamma=0.99)
    agent.q_net, agent.target_net = TableNetwork(), TableNetwork()
    agent.optimizer = torch.optim.SGD(agent.q_net.parameters(), lr=0.0)
    agent.buffer.push(HERE, 0, 1.0, NEXT, 0.0)
    return agent


def target(agent):
    """The target that an update used: the loss is (y − 5)², its gradient −2 (y − 5)."""
    loss = agent.update(1)
    found = 5.0 - agent.q_net.values.grad[0, 0].item() / 2
    assert loss == pytest.approx((found - 5.0) ** 2, rel=1e-4)
    return found


def test_a_target_network_keeps_the_target_until_it_is_copied(agent):
    assert target(agent) == pytest.approx(8.92)
    agent.q_net.set(AFTER)
    assert target(agent) == pytest.approx(8.92)
    agent.update_target()
    assert target(agent) == pytest.approx(4.96)


def test_without_one_the_target_jumps_at_once(agent):
    NoTargetNetwork(agent, Setting())
    assert target(agent) == pytest.approx(8.92)
    agent.q_net.set(AFTER)
    assert target(agent) == pytest.approx(4.96)


def test_the_page_says_so(root):
    page = (root / "docs" / "experiments.md").read_text(encoding="utf-8")
    for told in ("1 + 0.99 · 8.0 = 8.92", "8.92 − 5.0 = 3.92", "1 + 0.99 · 4.0 = 4.96"):
        assert told in page

"""Tiny submissions, each served by a fresh child of one prepared worker per module."""

import textwrap

import numpy as np
import pytest

from grader.client import Worker
from grader.protocol.arrays import from_numpy
from grader.protocol.messages import (
    Fill,
    Load,
    Loaded,
    PlayAgent,
    PlayBuffer,
    PlayNetwork,
    Push,
    Sample,
    Sync,
    Transitions,
    Update,
)
from grader.sandbox.plain import start_plain

Q_NETWORK = """
import os, sys, time
import torch
from torch import nn
pass  # import q_network

class QNetwork(nn.Module):
    def __init__(self, state_dim, action_dim, hidden_dim=8):
        pass  # QNetwork.__init__
        super().__init__()
        self.layer = nn.Linear(state_dim, action_dim)

    def forward(self, x):
        pass  # QNetwork.forward
        return self.layer(x)
"""
REPLAY_BUFFER = """
import os, random, sys, time
import numpy as np
import torch
pass  # import replay_buffer

class ReplayBuffer:
    def __init__(self, capacity=10_000):
        pass  # ReplayBuffer.__init__
        self.stored = []

    def push(self, *transition):
        pass  # ReplayBuffer.push
        self.stored.append(transition)

    def sample(self, batch_size):
        pass  # ReplayBuffer.sample
        fields = zip(*random.sample(self.stored, batch_size))
        return tuple(torch.as_tensor(np.array(field)) for field in fields)

    def __len__(self):
        pass  # ReplayBuffer.__len__
        return len(self.stored)
"""
DQN_AGENT = """
import copy, os, sys, time
import torch
from q_network import QNetwork
from replay_buffer import ReplayBuffer
pass  # import dqn_agent

class DQNAgent:
    def __init__(self, state_dim, action_dim, lr=1e-3, gamma=0.99):
        pass  # DQNAgent.__init__
        self.gamma = gamma
        self.q_net = QNetwork(state_dim, action_dim)
        self.target_net = copy.deepcopy(self.q_net)
        self.optimizer = torch.optim.Adam(self.q_net.parameters(), lr=lr)
        self.buffer = ReplayBuffer(capacity=100)

    def update(self, batch_size):
        pass  # DQNAgent.update
        s, a, r, s2, d = self.buffer.sample(batch_size)
        loss = ((self.q_net(s).gather(1, a[:, None])[:, 0] - r) ** 2).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def update_target(self):
        pass  # DQNAgent.update_target
        self.target_net.load_state_dict(self.q_net.state_dict())

    def select_action(self, state, epsilon):
        pass  # DQNAgent.select_action
        return int(self.q_net(torch.as_tensor(state)[None]).argmax())
"""
SOURCES = {"q_network": Q_NETWORK, "replay_buffer": REPLAY_BUFFER, "dqn_agent": DQN_AGENT}


def _transitions(count, states=3):
    rng = np.random.default_rng(0)
    return Transitions(
        states=from_numpy(rng.random((count, states), np.float32)),
        actions=from_numpy(rng.integers(0, 2, count)),
        rewards=from_numpy(rng.random(count, np.float32)),
        next_states=from_numpy(rng.random((count, states), np.float32)),
        dones=from_numpy(np.zeros(count, np.float32)),
    )


class Scenarios:
    """Small requests, one per module; `of(module)` is the one that calls all its methods."""

    @staticmethod
    def network(**changes):
        inputs = [from_numpy(np.full((2, 3), 0.5, np.float32))]
        request = {"state_dim": 3, "action_dim": 2, "hidden_dim": None, "weights": None}
        return PlayNetwork(**(request | {"inputs": inputs} | changes))

    @staticmethod
    def buffer(*operations):
        pushed = Push(transitions=_transitions(4))
        return PlayBuffer(capacity=10, operations=[pushed, *(operations or [Sample(batch_size=2)])])

    @staticmethod
    def agent(*operations, rows=4):
        filled = Fill(transitions=_transitions(rows), stored=rows)
        return PlayAgent(
            state_dim=3,
            action_dim=2,
            lr=0.1,
            gamma=0.5,
            q_weights=None,
            target_weights=None,
            operations=[filled, *(operations or [Update(batch_size=4), Sync()])],
        )

    transitions = staticmethod(_transitions)

    def of(self, module):
        kinds = {"q_network": self.network, "replay_buffer": self.buffer}
        return kinds.get(module, self.agent)()


@pytest.fixture(scope="session")
def scenarios():
    """Requests that fit the sources."""
    return Scenarios()


@pytest.fixture(scope="session")
def sources():
    """`sources(**deeds)` is a whole submission; `place=line` puts a line at a marked place."""

    def with_deeds(deeds=None):
        texts = dict(SOURCES)
        for place, deed in (deeds or {}).items():
            mark = f"pass  # {place}\n"
            (module,) = [name for name, text in texts.items() if mark in text]
            texts[module] = texts[module].replace(mark, deed + "\n")
        return texts

    return with_deeds


@pytest.fixture(scope="module")
def host():
    """One prepared worker; its staged files are exchanged between tests."""
    host = start_plain({})
    yield host
    host.close()


@pytest.fixture
def submit(host):
    """`submit(q_network=…, …)` stages these files and gives a worker in a fresh process."""

    def submit(**texts):
        for old in host._stage.submission.iterdir():
            old.unlink()
        for module, text in texts.items():
            data = text if isinstance(text, bytes) else textwrap.dedent(text).encode()
            (host._stage.submission / f"{module}.py").write_bytes(data)
        return Worker(host)

    return submit


@pytest.fixture
def load():
    """`load(worker, module, **siblings)` imports a module: the names, or what was raised."""

    def load(worker, module, **siblings):
        if module == "dqn_agent":
            siblings = {"q_network": "own", "replay_buffer": "own"} | siblings
        return worker.ask(Load(module=module, siblings=siblings), Loaded)

    return load


@pytest.fixture
def loaded(submit, sources, load):
    """`loaded(module, deeds)` is a worker that has imported a module of the whole submission."""

    def loaded(module, deeds=None, **texts):
        worker = submit(**(sources(deeds) | texts))
        assert load(worker, module).raised is None
        return worker

    return loaded


@pytest.fixture
def tell(submit, load):
    """`tell(code)` runs code at import in a fresh process and gives the text that it raises."""

    def tell(code, **siblings):
        worker = submit(q_network=textwrap.dedent(code), **siblings)
        raised = load(worker, "q_network").raised
        assert raised is not None, "the code raised nothing"
        return raised

    return tell

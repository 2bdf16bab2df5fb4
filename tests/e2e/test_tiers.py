"""The same submission has the same report in every isolation tier."""

import sys

import pytest

from grader.sandbox.tiers import TIERS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the stronger tiers are Linux's")
#: Prints, raises with its own path in the message, recurses, loops, and writes where it may.
MIXED = {
    "q_network": """
import os, sys, torch
from torch import nn

print("imported from", __file__, file=sys.stderr)
with open("note", "w") as note:
    note.write("mine")

class QNetwork(nn.Module):
    def __init__(self, state_dim, action_dim, hidden_dim=128):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(state_dim, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, action_dim)
        )
        print(sorted(os.listdir()), hash("seeded"), int.from_bytes(os.urandom(4), "big"))

    def forward(self, x):
        return self.layers(x)
""",
    "replay_buffer": """
from collections import deque

class ReplayBuffer:
    def __init__(self, capacity=10_000):
        self.buffer = deque(maxlen=capacity)

    def push(self, *transition):
        self.buffer.append(transition)

    def __len__(self):
        return len(self.buffer)

    def sample(self, batch_size):
        raise FileNotFoundError(f"{__file__} holds no {batch_size} transitions")
""",
}


@pytest.fixture(scope="module")
def mixed(submission):
    return submission(files=MIXED)


@pytest.fixture(scope="module")
def first():
    """The report of the first tier that works here, to compare the others with."""
    return {}


@pytest.mark.parametrize("tier", TIERS)
def test_equal_reports(start, finish, mixed, first, monkeypatch, tier):
    # Another user must get at the temporary folder when the grader is run by root.
    monkeypatch.delenv("TMPDIR", raising=False)
    process, out = start(mixed, "--no-solve", "--sandbox", tier)
    if process.wait(200) == 2:
        pytest.skip(process.stdout.read())
    report = finish(process, out).report
    assert report["environment"].pop("sandbox") == tier
    del report["timing"]
    for check in report["checks"]:
        del check["duration_s"]
    assert report == first.setdefault("report", report)
    told = {check["id"]: check for check in report["checks"]}
    sampled = told["sample.returns_batch"]
    assert "replay_buffer.py holds no" in sampled["observed"]
    assert "/dqn-grade-" not in str(report)
    assert "['note'] " in str([check["output"] for check in report["checks"]])

"""(d) The negative control: with terminal flags at random, the solution must not solve."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np

from grader.cartpole import run as cartpole_run
from grader.cartpole.environment import Lockstep, Served
from grader.cartpole.schedule import Schedule
from grader.checks.seeds import derive
from grader.client import Worker
from grader.oracle.dqn import Learner
from grader.oracle.network import Layout
from grader.protocol.messages import Load, Loaded
from grader.sandbox.plain import start_plain
from tests.bench.figures import ROOT, say

FILES = ("q_network.py", "replay_buffer.py", "dqn_agent.py")
SOLUTIONS_LAYOUT = Layout((0, 1, 2, 3, 4, 5), (False,) * 6)


class RandomFlags(Lockstep):
    """Tells terminal flags at random, as often as there are any; episodes end as they do.

    Flags that are only moved to other rows of the same lockstep still teach: the environments start
    together and follow one policy, so that poles fall at the same time, and a run was solved so.
    """

    def __init__(self, environments: int, seed: int) -> None:
        super().__init__(environments, seed)
        self._rng = np.random.default_rng(seed)
        # Random play has some 22 steps to an episode.
        self._ended, self._rows = 45, 1_000

    def step(self, actions: Any) -> Served:
        served = super().step(actions)
        self._ended += int(served.dones.sum())
        self._rows += len(served.dones)
        told = self._rng.random(len(served.dones)) < self._ended / self._rows
        return replace(served, dones=told.astype(np.float32))


@contextmanager
def random_flags() -> Iterator[None]:
    """The judge's environments tell flags at random meanwhile."""
    with mock.patch.object(cartpole_run, "Lockstep", RandomFlags):
        yield


@contextmanager
def solution() -> Iterator[Worker]:
    """A worker with the solution, its start behind it."""
    host = start_plain({name: (ROOT / "solution" / name).read_bytes() for name in FILES})
    try:
        worker = Worker(host)
        worker.ask(Load(module="dqn_agent", siblings={}), Loaded)
        yield worker
    finally:
        host.close()


def train(worker: Worker, key: bytes, schedule: Schedule) -> cartpole_run.Run:
    """The judged run of the solution, without the checks before it."""
    return cartpole_run.judged_run(
        worker,
        SOLUTIONS_LAYOUT,
        Learner,
        lambda name: derive(key, "cartpole.solves", name),
        schedule,
    )


def measure(keys: int) -> None:
    """Print how far the solution comes with flags at random, in all of its attempts."""
    say(f"\n(d) negative control: terminal flags at random, {keys} keys")
    solved = 0
    for number in range(keys):
        with solution() as worker, random_flags():
            run = train(worker, f"control {number}".encode(), Schedule())
        solved += run.status == "passed"
        best = [round(max((mean for _, mean in a.curve), default=0.0)) for a in run.attempts]
        updates = [a.updates for a in run.attempts]
        say(f"  key {number}: {run.status}, updates {updates}, best greedy averages {best}")
    say(f"  solved                    {solved} of {keys}")

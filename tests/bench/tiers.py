"""(f) What an isolation tier costs: its start over that of `plain`, and requests per second."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from grader.client import Worker
from grader.protocol.arrays import from_numpy
from grader.protocol.messages import (
    AgentTrace,
    Fill,
    Load,
    Loaded,
    PlayAgent,
    Transitions,
    Update,
)
from grader.sandbox.hosts import start_host
from grader.sandbox.interface import Launcher, Unfit
from grader.sandbox.tiers import FINDERS
from tests.bench.figures import ROOT, say, spread

FILES = ("q_network.py", "replay_buffer.py", "dqn_agent.py")
ROWS = 64
REQUESTS = 60
UPDATES = 10


def measure(repeats: int) -> None:
    """Interleaved: every tier once per round, after one round that warms the file cache."""
    say("\n(f) isolation tiers: start of a worker that serves, and requests that it answers")
    launchers: dict[str, Callable[[], Launcher]] = {}
    for tier, find in FINDERS.items():
        try:
            find()
        except Unfit as unfit:
            say(f"  {tier:<12} {unfit.why}")
        else:
            launchers[tier] = find
    starts: dict[str, list[float]] = {tier: [] for tier in launchers}
    rates: dict[str, list[float]] = {tier: [] for tier in launchers}
    for number in range(repeats + 1):
        for tier, find in launchers.items():
            start, rate = _measured(find())
            if number > 0:
                starts[tier].append(start)
                rates[tier].append(rate)
    plain_start, plain_rate = statistics.median(starts["plain"]), statistics.median(rates["plain"])
    for tier in launchers:
        over = 1000 * (statistics.median(starts[tier]) - plain_start)
        ratio = statistics.median(rates[tier]) / plain_rate
        say(f"  {tier:<12} start {spread(starts[tier])} s, {over:+.0f} ms over plain")
        say(f"  {'':<12} {spread(rates[tier], '.0f')} requests/s, {ratio:.3f} of plain's")


def _measured(launcher: Launcher) -> tuple[float, float]:
    """Seconds until a process serves the solution, and requests per second after that."""
    files = {name: (ROOT / "solution" / name).read_bytes() for name in FILES}
    begun = time.perf_counter()
    host = start_host(files, launcher)
    try:
        host.open()
        start = time.perf_counter() - begun
        worker = Worker(host)
        siblings = dict.fromkeys(("q_network", "replay_buffer"), "own")
        worker.ask(Load(module="dqn_agent", siblings=siblings), Loaded)
        request = _request()
        worker.ask(request, AgentTrace, wall_s=60)
        begun = time.perf_counter()
        for _ in range(REQUESTS):
            worker.ask(request, AgentTrace, wall_s=60)
        return start, REQUESTS / (time.perf_counter() - begun)
    finally:
        host.close()


def _request() -> PlayAgent:
    """A buffer filled, and updates on it."""
    rng = np.random.default_rng(0)
    stored = Transitions(
        states=from_numpy(rng.random((ROWS, 4), np.float32)),
        actions=from_numpy(rng.integers(0, 2, ROWS)),
        rewards=from_numpy(rng.random(ROWS, np.float32)),
        next_states=from_numpy(rng.random((ROWS, 4), np.float32)),
        dones=from_numpy(np.zeros(ROWS, np.float32)),
    )
    updates = [Update(batch_size=ROWS) for _ in range(UPDATES)]
    return PlayAgent(
        state_dim=4,
        action_dim=2,
        lr=1e-3,
        gamma=0.99,
        q_weights=None,
        target_weights=None,
        operations=[Fill(transitions=stored, stored=ROWS), *updates],
    )

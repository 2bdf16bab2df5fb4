"""(e) What the audit costs: runs of the same number of updates, with it and without it."""

from __future__ import annotations

import statistics
import time
from contextlib import ExitStack
from dataclasses import replace
from unittest import mock

from grader.cartpole.acting import Acting
from grader.cartpole.audit import Audit
from grader.cartpole.schedule import Schedule
from grader.client import Worker
from grader.protocol.messages import RunUpdate
from tests.bench.control import solution, train
from tests.bench.figures import say, spread

UPDATES = 500


def measure(repeats: int) -> None:
    """Interleaved; what is left out is all that the judge does beside driving and screening."""
    say(f"\n(e) {UPDATES} updates with the audit and without it")
    schedule = replace(Schedule(), max_updates=UPDATES, attempts=1, screen_every=UPDATES)
    seconds: dict[str, list[float]] = {"audited": [], "not audited": []}
    with solution() as worker:
        for _ in range(repeats):
            for name, times in seconds.items():
                times.append(_seconds(worker, schedule, audited=name == "audited"))
    for name, times in seconds.items():
        say(f"  {name:<26}{spread(times)} s")
    ratio = statistics.median(seconds["audited"]) / statistics.median(seconds["not audited"])
    say(f"  ratio of the medians      {ratio:.2f}")


def _seconds(worker: Worker, schedule: Schedule, *, audited: bool) -> float:
    with ExitStack() as patches:
        if not audited:
            patches.enter_context(mock.patch.object(Audit, "check", _believed))
            patches.enter_context(mock.patch.object(Audit, "serve"))
            patches.enter_context(mock.patch.object(Acting, "check", return_value=None))
        begun = time.perf_counter()
        train(worker, b"cost of the audit", schedule)
        return time.perf_counter() - begun


def _believed(self: Audit, update: RunUpdate) -> None:
    self._learner.q = self._packing.unpack(update.weights)

"""(b) The CartPole verdict over many keys, beside the course page's own recipe."""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.figures import GRADE, run, say, spread


def keep_to_one_core() -> bool:
    """Keep this process and all that it starts to one core, where the platform can."""
    if not hasattr(os, "sched_setaffinity"):
        return False
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    return True


def measure(keys: int, page_seeds: int) -> None:
    """Print both, and their ratio."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    say(f"\n(b) CartPole verdict on the solution, {keys} keys, {cores} core(s)")
    runs = []
    for number in range(keys):
        report = _verdict(number)
        check = next(c for c in report["checks"] if c["part"] == "cartpole")
        if check["status"] != "passed":
            why = check["blocked_by"] or check["observed"]
            say(f"  key {number}: {check['status']}: {why}")
        if report["solve"]["attempts"]:
            runs.append(report)
    updates = [sum(a["updates"] for a in each["solve"]["attempts"]) for each in runs]
    seconds = [each["timing"]["solve_s"] for each in runs]
    passed = sum(each["solve"]["status"] == "passed" for each in runs)
    first = sum(each["solve"]["attempts"][0]["solved"] for each in runs)
    say(f"  solved                    {passed} of {keys}, {first} at the first attempt")
    if not runs:
        return
    say(f"  updates                   {spread(updates, ',.0f')}")
    say(f"  seconds                   {spread(seconds, '.1f')}")
    if page_seeds < 1:
        return
    say(f"the page's recipe, {page_seeds} seed(s), one thread")
    pages = [_page(seed) for seed in range(page_seeds)]
    page_updates = [page["updates"] for page in pages]
    page_seconds = [page["seconds"] for page in pages]
    finals = [page["final_greedy_average"] for page in pages]
    say(f"  updates                   {spread(page_updates, ',.0f')}")
    say(f"  seconds                   {spread(page_seconds, '.1f')}")
    say(f"  final greedy average      {spread(finals, '.0f')}")
    say("ratio of the medians, page to verdict")
    say(f"  updates                   {_ratio(page_updates, updates)}")
    say(f"  seconds                   {_ratio(page_seconds, seconds)}")


def _verdict(number: int) -> dict[str, Any]:
    """The report of a grading with a key of its own."""
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder, "bench.key")
        key.write_text(f"key of the benchmark, number {number}")
        output = run([*GRADE, "--only", "cartpole", "--json", "-", "--key", str(key)])
    report: dict[str, Any] = json.loads(output)
    return report


def _page(seed: int) -> dict[str, Any]:
    """One run of the page's recipe, in a process of its own."""
    page: dict[str, Any] = json.loads(run([sys.executable, "-m", "tests.bench.page", str(seed)]))
    return page


def _ratio(ours: list[float], theirs: list[float]) -> str:
    return f"{statistics.median(ours) / statistics.median(theirs):.1f}"

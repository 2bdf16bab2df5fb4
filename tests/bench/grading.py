"""(a) Wall time of the checks, and (c) peak memory of a whole grading."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.figures import GRADE, ROOT, run, say, spread

CHECKS = (*GRADE, "--no-solve")
TORCH = (sys.executable, "-c", "import torch; torch.optim.Adam([torch.zeros(1)])")
SAMPLE_S = 0.05


def measure_time(repeats: int) -> None:
    """(a) Interleaved, after one run of each that warms the file cache."""
    say("\n(a) grading without the CartPole run, against importing torch and building Adam")
    _seconds(TORCH)
    _seconds(CHECKS)
    torch_s: list[float] = []
    checks_s: list[float] = []
    for _ in range(repeats):
        torch_s.append(_seconds(TORCH))
        checks_s.append(_seconds(CHECKS))
    say(f"  import torch, Adam        {spread(torch_s)} s")
    say(f"  grade --no-solve          {spread(checks_s)} s")
    ratio = statistics.median(checks_s) / statistics.median(torch_s)
    say(f"  ratio of the medians      {ratio:.2f}")


def measure_memory() -> None:
    """(c) Sum over the process tree, sampled; PSS shares pages fairly, RSS counts them twice."""
    say("\n(c) peak memory of the judge and its workers, CartPole run included")
    if not Path("/proc/self/status").exists():
        say("  needs /proc")
        return
    process = subprocess.Popen(
        GRADE, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    peak: dict[str, int] = {}
    largest = 0
    while process.poll() is None:
        tree = _tree(process.pid)
        largest = max(largest, len(tree))
        for kind, field in (("PSS", "Pss"), ("RSS", "Rss")):
            total = sum(_kilobytes(pid, field) for pid in tree)
            peak[kind] = max(peak.get(kind, 0), total)
        time.sleep(SAMPLE_S)
    for kind, kilobytes in peak.items():
        say(f"  sum of {kind}                {kilobytes / 1024:,.0f} MB")
    say(f"  processes at most         {largest}")


def _seconds(command: Sequence[str]) -> float:
    begun = time.perf_counter()
    run(command)
    return time.perf_counter() - begun


def _tree(pid: int) -> list[int]:
    """A process and everything below it."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *(below for child in children for below in _tree(int(child)))]


def _kilobytes(pid: int, field: str) -> int:
    """A field of the process's memory map; 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            for line in file:
                if line.startswith(f"{field}:"):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0

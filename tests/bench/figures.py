"""Running commands and showing their figures."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GRADE = (sys.executable, "-m", "grader", "grade", "solution")


def run(command: Sequence[str]) -> str:
    """Standard output of a command run in the checkout; its failure ends the benchmark."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
    if done.returncode != 0:
        sys.exit(f"`{' '.join(command)}` ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def spread(values: Sequence[float], form: str = ".2f") -> str:
    """`median (least to greatest)`."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:{form}} ({low:{form}} to {high:{form}})"


def say(text: str) -> None:
    """One line, at once."""
    print(text, flush=True)

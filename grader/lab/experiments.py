"""The experiments: names, and what each changes. How, is in `grader/lab/training/variations.py`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Experiment:
    """`id` is what the command line and rows call it; `change` ends the sentence "As the baseline,
    but …"."""

    id: str
    title: str
    change: str


BASELINE = Experiment("baseline", "Baseline", "nothing changes")
EXPERIMENTS = (
    BASELINE,
    Experiment(
        "newest-transition",
        "No replay: newest transition",
        "every update learns from the newest transition alone, a batch of one",
    ),
    Experiment(
        "newest-batch",
        "No replay: newest 64",
        "every batch is the newest 64 transitions, one after another as they happened",
    ),
    Experiment(
        "no-target-network",
        "No target network",
        "targets come from the network that is being trained",
    ),
    Experiment("copy-every-update", "Copy every update", "the target is copied at every update"),
    Experiment("copy-every-100", "Copy every 100", "the target is copied at every 100th update"),
    Experiment(
        "copy-every-1000", "Copy every 1,000", "the target is copied at every 1,000th update"
    ),
    Experiment(
        "no-terminal-mask", "No terminal mask", "the target of a terminal transition bootstraps too"
    ),
    Experiment(
        "truncation-ends",
        "Truncation as termination",
        "an episode that the time limit cut off is stored as terminated",
    ),
)

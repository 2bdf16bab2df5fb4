"""Which runs an experiment is made of."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from grader.lab.experiments import Experiment
from grader.lab.setting import Setting
from grader.trials.identity import identity
from grader.trials.subjects import Subject

#: Code that decides a run's course, as patterns below `grader`.
_SOURCES = ("lab/setting.py", "lab/training/*.py", "trials/greedy.py")
PACKAGES = ("torch", "numpy", "gymnasium")
Id = tuple[str, str, str, int]


@dataclass(frozen=True)
class Task:
    """A run to be made. `lab` identifies setting and code."""

    experiment: str
    seed: int
    lab: str
    subject: Subject
    setting: Setting

    @property
    def id(self) -> Id:
        """What no two rows of a file share."""
        return self.lab, self.experiment, self.subject.sha256, self.seed

    @property
    def kind(self) -> str:
        """Progress counts by experiment."""
        return self.experiment

    @property
    def label(self) -> str:
        """What a message calls it."""
        return f"seed {self.seed} of `{self.experiment}`"


def lab_hash(setting: Setting) -> str:
    """Rows with the same hash (and submission and seed) belong to one lab."""
    return identity({"setting": dataclasses.asdict(setting)}, _SOURCES, PACKAGES)


def tasks(
    experiments: Sequence[Experiment], seeds: int, subject: Subject, setting: Setting
) -> list[Task]:
    """Seeds 0 to `seeds` − 1 of each; all experiments of a seed before the next seed."""
    lab = lab_hash(setting)
    return [
        Task(experiment.id, seed, lab, subject, setting)
        for seed in range(seeds)
        for experiment in experiments
    ]

"""Which seed is played with which submission, and in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from grader.cartpole.schedule import Schedule
from grader.trials.subjects import Subject

Recipe = Literal["kit", "page", "sb3"]
RECIPES: tuple[Recipe, ...] = ("kit", "page", "sb3")
#: Attempts of one graded check; they share a key.
ATTEMPTS = Schedule().attempts


#: The subject of recipes without a submission.
NOBODY = Subject("-", "-", {})


@dataclass(frozen=True)
class Task:
    """One row to be: a run with a seed. `study` identifies settings and code."""

    recipe: Recipe
    seed: int
    study: str
    subject: Subject
    schedule: Schedule

    @property
    def id(self) -> tuple[str, str, str, int]:
        """What no two rows of a file share."""
        return self.study, self.recipe, self.subject.sha256, self.seed

    @property
    def kind(self) -> str:
        """Progress counts by recipe."""
        return self.recipe

    @property
    def label(self) -> str:
        """What a message calls it."""
        return f"seed {self.seed} of `{self.recipe}`"


def key_of(seed: int) -> tuple[bytes, int]:
    """The key and the number (1 to 3) of the attempt that a seed stands for.

    Three seeds in a row are the three attempts that a graded check would make with one key, so
    that what attempts of one key have in common can be seen. A file with the key's text gives
    `python -m grader grade --key` the same run.
    """
    number, attempt = divmod(seed, ATTEMPTS)
    return f"key of the study, number {number}".encode(), attempt + 1


def tasks(
    counts: Mapping[Recipe, int],
    studies: Mapping[Recipe, str],
    subjects: Sequence[Subject],
    schedule: Schedule,
) -> list[Task]:
    """So many seeds of each recipe; keys go round the submissions.

    Recipes are spread evenly over the whole run, so that whatever else the machine does meets all
    of them alike.
    """
    placed: list[tuple[float, Task]] = []
    for recipe, count in counts.items():
        for seed in range(count):
            trained = subjects[seed // ATTEMPTS % len(subjects)] if recipe != "sb3" else NOBODY
            task = Task(recipe, seed, studies[recipe], trained, schedule)
            placed.append(((seed + 0.5) / count, task))
    return [task for _position, task in sorted(placed, key=lambda entry: entry[0])]

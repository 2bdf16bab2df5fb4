"""What identifies a recipe's rows: its settings, the code that decides them, and versions."""

from __future__ import annotations

import dataclasses

from grader.cartpole.schedule import Schedule
from grader.study.plan import Recipe
from grader.trials.identity import identity

#: Code that decides a run's course, as patterns below `grader`.
_SOURCES: dict[Recipe, tuple[str, ...]] = {
    "kit": (
        "cartpole/*.py",
        "oracle/adam.py",
        "oracle/dqn.py",
        "oracle/models.py",
        "worker/play_run.py",
        "worker/play_buffer.py",
        "worker/torch_setup.py",
        "study/kit.py",
        "study/plan.py",
    ),
    "page": ("study/outside/page.py", "study/outside/greedy.py", "trials/greedy.py"),
    "sb3": ("study/outside/sb3.py", "study/outside/greedy.py", "trials/greedy.py"),
}
_PACKAGES: dict[Recipe, tuple[str, ...]] = {
    "kit": ("torch", "numpy", "gymnasium"),
    "page": ("torch", "numpy", "gymnasium"),
    "sb3": ("torch", "numpy", "gymnasium", "stable-baselines3"),
}


def study_hash(recipe: Recipe, schedule: Schedule) -> str:
    """Rows with the same hash (and submission and seed) are the same experiment."""
    settings = {
        "recipe": recipe,
        "schedule": dataclasses.asdict(schedule) if recipe == "kit" else None,
    }
    return identity(settings, _SOURCES[recipe], _PACKAGES[recipe])

"""A short hash of everything that decides a recipe's rows: settings, code and versions."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from grader import __version__
from grader.cartpole.schedule import Schedule
from grader.study.plan import DIGITS, Recipe

_GRADER = Path(__file__).resolve().parents[1]
#: Code that decides a run's course, as patterns below `grader`. A change elsewhere, in a report
#: for instance, leaves a study's rows valid.
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
    "page": ("study/outside/page.py", "study/outside/greedy.py"),
    "sb3": ("study/outside/sb3.py", "study/outside/greedy.py"),
}
_PACKAGES: dict[Recipe, tuple[str, ...]] = {
    "kit": ("torch", "numpy", "gymnasium"),
    "page": ("torch", "numpy", "gymnasium"),
    "sb3": ("torch", "numpy", "gymnasium", "stable-baselines3"),
}


def versions(recipe: Recipe) -> dict[str, str]:
    """Versions of the packages that a recipe runs on."""
    return {name: _version(name) for name in _PACKAGES[recipe]}


def study_hash(recipe: Recipe, schedule: Schedule) -> str:
    """Rows with the same hash (and submission and seed) are the same experiment."""
    settings = {
        "recipe": recipe,
        "grader": __version__,
        "schedule": dataclasses.asdict(schedule) if recipe == "kit" else None,
        "versions": versions(recipe),
        "sources": [
            [pattern, path.name, hashlib.sha256(path.read_bytes()).hexdigest()]
            for pattern in _SOURCES[recipe]
            for path in sorted(_GRADER.glob(pattern))
        ],
    }
    text = json.dumps(settings, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"

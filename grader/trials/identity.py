"""A short hash of everything that decides the rows of an experiment: settings, code, versions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from grader import __version__

DIGITS = 12
_GRADER = Path(__file__).resolve().parents[1]


def identity(
    settings: Mapping[str, object], sources: Iterable[str], packages: Iterable[str]
) -> str:
    """Rows with the same hash (and submission and seed) are the same experiment.

    settings : anything that JSON can say
    sources : code that decides a run's course, as patterns below `grader`; a change elsewhere, in a
        report for instance, leaves rows valid
    packages : whose versions count
    """
    everything = {
        **settings,
        "grader": __version__,
        "versions": versions(packages),
        "sources": [
            [pattern, path.name, hashlib.sha256(path.read_bytes()).hexdigest()]
            for pattern in sources
            for path in sorted(_GRADER.glob(pattern))
        ],
    }
    text = json.dumps(everything, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Installed versions by package."""
    return {name: _version(name) for name in packages}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"

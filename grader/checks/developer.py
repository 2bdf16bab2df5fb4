"""For developers of the kit: run single checks with pytest's own options.

python -m pytest -c grader/checks/pytest.ini grader/checks --submission solution -k terminal -x
"""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.checks.plugin import GradePlugin
from grader.client import Worker
from grader.explanations import load_explanations
from grader.keys import PUBLIC_KEY
from grader.rubric import load_rubric
from grader.sandbox.intake import take_in
from grader.sandbox.interface import Host
from grader.sandbox.plain import start_plain

_HOST = pytest.StashKey[Host]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The submission to run the checks on."""
    parser.addoption("--submission", default="solution", help="folder or archive to check")


def pytest_configure(config: pytest.Config) -> None:
    """Start a worker and register the plugin that knows the checks' fixtures."""
    submitted = take_in(Path(config.getoption("--submission")))
    host = start_plain(submitted.files)
    config.stash[_HOST] = host
    rubric = load_rubric()
    plugin = GradePlugin(
        Worker(host, rubric.limits),
        rubric,
        load_explanations(),
        PUBLIC_KEY,
        frozenset(submitted.files),
        parts=frozenset(part.id for part in rubric.part),
    )
    config.pluginmanager.register(plugin, "grade-plugin")


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the worker."""
    host = config.stash.get(_HOST, None)
    if host is not None:
        host.close()

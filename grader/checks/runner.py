"""Run the checks with pytest, undisturbed by anybody's configuration."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from grader.checks.plugin import GradePlugin

CHECKS = Path(__file__).resolve().parent
#: Of pytest itself, what the checks do without: nothing is printed, cached or captured.
_LEFT_OUT = (
    "terminal",
    "cacheprovider",
    "capture",
    "doctest",
    "faulthandler",
    "junitxml",
    "logging",
    "nose",
    "pastebin",
    "stepwise",
    "threadexception",
    "unittest",
    "unraisableexception",
    "warnings",
)


def run_checks(plugin: GradePlugin, hidden: Path | None = None) -> None:
    """Run every check that the plugin wants; outcomes and faults are then in the plugin.

    hidden : a folder of further checks
    """
    folders = [CHECKS] if hidden is None else [CHECKS, hidden]
    arguments = [
        "-c",
        str(CHECKS / "pytest.ini"),
        "-o",
        "addopts=",
        f"--rootdir={CHECKS}",
        "--noconftest",
        "--assert=plain",
        "--import-mode=importlib",
        *(f"-pno:{name}" for name in _LEFT_OUT),
        *(str(path) for folder in folders for path in sorted(folder.glob("check_*.py"))),
    ]
    with _without_callers_options():
        code = pytest.main(arguments, plugins=[plugin, _WithoutTracebacks()])
    if code == pytest.ExitCode.INTERRUPTED and plugin.fault is None:
        plugin.interrupted = True
    elif code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) and plugin.fault is None:
        plugin.fault = RuntimeError(f"pytest ended with {code!r}")


class _WithoutTracebacks:
    """Nobody reads pytest's own, and laying them out takes half of the time of a failing check."""

    def pytest_configure(self, config: pytest.Config) -> None:
        """The option belongs to the terminal, which is left out."""
        config.option.tbstyle = "value"


@contextmanager
def _without_callers_options() -> Iterator[None]:
    """Hide pytest's variables of the caller's environment; no third-party plugin is loaded."""
    names = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    before = {name: os.environ.pop(name) for name in names if name in os.environ}
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        del os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]
        os.environ.update(before)

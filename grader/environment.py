"""The machine as the judge sees it; nothing here comes from the worker."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from grader.report.model import EnvironmentEntry


def read_environment(sandbox: str) -> EnvironmentEntry:
    """Versions and hardware that a grading may depend on."""
    return EnvironmentEntry(
        python=platform.python_version(),
        torch=_version("torch"),
        numpy=_version("numpy"),
        gymnasium=_version("gymnasium"),
        platform=f"{platform.system()} {platform.machine()}",
        cpu=_cpu(),
        threads=1,
        sandbox=sandbox,
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _cpu() -> str:
    if sys.platform == "linux":
        try:
            lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        except OSError:
            lines = []
        for line in lines:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()

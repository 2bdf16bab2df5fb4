"""The acts by name."""

from __future__ import annotations

from grader.confine.acts import EVERY, excesses, files, holdings, kernel, needed, processes
from grader.confine.acts.ways import Act

_MODULES = (excesses, files, holdings, kernel, needed, processes)


def load_acts() -> dict[str, Act]:
    """Every act, by its name."""
    found = {name: act for module in _MODULES for name, act in vars(module).items()}
    return {name: found[name] for name in EVERY}

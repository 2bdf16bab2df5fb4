"""Every variation of the learner that the grader knows, alone and in pairs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from grader.oracle import (
    wrong_given,
    wrong_loss,
    wrong_prediction,
    wrong_report,
    wrong_step,
    wrong_target,
)
from grader.oracle.variation import Variation

#: Constants that courses and blog posts use where the contract has another.
_CONSTANTS: tuple[tuple[type[Variation], str, tuple[float, ...]], ...] = (
    (wrong_target.GammaHardcoded, "constant", (0.99, 0.9, 0.95, 0.98, 0.999, 0.995, 0.97)),
    (wrong_target.RewardScaled, "factor", (0.1, 0.01, 0.5, 2.0, 10.0)),
    (wrong_target.DonePenalty, "penalty", (-1.0, -10.0, -100.0, -5.0)),
    (wrong_target.DoneExtraPenalty, "penalty", (-1.0, -10.0, -100.0, -2.0, -5.0)),
    (wrong_step.ClipByValue, "bound", (10.0, 1.0, 100.0, 0.5, 5.0)),
    (wrong_step.ClipWrongNorm, "bound", (1.0, 0.5, 5.0, 100.0, 0.1, 2.0, 20.0, 40.0, 50.0, 1000.0)),
    (wrong_report.SoftSync, "tau", (0.005, 0.01, 0.001, 0.05, 0.1, 0.5, 0.995, 0.99, 0.95, 0.9)),
    (wrong_report.ReturnsRounded, "digits", (0, 1, 2, 3, 4)),
    (wrong_given.LearningRateIgnored, "constant", (1e-3, 5e-4, 1e-4, 1e-2)),
)
#: Two realisations of one code with the same doc line would be one too many.
_MODULES: tuple[ModuleType, ...] = (
    wrong_target,
    wrong_prediction,
    wrong_loss,
    wrong_step,
    wrong_report,
    wrong_given,
)
_NOT_STAGES = frozenset(
    {"code", "checks", "constant", "factor", "penalty", "bound", "tau", "digits"}
)


def variations() -> list[type[Variation]]:
    """Every single misconception, those with a constant once per known constant."""
    parametrised = {base for base, _name, _values in _CONSTANTS}
    found: list[type[Variation]] = []
    for module in _MODULES:
        for thing in vars(module).values():
            if isinstance(thing, type) and issubclass(thing, Variation):
                public = not thing.__name__.startswith("_") and thing.__module__ == module.__name__
                if public and thing not in parametrised:
                    found.append(thing)
    for base, name, values in _CONSTANTS:
        found += [_with(base, {name: value}) for value in values]
    return found


def pairs() -> Iterator[type[Variation]]:
    """Every two misconceptions of different codes that get different stages wrong."""
    staged = [(kind, _stages(kind)) for kind in variations()]
    for (one, mine), (two, others) in itertools.combinations(staged, 2):
        if one.code != two.code and not (mine & others):
            yield combine(one, two)


def combine(one: type[Variation], two: type[Variation]) -> type[Variation]:
    """A learner with both misconceptions; its code joins theirs with `+`."""
    return type(
        f"{one.__name__}And{two.__name__}",
        (one, two),
        {"code": f"{one.code}+{two.code}", "checks": (*one.checks, *two.checks)},
    )


def _with(base: type[Variation], attributes: dict[str, Any]) -> type[Variation]:
    return type(base.__name__, (base,), attributes)


def _stages(variation: type[Variation]) -> frozenset[str]:
    """The methods that a variation overrides."""
    names: set[str] = set()
    for kind in variation.__mro__:
        if kind is Variation:
            break
        names |= {name for name in vars(kind) if not name.startswith("_")}
    return frozenset(names) - _NOT_STAGES

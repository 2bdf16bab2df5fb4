"""How far rounding alone may carry a scenario: Adam makes a whole step of a gradient near zero."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

import numpy as np
import numpy.typing as npt

from grader.checks.agents import MODEL, Learning, Scenario
from grader.oracle.dqn import Batch, Learner, Outcome

#: Gradients of a steady scenario differ by less than this between float32 and float64, relative to
#: their size: a tenth of what correct code may be off by.
STEADY = 1e-5
#: Where rounding alone comes to twice what correct code may be off by, it says nothing about code.
DECIDING = 2e-4
#: Two scenarios of thirty updates in a hundred are not steady.
REDRAWS = 20


def steady(draw: Callable[[], Scenario]) -> Scenario:
    """The first steady scenario that is drawn; the last one if none is."""
    scenario = draw()
    for _ in range(REDRAWS):
        if sensitivity(scenario) <= STEADY:
            break
        scenario = draw()
    return scenario


def sensitivity(scenario: Scenario) -> float:
    """The largest difference of a gradient between the contract in float32 and in float64.

    Relative to the largest entry, or to a thousandth of the terms that cancel in it.
    """
    largest = 0.0
    with np.errstate(all="ignore"):
        pairs = zip(_played(scenario, np.float64), _played(scenario, np.float32), strict=True)
        for exact, rounded in pairs:
            assert exact.gradients is not None
            assert rounded.gradients is not None
            size = max(float(np.abs(g).max(initial=0)) for g in exact.gradients)
            terms = [p for p in (exact.prediction, exact.targets) if p is not None]
            noise = 1e-3 * max([1e-3, *(float(np.abs(p).max(initial=0)) for p in terms)])
            for one, other in zip(exact.gradients, rounded.gradients, strict=True):
                off = float(np.abs(one - other).max(initial=0))
                largest = max(largest, off / max(size, noise))
    return largest


def _played(scenario: Scenario, dtype: npt.DTypeLike) -> list[Outcome]:
    def weights(of: list[npt.NDArray[np.floating]]) -> list[npt.NDArray[np.floating]]:
        return [w.astype(dtype) for w in of]

    learner = Learner(
        MODEL, weights(scenario.q), weights(scenario.target), lr=scenario.lr, gamma=scenario.gamma
    )
    outcomes = []
    for step in scenario.steps:
        if isinstance(step, Learning):
            outcomes.append(learner.update(_cast(step.batch, dtype)))
        else:
            learner.sync()
    return outcomes


def _cast(batch: Batch, dtype: npt.DTypeLike) -> Batch:
    """The batch with its real numbers in another precision."""
    values = {field.name: getattr(batch, field.name) for field in fields(batch)}
    real = {name: value.astype(dtype) for name, value in values.items() if name != "actions"}
    return Batch(**{**values, **real})

"""Comparing the trace of an agent scenario with what a learner would leave behind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grader.checks.agents import Scenario
from grader.checks.compare import Doubles, close, list_of_doubles, show
from grader.oracle.dqn import Learner, Outcome
from grader.oracle.models import Weights, global_norm
from grader.protocol.messages import AgentTrace, Updated

Mask = npt.NDArray[np.bool_]
RETURNED, GRADIENTS, WEIGHTS, TARGET = "returned", "gradients", "weights", "target"
EVERYTHING = (RETURNED, GRADIENTS, WEIGHTS, TARGET)
#: The contract's tolerance for the returned loss, relative.
LOSS_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Difference:
    """The first thing in which a trace differs: which call (from 0), what, and in words."""

    call: int
    what: str
    observed: str


def updates_of(trace: AgentTrace) -> list[Updated]:
    """The calls of `update` in a trace, in order."""
    return [result for result in trace.results if isinstance(result, Updated)]


def difference(
    scenario: Scenario,
    trace: AgentTrace,
    kind: type[Learner] = Learner,
    aspects: Iterable[str] = EVERYTHING,
) -> Difference | None:
    """Where the trace departs from what `kind` of learner would do; None when it does not.

    Weights whose gradient is tiny beside the largest are not compared: Adam turns their rounding
    error into a full step.
    """
    with np.errstate(all="ignore"):
        expected = scenario.expected(kind)
    got = updates_of(trace)
    wanted = set(aspects)
    trusted = [np.ones(w.shape, bool) for w in scenario.q]
    before: Weights = [w.astype(np.float64) for w in scenario.q]
    for call, outcome in enumerate(expected):
        if outcome is None:
            raised = trace.raised is not None and len(got) == call
            return None if raised else Difference(call, "raised", "it did not raise")
        if call >= len(got):
            return Difference(call, "raised", "it raised")
        found = _compare(call, outcome, got[call], wanted, trusted, before, scenario)
        if found is not None:
            return found
        before = outcome.q
    return None


def _compare(
    call: int,
    expected: Outcome,
    got: Updated,
    wanted: set[str],
    trusted: list[Mask],
    before: Weights,
    scenario: Scenario,
) -> Difference | None:
    if RETURNED in wanted and expected.returned is not None:
        number = got.returned.number
        if number is None or not _same_number(number, expected.returned, expected):
            shown = "nothing that is a number" if number is None else f"{number:.6g}"
            return Difference(
                call, RETURNED, f"it returned {shown}, expected {expected.returned:.6g}"
            )
    if GRADIENTS in wanted:
        told = _gradient_difference(expected, list_of_doubles(got.gradients))
        if told is not None:
            return Difference(call, GRADIENTS, told)
    if expected.gradients is not None:
        top = max(float(np.abs(g).max(initial=0)) for g in expected.gradients)
        for mask, g in zip(trusted, expected.gradients, strict=True):
            mask &= (np.abs(g) > 1e-3 * top) | (g == 0)
    if WEIGHTS in wanted:
        told = weight_difference(got, expected.q, before, scenario.lr, trusted)
        if told is not None:
            return Difference(call, WEIGHTS, told)
    if TARGET in wanted:
        target = list_of_doubles(got.state.target_weights)
        if target is None or not _weights_close(target, expected.target, trusted):
            return Difference(call, TARGET, "the target network's weights differ")
    return None


def _same_number(got: float, expected: float, outcome: Outcome) -> bool:
    """Within the tolerance of the loss, or of the terms that cancel in it."""
    rounding = rounding_of_returned(outcome)
    return bool(abs(got - expected) <= LOSS_TOLERANCE * abs(expected) + rounding)


def rounding_of_returned(outcome: Outcome) -> float:
    """How far rounding may take the returned number: its terms cancel."""
    parts = [p for p in (outcome.prediction, outcome.targets) if p is not None]
    return 1e-6 * max([1e-3, *(float(np.abs(p).max(initial=0)) for p in parts)])


def _gradient_difference(expected: Outcome, got: list[Doubles] | None) -> str | None:
    moved = expected.gradients is not None
    if not moved:
        at_rest = got is None or all(float(np.abs(g).max(initial=0)) == 0 for g in got)
        return None if at_rest else "a gradient was used where none moves anything"
    assert expected.gradients is not None
    if got is None:
        return "no optimizer step with gradients was seen"
    scale = gradient_scale(expected)
    for g, e in zip(got, expected.gradients, strict=False):
        if not close(g, e, scale=scale):
            return (
                f"the gradient's norm was {global_norm(got):.4g}, expected "
                f"{global_norm(expected.gradients):.4g} (entries {show(g)}, expected {show(e)})"
            )
    return None


def gradient_scale(expected: Outcome) -> float:
    """What entries of the gradient are compared relative to: the largest, or a thousandth of the
    terms that cancel in it."""
    scale = max(float(np.abs(g).max(initial=0)) for g in expected.gradients or [])
    terms = [p for p in (expected.prediction, expected.targets) if p is not None]
    noise = 1e-3 * max([0.0, *(float(np.abs(p).max(initial=0)) for p in terms)])
    return max(scale, noise)


def weight_difference(
    updated: Updated,
    expected: Weights,
    before: Weights,
    lr: float,
    trusted: Iterable[Mask] | None = None,
) -> str | None:
    """How q_net's weights after a call differ from `expected`, told as the way from `before`.

    Weights move by about `lr`: what counts is the step, within 2 %, beside float32's rounding of
    the weight itself. Entries that `trusted` masks out are passed over.
    """
    weights = list_of_doubles(updated.state.q_weights)
    if weights is None or len(weights) != len(expected):
        return "q_net's weights are not all finite numbers"
    masks = [np.ones(e.shape, bool) for e in expected] if trusted is None else trusted
    for w, e, b, mask in zip(weights, expected, before, masks, strict=True):
        if w.shape != e.shape:
            return f"q_net's weights have another shape, {w.shape}"
        step = np.abs(e - b)
        allowed = 0.02 * np.maximum(step, 0.02 * lr) + 3e-6 * (np.abs(e) + 1)
        wrong = mask & ~(np.abs(w - e) <= allowed)
        if wrong.any():
            where = tuple(np.argwhere(wrong)[0])
            return (
                f"a weight of q_net moved by {w[where] - b[where]:.4g}, expected "
                f"{e[where] - b[where]:.4g}"
            )
    return None


def _weights_close(got: list[Doubles], expected: Weights, trusted: list[Mask]) -> bool:
    return all(
        g.shape == e.shape and bool((~mask | (np.abs(g - e) <= 1e-5 * (np.abs(e) + 1))).all())
        for g, e, mask in zip(got, expected, trusted, strict=True)
    )

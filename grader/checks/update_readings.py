"""What the trace of an update tells beside its numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from grader.checks.agents import (
    MODEL,
    Learning,
    Scenario,
)
from grader.checks.compare import close, list_of_doubles
from grader.checks.feedback import Failure
from grader.checks.outcomes import GRADIENTS, TARGET, WEIGHTS, difference, updates_of
from grader.checks.updates import Updates, gradients_of
from grader.oracle.models import Weights, global_norm
from grader.protocol.messages import (
    AgentTrace,
    Updated,
)


def moved(updated: Updated, q: Weights) -> bool:
    """Whether the weights of q_net after a call differ from these."""
    after = list_of_doubles(updated.state.q_weights)
    return after is None or any(not np.array_equal(a, b) for a, b in zip(after, q, strict=True))


def unlike(one: Updated, two: Updated, rows: int) -> str | None:
    """What differs between two updates, looking at the batch's own states only."""
    first, second = gradients_of(one), gradients_of(two)
    if first is None or second is None:
        return None if first is second else "the gradient"
    if not close(second[0][:, :rows], first[0][:, :rows], rel=1e-4):
        return "the gradient"
    before, after = one.returned.number, two.returned.number
    if before is None or after is None or not np.isfinite([before, after]).all():
        return None
    if close(after, before, rel=1e-4):
        return None
    return f"the loss from {before:.6g} to {after:.6g}"


def unclipped_norm(scenario: Scenario) -> float:
    """Norm of the contract's gradient of the first update, before clipping."""
    step = scenario.steps[0]
    assert isinstance(step, Learning)
    batch = step.batch
    rows = np.arange(len(batch))
    best = scenario.values(batch.next_states, of_target=True).max(axis=1)
    targets = batch.rewards + scenario.gamma * (1 - batch.dones) * best
    q = scenario.values(batch.states)
    dq = np.zeros_like(q)
    dq[rows, batch.actions] = 2 * (q[rows, batch.actions] - targets) / len(batch)
    return global_norm(MODEL.backward(scenario.q, batch.states, dq))


def returned_code(scenario: Scenario, trace: AgentTrace) -> str | None:
    """The misconception of returning something else, where all the rest of the calls is right."""
    rest = difference(scenario, trace, aspects=(GRADIENTS, WEIGHTS, TARGET))
    return "UPDATE_RETURNS_OTHER" if rest is None else None


def sync_code(updated: Updated, target: Weights | None) -> str | None:
    """The misconception of copying within `update`, where target_net has q_net's weights."""
    q = list_of_doubles(updated.state.q_weights)
    if target is None or q is None:
        return None
    same = all(np.allclose(t, w) for t, w in zip(target, q, strict=True))
    return "UPDATE_SYNCS_TARGET" if same else None


def require_free_generators(updates: Updates, scenario: Scenario) -> None:
    """After `update`, the global generators depend on what they were seeded with before it."""
    draws = [
        updates_of(updates.run(replace(scenario, reseed=seed)))[0].draws for seed in (101, 202)
    ]
    for name, a, b in zip(("random", "numpy.random", "torch"), *draws, strict=True):
        if a == b:
            raise Failure(
                f"`update` re-seeds the global generator of {name}.",
                why="Whoever calls it would draw the same 'random' numbers after every update.",
            )

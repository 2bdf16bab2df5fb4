"""Name the misconception: which variation of the learner explains every number seen.

A battery of fixed scenarios is played once; a variation explains the submission when its outcome
matches the trace of every scenario. Singles are tried first, then pairs, and a name is given only
when it is the only one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from grader.checks.agents import Learning, Scenario, one_hot_pool, random_pool, random_weights
from grader.checks.outcomes import EVERYTHING, RETURNED, difference, updates_of
from grader.checks.seeds import generator
from grader.checks.sieve import Sieve
from grader.oracle.catalogue import pairs, variations
from grader.oracle.dqn import Learner
from grader.oracle.variation import Variation
from grader.protocol.messages import AgentTrace, Sync
from grader.recall import Recall, afresh


@dataclass(frozen=True)
class Diagnosis:
    """A learner that explains everything seen.

    `learner` is the contract's when nothing differs, or None when nothing known explains it;
    `evidence` tells the first number that differs from the contract's.
    """

    learner: type[Learner] | None
    evidence: str = ""

    @property
    def codes(self) -> list[str]:
        """The misconceptions named, none for the contract's learner."""
        code = self.learner.code if self.learner is not None else None
        return code.split("+") if code else []

    @property
    def checks(self) -> frozenset[str]:
        """The checks that must fail because of them."""
        if self.learner is None or not issubclass(self.learner, Variation):
            return frozenset()
        return frozenset(self.learner.checks)

    def code_for(self, check: str) -> str | None:
        """The misconception that fails this check."""
        for kind in self.learner.__mro__ if self.learner is not None else ():
            if kind is Variation or not issubclass(kind, Variation):
                continue
            if "code" in vars(kind) and "+" not in kind.code and check in kind.checks:
                return kind.code
        return None


_DISCOUNTS = ("UPDATE_GAMMA_HARDCODED", "UPDATE_GAMMA_MISSING")


def battery(key: bytes) -> list[Scenario]:
    """Scenarios in which the known misconceptions differ from the contract and from one another."""
    rng = generator(key, "diagnosis")
    plain = _scenario(rng, 4, 3, [(6, 0.5)], gamma=0.83, lr=0.02)
    square = _scenario(rng, 3, 4, [(4, 0.5)], gamma=0.7, lr=0.02)
    two = _scenario(rng, 4, 2, [(7, 0.3)], gamma=0.6, lr=0.01)
    steep = _scenario(rng, 4, 3, [(5, 0.4)], gamma=0.9, lr=0.02, rewards=(2e3, 5e3))
    rising = _scenario(rng, 3, 3, [(6, 0.3)] * 4, gamma=0.8, lr=0.04, sync_after=1)
    mixed = _scenario(rng, 3, 3, [(5, 0.2), (8, 0.5)], gamma=0.75, lr=0.03, rewards=(4.0, 9.0))
    mild = _scenario(rng, 3, 2, [(6, 0.0)], gamma=0.85, lr=0.02, scale=0.1, rewards=(0.05, 0.3))
    sparse = _one_hot(rng)
    # Large states: here a gradient is long whatever bounds its errors.
    wide = _scenario(rng, 4, 3, [(5, 0.4)], gamma=0.9, lr=0.02, spread=200.0)
    return [plain, sparse, square, two, mild, steep, wide, mixed, rising]


def diagnose(
    scenarios: Sequence[Scenario], traces: Sequence[AgentTrace], recall: Recall = afresh
) -> Diagnosis:
    """The one learner that explains all traces, if there is exactly one.

    What every learner does in the first scenario is recalled, which therefore must be the key's.
    """
    numbers = [u.returned.number for trace in traces for u in updates_of(trace)]
    # A submission that returns no number is told so elsewhere; here it hides nothing.
    aspects = [a for a in EVERYTHING if a != RETURNED or None not in numbers]

    def explains(kind: type[Learner]) -> bool:
        return all(
            difference(scenario, trace, kind, aspects) is None
            for scenario, trace in zip(scenarios, traces, strict=True)
        )

    if explains(Learner):
        return Diagnosis(Learner)
    for candidates in (variations, pairs):
        sieve = recall(f"{candidates.__name__} sieved", partial(_sieve, candidates, scenarios[0]))
        matching = [kind for kind in sieve.passing(traces[0], aspects) if explains(kind)]
        if matching:
            found = matching[0] if _one_name(matching) else None
            found = _blame_given(_blame_calls(found, traces), scenarios, traces)
            return Diagnosis(found, _evidence(scenarios, traces, aspects))
    return Diagnosis(None)


def _sieve(candidates: Callable[[], Iterable[type[Variation]]], scenario: Scenario) -> Sieve:
    return Sieve(candidates(), scenario)


def _evidence(
    scenarios: Sequence[Scenario], traces: Sequence[AgentTrace], aspects: Iterable[str]
) -> str:
    """The first departure from the contract, with the scenario in which it shows."""
    for scenario, trace in zip(scenarios, traces, strict=True):
        found = difference(scenario, trace, aspects=aspects)
        if found is not None:
            learnt = [step for step in scenario.steps if isinstance(step, Learning)]
            rows = learnt[found.call].batch_size
            call = f"call {found.call + 1}, " if len(learnt) > 1 else ""
            return (
                f"On a random batch ({call}{rows} rows, {scenario.action_dim} actions, "
                f"γ = {scenario.gamma:g}) {found.observed}"
            )
    return ""


def _blame_calls(
    found: type[Variation] | None, traces: Sequence[AgentTrace]
) -> type[Variation] | None:
    """Which of the misconceptions that move nothing it is: their numbers are the same."""
    if found is None or "UPDATE_NO_STEP" not in found.code.split("+"):
        return found
    updated = updates_of(traces[0])[0]
    if not updated.sample_calls:
        return None  # it did not even look at a batch
    if found.code != "UPDATE_NO_STEP":
        return found
    if not (updated.backward or updated.reached):
        code = "UPDATE_NO_BACKWARD"
    elif updated.reached:
        code = "UPDATE_ZERO_GRAD_LATE" if updated.steps else "UPDATE_NO_STEP"
    else:
        code = "UPDATE_PREDICTION_DETACHED"
    return type(found.__name__, (found,), {"code": code})


def _blame_given(
    found: type[Variation] | None, scenarios: Sequence[Scenario], traces: Sequence[AgentTrace]
) -> type[Variation] | None:
    """A wrong discount is not update's where the agent never took its gamma."""
    ignored = any(
        trace.initial is not None and trace.initial.gamma != scenario.gamma
        for scenario, trace in zip(scenarios, traces, strict=True)
    )
    if found is None or not ignored or found.code not in _DISCOUNTS:
        return found
    return type(found.__name__, (found,), {"code": "GIVEN_GAMMA_IGNORED"})


def _one_name(matching: Iterable[type[Variation]]) -> bool:
    """All candidates carry the same code."""
    return len({kind.code for kind in matching}) == 1


def _scenario(
    rng: np.random.Generator,
    state_dim: int,
    action_dim: int,
    updates: Sequence[tuple[int, float]],
    *,
    gamma: float,
    lr: float,
    scale: float = 0.6,
    spread: float = 1.0,
    rewards: tuple[float, float] = (-2.0, 3.0),
    sync_after: int | None = None,
) -> Scenario:
    steps: list[Learning | Sync] = []
    for n, (rows, terminal) in enumerate(updates):
        pool = random_pool(
            rng, 2 * rows + 1, state_dim, action_dim, terminal=terminal, rewards=rewards
        )
        pool = replace(pool, states=spread * pool.states)
        steps.append(Learning(pool, rows))
        if n == sync_after:
            steps.append(Sync())
    return Scenario(
        q=random_weights(rng, state_dim, action_dim, scale),
        target=random_weights(rng, state_dim, action_dim, scale),
        lr=lr,
        gamma=gamma,
        steps=steps,
    )


def _one_hot(rng: np.random.Generator) -> Scenario:
    pool = one_hot_pool(rng, 12, 3, terminal=0.4)
    return Scenario(
        q=random_weights(rng, 24, 3),
        target=random_weights(rng, 24, 3),
        lr=0.01,
        gamma=0.65,
        steps=[Learning(pool, 6), Learning(pool, 5)],
    )

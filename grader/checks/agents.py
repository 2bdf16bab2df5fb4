"""Scenarios for `DQNAgent` on stand-ins: what is asked, and what each learner would make of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from grader.checks.compare import Doubles
from grader.checks.draws import encode
from grader.checks.part import Part
from grader.oracle.dqn import Batch, Learner, Outcome
from grader.oracle.models import LinearSquares, Weights
from grader.protocol.arrays import Array, from_numpy
from grader.protocol.messages import (
    AgentTrace,
    Fill,
    OptimizerStep,
    PlayAgent,
    Select,
    SetWeights,
    Sync,
    Update,
)

MODEL = LinearSquares()
Operation = Fill | Update | Sync | SetWeights | OptimizerStep | Select


@dataclass(frozen=True)
class Learning:
    """One call of `update` on the first `batch_size` rows of `pool`; a second draw within the same
    call would get the rows behind them."""

    pool: Batch
    batch_size: int

    @property
    def batch(self) -> Batch:
        """What the first draw of the call gives."""
        return self.pool.rows(slice(0, self.batch_size))

    @property
    def other(self) -> Batch:
        """What a second draw of the call would give, counted round."""
        rows = (np.arange(self.batch_size) + self.batch_size) % len(self.pool)
        return self.pool.rows(rows)


@dataclass(frozen=True)
class Scenario:
    """An agent with known weights that learns and syncs.

    `q` and `target` are the stand-in's four arrays, float32; `steps` says what is called, in order.
    """

    q: Weights
    target: Weights
    lr: float
    gamma: float
    steps: Sequence[Learning | Sync] = field(default_factory=list)
    reseed: int | None = None

    @property
    def state_dim(self) -> int:
        """S"""
        return int(self.q[0].shape[1])

    @property
    def action_dim(self) -> int:
        """A"""
        return int(self.q[0].shape[0])

    def request(self) -> PlayAgent:
        """The scenario as the worker plays it."""
        return self._request

    @cached_property
    def _request(self) -> PlayAgent:
        operations: list[Operation] = []
        for step in self.steps:
            if isinstance(step, Sync):
                operations.append(step)
                continue
            operations.append(Fill(transitions=encode(step.pool), stored=len(step.pool)))
            operations.append(Update(batch_size=step.batch_size, reseed=self.reseed))
        return PlayAgent(
            state_dim=self.state_dim,
            action_dim=self.action_dim,
            lr=self.lr,
            gamma=self.gamma,
            q_weights=encode_weights(self.q),
            target_weights=encode_weights(self.target),
            operations=operations,
        )

    def expected(self, kind: type[Learner] = Learner) -> list[Outcome | None]:
        """What each `update` of the scenario leaves behind; None, and no more, where it raises."""
        return list(self._contract if kind is Learner else self._played(kind))

    @cached_property
    def _contract(self) -> list[Outcome | None]:
        return self._played(Learner)

    def _played(self, kind: type[Learner]) -> list[Outcome | None]:
        learner = kind(
            MODEL, as_doubles(self.q), as_doubles(self.target), lr=self.lr, gamma=self.gamma
        )
        outcomes: list[Outcome | None] = []
        for step in self.steps:
            if isinstance(step, Sync):
                learner.sync()
                continue
            try:
                outcomes.append(learner.update(step.batch, step.other))
            except (ValueError, IndexError):
                return [*outcomes, None]
        return outcomes

    def values(self, states: Doubles, *, of_target: bool = False) -> Doubles:
        """Q(s, ·) of the initial weights, (N, A)."""
        weights = self.target if of_target else self.q
        out: Doubles = MODEL.forward(as_doubles(weights), states)
        return out

    def with_target(self, target: Weights) -> Scenario:
        """The same scenario with other weights in the target network."""
        return replace(self, target=target)

    def with_q(self, q: Weights) -> Scenario:
        """The same scenario with other weights in the Q-network."""
        return replace(self, q=q)


class Agents:
    """Plays agent scenarios of one part."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.sync_ran = False

    def play(self, scenario: Scenario) -> AgentTrace:
        """The trace, with the exception in it if there was one."""
        return self.ask(scenario.request())

    def ask(self, request: PlayAgent) -> AgentTrace:
        """The trace of a request put together by hand."""
        trace = self.part.ask(request, AgentTrace)
        if trace.raised is None and any(isinstance(o, Sync) for o in request.operations):
            self.sync_ran = True
        return trace


def encode_weights(weights: Weights) -> list[Array]:
    """Weights for the channel."""
    return [from_numpy(w.astype(np.float32)) for w in weights]


def random_weights(
    rng: np.random.Generator, state_dim: int, action_dim: int, scale: float = 1.0
) -> Weights:
    """Weights of the stand-in, all different, representable in float32."""
    shapes = ((action_dim, state_dim), (action_dim,), (action_dim, state_dim), (action_dim,))
    return [(scale * rng.normal(0, 1, s)).astype(np.float32) for s in shapes]


def random_pool(
    rng: np.random.Generator,
    rows: int,
    state_dim: int,
    action_dim: int,
    *,
    terminal: float = 0.0,
    rewards: tuple[float, float] = (-2.0, 3.0),
) -> Batch:
    """Dense random transitions; actions cover all columns and no row's is predictable."""
    dones = np.zeros(rows)
    dones[rng.permutation(rows)[: round(terminal * rows)]] = 1.0
    return Batch(
        states=_float32(rng.normal(0, 1, (rows, state_dim))),
        actions=rng.permutation(np.arange(rows) % action_dim).astype(np.int64),
        rewards=_float32(rng.uniform(*rewards, rows)),
        next_states=_float32(rng.normal(0, 1, (rows, state_dim))),
        dones=dones,
    )


def one_hot_pool(
    rng: np.random.Generator, rows: int, action_dim: int, *, terminal: float = 0.0
) -> Batch:
    """Transition i leads from one-hot state i to one-hot state rows + i, so that every transition
    has entries of the weights, and so of the gradient, for itself. state_dim is 2 · rows."""
    identity = np.eye(2 * rows)
    dense = random_pool(rng, rows, 1, action_dim, terminal=terminal)
    return replace(dense, states=identity[:rows], next_states=identity[rows:])


def as_doubles(weights: Weights) -> Weights:
    """The weights in the oracle's precision."""
    return [w.astype(np.float64) for w in weights]


def _float32(values: Doubles) -> Doubles:
    """Rounded to what float32 holds, so that both sides compute with the same numbers."""
    return values.astype(np.float32).astype(np.float64)

"""Code that was given complete still does what it did; no points, but a name for what broke."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from grader.checks.agents import Agents, Operation, encode_weights, random_weights
from grader.checks.chance import count_bounds
from grader.checks.compare import close, list_of_doubles
from grader.checks.feedback import Failure, failure_of
from grader.oracle.adam import Adam
from grader.oracle.models import LinearSquares
from grader.protocol.arrays import from_numpy
from grader.protocol.messages import (
    AgentState,
    OptimizerStep,
    PlayAgent,
    Select,
    Selected,
    Synced,
)

PART = "update"


def check_given_agent(agents: Agents) -> None:
    """DQNAgent starts with two equal, separate networks, Adam, γ and lr as asked."""
    gradients = random_weights(agents.part.rng("gradients"), 4, 3)
    for lr, gamma in ((None, None), (0.03, 0.7), (0.5, 0.0), (1e-4, 1.0)):
        operations: list[Operation] = [OptimizerStep(gradients=encode_weights(gradients))] * 3
        trace = agents.ask(_request(lr, gamma, operations))
        if trace.raised is not None:
            raise failure_of(trace.raised)
        assert trace.initial is not None
        state = trace.initial
        lr = 1e-3 if lr is None else lr
        gamma = 0.99 if gamma is None else gamma
        if state.same_object or state.shared_storage:
            told = "are one object" if state.same_object else "share their weights"
            raise Failure(f"q_net and target_net {told}.", code="GIVEN_TARGET_IS_Q_NET")
        q, target = list_of_doubles(state.q_weights), list_of_doubles(state.target_weights)
        if q is None or target is None or not all(map(np.array_equal, q, target)):
            raise Failure(
                "A new agent's networks have different weights.",
                why="The first targets come from a copy of q_net.",
                code="GIVEN_TARGET_NOT_COPIED",
            )
        if state.gamma is None or not close(state.gamma, gamma, rel=1e-9):
            raise Failure(
                f"Built with gamma={gamma:g}, `agent.gamma` is {state.gamma}.",
                code="GIVEN_GAMMA_IGNORED",
            )
        _require_adam(trace.results, q, gradients, lr)
        _remark(agents, state)


def _require_adam(
    results: Sequence[object], q: list[np.ndarray], gradients: list[np.ndarray], lr: float
) -> None:
    adam = Adam(lr)
    weights = [w.copy() for w in q]
    for result in results:
        assert isinstance(result, Synced)
        before = [w.copy() for w in weights]
        adam.step(weights, [g.astype(np.float64) for g in gradients])
        got = list_of_doubles(result.state.q_weights)
        moved = got is not None and all(
            bool((np.abs(g - w) <= 0.02 * np.abs(w - b) + 3e-6 * (np.abs(w) + 1)).all())
            for g, w, b in zip(got, weights, before, strict=True)
        )
        if not moved:
            raise Failure(
                f"With lr={lr:g}, `agent.optimizer.step()` does not move q_net as Adam does.",
                why="The optimizer is Adam with the given lr, on q_net's parameters.",
                code="GIVEN_OPTIMIZER_CHANGED",
            )


def _remark(agents: Agents, state: AgentState) -> None:
    if state.target_training:
        agents.part.advise("TARGET_IN_TRAIN_MODE")
    if state.optimizer_owns_target:
        agents.part.advise("OPTIMIZER_OWNS_TARGET")


#: Counts of the greedy action at three ε, and of three actions at ε = 1.
CALLS, CELLS = 900, 6


def check_given_select_action(agents: Agents) -> None:
    """select_action is ε-greedy in q_net.

    900 calls each with ε = 0, 1 and 0.3. The greedy action comes with probability 1 − 2ε/3, each of
    three actions with 1/3 at ε = 1. At ε = 0 nothing is random; the other five counts are judged at
    1/6 of 1e-9 each (`count_bounds`), so a correct agent fails with probability below 8.4e-10.

    Power: never random, the random branch without one of the actions or without the greedy one
    always fail. Above 1 − 1e-9: ε inverted, halved or squared, and an ε that never falls below
    0.05. Above 0.99: 0.14 or less, or 0.5 or more, in place of ε = 0.3; an action that gets half of
    the random branch, or a fifth. An ε of 0.2 or 0.4 in place of 0.3 is found with 0.05 only.
    """
    rng = agents.part.rng()
    q, target = random_weights(rng, 4, 3, 2.0), random_weights(rng, 4, 3, 2.0)
    states = rng.normal(0, 1, (CALLS, 4)).astype(np.float32)
    for epsilon in (0.0, 1.0, 0.3):
        select = Select(states=from_numpy(states), epsilon=epsilon)
        trace = agents.ask(_request(0.01, 0.9, [select], q=q, target=target))
        if trace.raised is not None:
            acting = trace.raised.during.startswith("DQNAgent.select_action")
            raise failure_of(trace.raised, code="GIVEN_EPSILON_CHANGED" if acting else None)
        result = trace.results[0]
        assert isinstance(result, Selected)
        assert trace.initial is not None
        # The weights as they are: an agent with one network under both names has the target's.
        weights = list_of_doubles(trace.initial.q_weights) or q
        values = LinearSquares().forward(weights, states.astype(np.float64))
        best = values.argmax(axis=1)
        clear = np.diff(np.sort(values, axis=1)[:, -2:], axis=1).ravel() > 1e-3
        actions = np.asarray([-1 if a is None else a for a in result.actions])
        if not set(actions.tolist()) <= {0, 1, 2}:
            raise Failure(
                f"`select_action` returned {result.first.text}, expected an action from 0 to 2.",
                code="GIVEN_EPSILON_CHANGED",
            )
        greedy = int((actions == best)[clear].sum())
        # The greedy action comes by itself and, once in three, by chance.
        low, high = count_bounds(int(clear.sum()), 1 - epsilon * 2 / 3, CELLS)
        counts = [int((actions == a).sum()) for a in range(3)]
        bounds = count_bounds(CALLS, 1 / 3, CELLS) if epsilon == 1.0 else (0, CALLS)
        if not low <= greedy <= high or not all(bounds[0] <= c <= bounds[1] for c in counts):
            raise Failure(
                f"With ε = {epsilon:g}, {greedy} of {int(clear.sum())} actions were q_net's "
                f"greedy one (expected {low} to {high}); the actions 0, 1, 2 came {counts} times.",
                why="With probability ε a random action, otherwise the best one in q_net.",
                code="GIVEN_EPSILON_CHANGED",
            )


def _request(
    lr: float | None,
    gamma: float | None,
    operations: list[Operation],
    q: list[np.ndarray] | None = None,
    target: list[np.ndarray] | None = None,
) -> PlayAgent:
    return PlayAgent(
        state_dim=4,
        action_dim=3,
        lr=lr,
        gamma=gamma,
        q_weights=None if q is None else encode_weights(q),
        target_weights=None if target is None else encode_weights(target),
        operations=operations,
    )

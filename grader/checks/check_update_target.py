"""DQNAgent.update_target: a hard copy that leaves two independent networks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from grader.checks.agents import Agents, Operation, encode_weights, random_weights
from grader.checks.compare import Doubles, close, list_of_doubles, show
from grader.checks.feedback import Failure, failure_of
from grader.checks.update_snippets import (
    copy_snippet,
    independence_snippet,
    repeated_snippet,
)
from grader.oracle.models import Weights
from grader.protocol.messages import (
    AgentState,
    OptimizerStep,
    PlayAgent,
    SetWeights,
    Sync,
    Synced,
)

PART = "update_target"

STATE_DIM, ACTION_DIM = 4, 3


def check_copies(agents: Agents) -> None:
    """Afterwards both networks have the same weights, those of q_net."""
    q, target = _weights(agents, "q"), _weights(agents, "target")
    before, after = _play(agents, q, target, [Sync()])
    if after.target_training:
        agents.part.advise("TARGET_IN_TRAIN_MODE")
    # As they are: networks that share their weights cannot hold two sets of them.
    (q, target), (got_q, got_target) = _read(before), _read(after)
    if _same(got_target, q) and _same(got_q, q):
        return
    shared = after.same_object or after.shared_storage
    if _were_one(before):
        code, told = "GIVEN_TARGET_IS_Q_NET", "q_net and target_net are not two networks"
    elif _same(got_q, target) and _same(got_target, target):
        code, told = "SYNC_REVERSED", "both networks have the weights that target_net had"
    elif _same(got_q, target) and _same(got_target, q):
        code, told = None, "the two networks have exchanged their weights"
    elif _same(got_target, target):
        code, told = "SYNC_NOOP", "target_net has the weights it had before"
    elif not _same(got_q, q):
        code, told = None, "q_net has other weights than before"
    else:
        code, told = _mixture(got_target, q, target)
    if shared and code is None:
        code = "SYNC_ALIASES"
    raise Failure(
        f"After `update_target()` {told}.",
        why="The target network becomes an exact copy of the Q-network.",
        code=code,
        reproduce=copy_snippet(),
    )


def check_q_net_kept(agents: Agents) -> None:
    """q_net keeps its weights, and the optimizer still trains it."""
    q, target = _weights(agents, "q"), _weights(agents, "target")
    step = OptimizerStep(gradients=encode_weights(_weights(agents, "gradient")))
    states = _play(agents, q, target, [Sync(), step])
    (q, target), (kept, _) = _read(states[0]), _read(states[1])
    if not _same(kept, q):
        raise Failure(
            f"`update_target()` changed q_net: {show(q[0])} became {show(kept[0])}.",
            why="The copy goes from q_net to target_net, never the other way round.",
            code="SYNC_REVERSED" if _same(kept, target) else None,
            reproduce=copy_snippet(),
        )
    trained, _ = _read(states[2])
    if not states[1].q_trainable and states[0].q_trainable:
        raise Failure(
            "After `update_target()`, parameters of q_net no longer require gradients.",
            why="q_net goes on learning; only target_net stands still.",
        )
    if _same(trained, kept) and _trains(agents, q, target, step):
        raise Failure(
            "After `update_target()`, a step of `agent.optimizer` moves no weight of q_net.",
            why="The optimizer holds the parameters of the network that it was built with.",
        )

    _require_steps_on(agents, q, target)
    _require_nothing_else(agents, q, target)


def _require_steps_on(agents: Agents, q: Weights, target: Weights) -> None:
    """The optimizer steps on as if there had been no copy: same lr, same moments."""
    # Different gradients: on a constant one Adam steps alike with and without its moments.
    one, two, three = (
        OptimizerStep(gradients=encode_weights(_weights(agents, f"gradient {n}"))) for n in range(3)
    )
    synced = _play(agents, q, target, [one, Sync(), two, Sync(), three])
    alone = _play(agents, q, target, [one, two, three])
    if [synced[i].q_weights for i in (1, 3, 5)] != [s.q_weights for s in alone[1:]]:
        raise Failure(
            "With `update_target()` between them, steps of the same optimizer on the same "
            "gradients move q_net elsewhere than without.",
            why="A copy leaves the optimizer alone: its lr, its moments, its parameters.",
        )


def _require_nothing_else(agents: Agents, q: Weights, target: Weights) -> None:
    """γ, lr, the buffer and the global generators are as they were."""
    draws = []
    for seed in (101, 202):
        trace = agents.ask(_request(q, target, [Sync(reseed=seed)]))
        after = trace.results[0]
        assert isinstance(after, Synced)
        assert trace.initial is not None
        draws.append(after.draws)
        for name, same in (
            ("agent.gamma", trace.initial.gamma == after.state.gamma),
            ("the optimizer's lr", trace.initial.lr == after.state.lr),
            ("the agent's buffer", after.state.buffer_intact),
        ):
            if not same:
                raise Failure(
                    f"`update_target()` changed {name}.",
                    why="A copy changes the weights of target_net and nothing else.",
                )
    for name, a, b in zip(("random", "numpy.random", "torch"), *draws, strict=True):
        if a == b:
            raise Failure(
                f"`update_target()` re-seeds the global generator of {name}.",
                why="A copy changes the weights of target_net and nothing else.",
            )


def check_independent(agents: Agents) -> None:
    """Neither network changes with the other afterwards."""
    q, target = _weights(agents, "q"), _weights(agents, "target")
    other = _weights(agents, "other")
    gradients = encode_weights(_weights(agents, "gradient"))
    changes: tuple[tuple[Operation, str, str], ...] = (
        (OptimizerStep(gradients=gradients), "a training step on q_net", "target_net"),
        (
            SetWeights(network="q_net", weights=encode_weights(other)),
            "changing q_net in place",
            "target_net",
        ),
        (
            SetWeights(network="target_net", weights=encode_weights(other)),
            "changing target_net in place",
            "q_net",
        ),
    )
    without_effect: list[str] = []
    for change, told, victim in changes:
        states = _play(agents, q, target, [Sync(), change])
        before, after = _read(states[1]), _read(states[2])
        which = 1 if victim == "target_net" else 0
        if _same(after[which], before[which]):
            if isinstance(change, SetWeights) and not _same(after[1 - which], other):
                without_effect.append(told)
            if _same(after[1 - which], before[1 - which]) and _trains(agents, q, target, change):
                raise Failure(
                    f"After `update_target()`, {told} had no effect.",
                    why="q_net goes on being the network that is trained.",
                )
            continue
        raise Failure(
            f"After `update_target()`, {told} also changed {victim}.",
            why="A copy has a memory of its own; a second name for the same tensors has not.",
            code="GIVEN_TARGET_IS_Q_NET" if _were_one(states[0]) else "SYNC_ALIASES",
            reproduce=independence_snippet(),
        )
    if without_effect:
        raise Failure(
            f"After `update_target()`, {without_effect[0]} did not give it the weights that were "
            "set.",
            why="q_net and target_net go on being networks with weights of their own.",
        )


def check_repeated(agents: Agents) -> None:
    """Every call copies the weights of that moment."""
    q, target = _weights(agents, "q"), _weights(agents, "target")
    rounds = [_weights(agents, f"round {n}") for n in range(4)]
    # Also a very small change, and one parameter alone: whatever differs is copied.
    rounds.append([w + np.float32(1e-3) for w in rounds[-1]])
    for changed in range(len(q)):
        rounds.append([w + np.float32(n == changed) for n, w in enumerate(rounds[-1])])
    operations: list[Operation] = []
    for weights in rounds:
        operations += [SetWeights(network="q_net", weights=encode_weights(weights)), Sync()]
    gradients = encode_weights(_weights(agents, "gradient"))
    operations += [OptimizerStep(gradients=gradients), Sync()]
    states = _play(agents, q, target, operations)
    for n, state in enumerate(states[2::2]):
        got_q, got_target = _read(state)
        if not _same(got_target, got_q):
            code, told = _mixture(got_target, got_q, _read(states[2 * n])[1])
            first = "Already the first" if n == 0 else f"The {n + 1}th"
            raise Failure(
                f"{first} call of `update_target()` in a row left the networks different: {told}.",
                why="Training goes on between two copies, and each copy catches up.",
                code=code,
                reproduce=repeated_snippet(n + 1),
            )
        if n < len(rounds) and not _same(got_q, rounds[n]):
            raise Failure(
                f"Before call {n + 1} of `update_target()` in a row, q_net was given new weights; "
                f"after it both networks have others: {show(got_q[0])}, not {show(rounds[n][0])}.",
                why="Training goes on between two copies, and each copy catches up.",
                reproduce=repeated_snippet(n + 1),
            )


def _trains(agents: Agents, q: Weights, target: Weights, change: Operation) -> bool:
    """Whether the change has an effect on an agent that was never synced.

    Where it has none, the optimizer was given something else than q_net's parameters.
    """
    before, after = _play(agents, q, target, [change])
    return before.q_weights != after.q_weights or before.target_weights != after.target_weights


def _were_one(state: AgentState) -> bool:
    """The networks share their weights, be it as one object or through its parts."""
    return state.same_object or state.shared_storage


def _play(
    agents: Agents, q: Weights, target: Weights, operations: Sequence[Operation]
) -> list[AgentState]:
    """The state at the start and after every operation."""
    trace = agents.ask(_request(q, target, operations))
    if trace.raised is not None:
        raise failure_of(trace.raised)
    assert trace.initial is not None
    _require_loaded(trace.initial, q, target)
    return [trace.initial, *(r.state for r in trace.results if isinstance(r, Synced))]


def _require_loaded(state: AgentState, q: Weights, target: Weights) -> None:
    """`Failure` unless the networks have the weights that were loaded: what is compared later must
    begin with something that the judge knows.

    q_net was loaded first, so that weights that it shares with target_net are target_net's.
    """
    got_q, got_target = _read(state)
    shares = _were_one(state)
    kept = len(got_q) == len(q) and all(
        np.array_equal(g, w) or (shares and np.array_equal(g, t))
        for g, w, t in zip(got_q, q, target, strict=True)
    )
    if not kept or not _same(got_target, target):
        name = "target_net" if kept else "q_net"
        raise Failure(
            f"`agent.{name}` does not keep the weights that are loaded into it.",
            why="Both are networks whose parameters can be set.",
        )


def _request(q: Weights, target: Weights, operations: Sequence[Operation]) -> PlayAgent:
    return PlayAgent(
        state_dim=STATE_DIM,
        action_dim=ACTION_DIM,
        lr=0.05,
        gamma=0.9,
        q_weights=encode_weights(q),
        target_weights=encode_weights(target),
        operations=list(operations),
    )


def _weights(agents: Agents, name: str) -> Weights:
    return random_weights(agents.part.rng(name), STATE_DIM, ACTION_DIM)


def _read(state: AgentState) -> tuple[list[Doubles], list[Doubles]]:
    q, target = list_of_doubles(state.q_weights), list_of_doubles(state.target_weights)
    if q is None or target is None:
        raise Failure(
            "The weights are not all finite numbers.", why="A copy changes no value on its way."
        )
    return q, target


def _same(got: list[Doubles], expected: Sequence[Doubles] | Weights) -> bool:
    return len(got) == len(expected) and all(
        np.array_equal(g, e) for g, e in zip(got, expected, strict=True)
    )


def _mixture(
    got: list[Doubles], q: Sequence[Doubles] | Weights, target: Sequence[Doubles] | Weights
) -> tuple[str | None, str]:
    """What a target network is made of that is neither of the two."""
    if len(got) != len(q):
        return None, "target_net has another number of parameters"
    copied = [np.array_equal(g, e) for g, e in zip(got, q, strict=True)]
    kept = [np.array_equal(g, e) for g, e in zip(got, target, strict=True)]
    if any(copied) and all(c or k for c, k in zip(copied, kept, strict=True)):
        left = len(copied) - sum(copied)
        return "SYNC_PARTIAL", f"{left} of {len(copied)} parameters of target_net were not copied"
    q_flat, t_flat, g_flat = (
        np.concatenate([np.asarray(w, np.float64).ravel() for w in ws]) for ws in (q, target, got)
    )
    with np.errstate(all="ignore"):
        tau = np.median((g_flat - t_flat) / (q_flat - t_flat))
    if np.isfinite(tau) and 0 < tau < 0.9995 and close(g_flat, tau * q_flat + (1 - tau) * t_flat):
        return "SYNC_SOFT", f"target_net is {tau:.3g} of q_net and {1 - tau:.3g} of itself"
    return None, "target_net has weights that are neither q_net's nor its own"

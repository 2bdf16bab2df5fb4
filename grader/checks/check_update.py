"""DQNAgent.update: one gradient step on one batch, towards the TD target."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from grader.checks.agents import (
    MODEL,
    Learning,
    Scenario,
    encode_weights,
    one_hot_pool,
    random_pool,
    random_weights,
)
from grader.checks.compare import close, doubles, list_of_doubles, show
from grader.checks.draws import encode
from grader.checks.explore import explore
from grader.checks.feedback import Failure, failure_of
from grader.checks.outcomes import EVERYTHING, GRADIENTS, RETURNED, difference, updates_of
from grader.checks.updates import Updates, gradients_of, read_targets
from grader.oracle.adam import Adam
from grader.oracle.dqn import Batch
from grader.oracle.models import Weights, global_norm
from grader.protocol.messages import Fill, PlayAgent, Sync, Update, Updated

PART = "update"

EXAMPLES = 50


def check_learns(updates: Updates) -> None:
    """Runs on a full batch and moves q_net."""
    rng = updates.part.rng()
    scenario = _dense(rng, 4, 2, 64, gamma=0.99, terminal=0.1)
    trace = updates.run(scenario)
    after = list_of_doubles(updates_of(trace)[0].state.q_weights)
    if after is None:
        updates.fail(
            "After `update(64)` the weights of q_net are not all finite numbers.",
            "One step of the given size keeps weights near where they were.",
        )
    if all(np.array_equal(a, b) for a, b in zip(after, scenario.q, strict=True)):
        updates.fail(
            "After `update(64)` with 129 transitions stored, no weight of q_net has moved.",
            "An update is a gradient step: backward pass, then `optimizer.step()`.",
        )
    updates.settle("An update is a gradient step: backward pass, then `optimizer.step()`.")


def check_small_buffer(updates: Updates) -> None:
    """Does nothing and returns 0.0 below batch_size transitions; exactly batch_size are enough."""
    rng = updates.part.rng()
    q = random_weights(rng, 4, 2)
    for stored, batch_size in ((0, 1), (4, 5), (63, 64), (5, 5), (1, 1), (64, 64)):
        pool = random_pool(rng, max(stored, 1), 4, 2)
        request = PlayAgent(
            state_dim=4,
            action_dim=2,
            lr=0.01,
            gamma=0.9,
            q_weights=encode_weights(q),
            target_weights=encode_weights(q),
            operations=[
                Fill(transitions=encode(pool), stored=stored),
                Update(batch_size=batch_size),
            ],
        )
        trace = updates.agents.ask(request)
        told = f"With {stored} transitions stored, `update({batch_size})`"
        if trace.raised is not None:
            code = "UPDATE_NO_SIZE_GUARD" if stored < batch_size else None
            raise Failure(
                f"{told} raised {trace.raised.type}: {trace.raised.message}.",
                why="Until a batch can be drawn, an update has nothing to learn from.",
                code=code,
            )
        updated = updates_of(trace)[0]
        moved = _moved(updated, q)
        if stored < batch_size:
            if updated.returned.number != 0.0:
                raise Failure(
                    f"{told} returned {updated.returned.text}, expected 0.0.",
                    why="The caller gets a number from every call; without a batch it is 0.0.",
                    code="UPDATE_SMALL_BUFFER_RETURN",
                )
            if moved:
                raise Failure(f"{told} changed q_net.", why="There is no batch to learn from.")
        elif not moved:
            raise Failure(
                f"{told} learned nothing, although a whole batch can be drawn.",
                why="Exactly batch_size stored transitions are enough for a batch.",
                code="UPDATE_SMALL_BUFFER_OFF_BY_ONE",
            )


def check_prediction(updates: Updates) -> None:
    """The loss is about Q(s, a) of the stored action."""
    for rows, action_dim in ((6, 3), (5, 2), (4, 5)):
        rng = updates.part.rng(str(action_dim))
        scenario, batch = _sparse(rng, rows, action_dim)
        trace = updates.run(scenario)
        gradients = gradients_of(updates_of(trace)[0])
        if gradients is None:
            updates.fail(
                "No gradient reached q_net in this call.", "The loss depends on Q(s, a; θ)."
            )
        per_row = gradients[0][:, :rows].T
        top = float(np.abs(per_row).max(initial=0.0))
        reached = np.abs(per_row) > 1e-4 * top if top > 0 else np.zeros(per_row.shape, bool)
        stored = np.zeros(per_row.shape, bool)
        stored[np.arange(rows), batch.actions] = True
        if np.array_equal(reached, stored) or updates.excused(scenario, trace):
            continue
        row = int(np.flatnonzero((reached != stored).any(axis=1))[0])
        got = ", ".join(f"Q(s{row}, {a})" for a in np.flatnonzero(reached[row])) or "nothing"
        updates.fail(
            f"Transition {row} of a batch of {rows} has action {batch.actions[row]}; the gradient "
            f"of the loss reached {got} for it, expected Q(s{row}, {batch.actions[row]}) alone.",
            "Only the value of the action that was taken is compared with the target.",
        )
    updates.settle("Only the value of the action that was taken is compared with the target.")


def check_td_target(updates: Updates) -> None:
    """y = r + γ max Q_target(s′) for transitions that go on, with any rewards."""
    for rows, action_dim, gamma in ((6, 3, 0.9), (5, 2, 0.99), (7, 4, 0.95)):
        scenario, _ = _sparse(updates.part.rng(str(action_dim)), rows, action_dim, gamma=gamma)
        updates.judge(scenario, "The target is the reward plus the discounted best next value.")
    dense = _dense(updates.part.rng("dense"), 5, 3, 8, gamma=0.8, rewards=(-0.7, 0.9), scale=0.2)
    updates.judge(dense, "The target is the reward plus the discounted best next value.")


def check_max(updates: Updates) -> None:
    """The best next value is a maximum over the actions of each row."""
    for rows, action_dim in ((4, 4), (6, 5), (1, 3)):
        rng = updates.part.rng(str(action_dim))
        scenario, _ = _sparse(rng, rows, action_dim, gamma=0.9)
        lower = [w - np.float32(0.8) if w.ndim == 1 else w for w in scenario.target]
        for target in (scenario.target, lower):
            updates.judge(
                scenario.with_target(target),
                "max_a′ Q(s′, a′) is taken row by row over the actions, whatever their signs.",
            )


def check_terminal(updates: Updates) -> None:
    """Terminal transitions have the reward alone as their target."""
    for rows, terminal in ((6, 0.5), (5, 1.0), (8, 0.2)):
        scenario, _ = _sparse(updates.part.rng(str(rows)), rows, 3, gamma=0.9, terminal=terminal)
        updates.judge(scenario, "After a terminal transition there is no next value to add.")


def check_discount(updates: Updates) -> None:
    """γ is the agent's own."""
    for gamma in (0.5, 0.9, 1.0, 0.0):
        scenario, _ = _sparse(updates.part.rng(str(gamma)), 5, 3, gamma=gamma)
        updates.judge(scenario, f"This agent was built with gamma={gamma:g}.")


def check_target_network(updates: Updates) -> None:
    """The target comes from target_net and is a constant."""
    rng = updates.part.rng()
    rows = 6
    scenario, _ = _sparse(rng, rows, 3)
    trace = updates.run(scenario)
    first = updates_of(trace)[0]
    gradients = gradients_of(first)
    leaked = gradients is not None and float(np.abs(gradients[0][:, rows:]).max()) > 1e-6
    if leaked and not updates.excused(scenario, trace):
        updates.fail(
            "The gradient of the loss also reached q_net's values of the next states.",
            "The target is a constant: nothing is differentiated through it.",
        )
    # Other values of q_net at the next states, which the loss must not depend on.
    changed = [w.copy() for w in scenario.q]
    changed[0][:, rows:] += rng.normal(0, 2, changed[0][:, rows:].shape).astype(np.float32)
    other_q = scenario.with_q(changed)
    told = _unlike(first, updates_of(updates.run(other_q))[0], rows)
    if told is not None and not updates.excused(scenario, trace):
        updates.fail(
            f"Changing q_net's values of the next states alone changed {told}.",
            "The target is built from target_net, which stays still between two copies.",
        )
    # Other values of target_net, which it must depend on.
    raised = [w + np.float32(0.75) if w.ndim == 1 else w for w in scenario.target]
    other_target = scenario.with_target(raised)
    told = _unlike(first, updates_of(updates.run(other_target))[0], rows)
    if told is None and not updates.excused(scenario, trace):
        updates.fail(
            "Raising every value of target_net by 1.5 changed neither the gradient nor the loss.",
            "The target is built from target_net's values of the next states.",
        )
    updates.settle("The target is built from target_net and is a constant.")


def check_loss(updates: Updates) -> None:
    """The loss is the mean of squared errors."""
    for rows, spread in ((6, 0.4), (6, 1.6), (1, 1.5), (9, 1.0)):
        rng = updates.part.rng(str(rows), str(spread))
        scenario, _ = _sparse(rng, rows, 3, rewards=(-spread, 1.5 * spread))
        updates.judge(scenario, "Every error counts by its square, and the batch by its mean.")


def check_clipping(updates: Updates) -> None:
    """The gradient's norm over all of q_net is clipped to 10, and left alone below."""
    rng = updates.part.rng()
    for low, high in ((30.0, 60.0), (0.4, 0.9), (900.0, 2000.0), (1.5, 1.9), (3.0, 4.0)):
        scenario = _dense(rng, 4, 3, 6, gamma=0.9, rewards=(low, high), scale=0.15)
        trace = updates.run(scenario)
        expected = scenario.expected()[0]
        assert expected is not None
        assert expected.gradients is not None
        if difference(scenario, trace, aspects=(GRADIENTS,)) is None or updates.excused(
            scenario, trace, (GRADIENTS,)
        ):
            continue
        got = gradients_of(updates_of(trace)[0])
        norm = "unknown" if got is None else f"{global_norm(got):.4g}"
        before = _unclipped_norm(scenario)
        updates.fail(
            f"A loss whose gradient has norm {before:.4g} was stepped on with a gradient of norm "
            f"{norm}, expected {global_norm(expected.gradients):.4g} in the same direction.",
            "All of q_net's gradients are scaled together when their norm exceeds 10.",
        )


def check_one_step(updates: Updates) -> None:
    """One Adam step per call, whose moments live on from call to call."""
    rng = updates.part.rng()
    pools = [random_pool(rng, 13, 4, 3, terminal=0.3) for _ in range(5)]
    scenario = Scenario(
        q=random_weights(rng, 4, 3),
        target=random_weights(rng, 4, 3),
        lr=0.02,
        gamma=0.9,
        steps=[Learning(pool, 6) for pool in pools],
    )
    trace = updates.run(scenario)
    weights: Weights = [w.astype(np.float64) for w in scenario.q]
    adam = Adam(scenario.lr)
    for call, updated in enumerate(updates_of(trace)):
        gradients = gradients_of(updated)
        if gradients is None:
            break
        before = [w.copy() for w in weights]
        adam.step(weights, gradients)
        told = _departs(updated, weights, before, scenario.lr)
        if told is None:
            continue
        if updates.excused(scenario, trace):
            break
        updates.fail(
            f"In call {call + 1} {told}.",
            "One step of Adam with the agent's lr, on the gradients of this call.",
        )
    if difference(scenario, trace) is not None and gradients_of(updates_of(trace)[0]) is None:
        updates.fail(
            "No optimizer step with gradients was seen.", "`optimizer.step()` moves the weights."
        )
    updates.settle("One step of Adam with the agent's lr, on the gradients of this call.")


def check_zero_grad(updates: Updates) -> None:
    """Gradients of earlier calls are gone."""
    rng = updates.part.rng()
    first = one_hot_pool(rng, 5, 3)
    width = first.states.shape[1]
    wide = np.eye(2 * width)
    one = replace(first, states=wide[:5], next_states=wide[5:10])
    two = replace(one_hot_pool(rng, 5, 3), states=wide[10:15], next_states=wide[15:20])
    scenario = Scenario(
        q=random_weights(rng, 2 * width, 3),
        target=random_weights(rng, 2 * width, 3),
        lr=0.01,
        gamma=0.9,
        steps=[Learning(one, 5), Learning(two, 5), Learning(one, 5)],
    )
    trace = updates.run(scenario)
    for call, old in ((1, slice(0, 5)), (2, slice(10, 15))):
        gradients = gradients_of(updates_of(trace)[call])
        if gradients is None:
            updates.fail(
                f"No gradient was seen in call {call + 1}.", "Every call steps on its own gradient."
            )
        left = float(np.abs(gradients[0][:, old]).max())
        if left > 1e-6 and not updates.excused(scenario, trace):
            updates.fail(
                f"Call {call + 1} had a batch of other states than the call before, yet its "
                f"gradient still reached the earlier ones (up to {left:.3g}).",
                "Backward adds to the gradients that are there: they are cleared once per call.",
            )
    updates.settle("Each call steps on the gradient of its own batch alone.")


def check_one_batch(updates: Updates) -> None:
    """One batch per call, drawn by one sample(batch_size)."""
    rng = updates.part.rng()
    for rows in (5, 12, 64):
        scenario = _dense(rng, 4, 3, rows, gamma=0.9)
        calls = updates_of(updates.run(scenario))[0].sample_calls
        if calls == [rows]:
            continue
        asked = ", ".join(map(str, calls)) or "nothing"
        raise Failure(
            f"`update({rows})` asked the buffer for batches of {asked}; expected one of {rows}.",
            why="Prediction and target are about the same transitions.",
            code="UPDATE_SAMPLES_TWICE" if len(calls) > 1 else None,
        )
    updates.settle("Prediction and target are about the same transitions.")


def check_returned_loss(updates: Updates) -> None:
    """Returns the loss of this batch as a number."""
    rng = updates.part.rng()
    scenario, _ = _sparse(rng, 6, 3)
    again = random_pool(rng, 19, 12, 3, terminal=0.2)
    scenario = replace(scenario, steps=[*scenario.steps, Learning(again, 9), Learning(again, 4)])
    trace = updates.run(scenario)
    for call, updated in enumerate(updates_of(trace)):
        value = updated.returned
        if value.type.startswith("numpy.") or value.type == "ndarray":
            updates.part.advise("UPDATE_RETURNS_NUMPY")
        if value.type == "NoneType":
            raise Failure(
                "`update` returned None.",
                why="The training loop shows the loss of each update.",
                code="UPDATE_RETURNS_NONE",
            )
        if value.holds_graph:
            raise Failure(
                f"`update` returned {value.text} that requires a gradient.",
                why="A tensor that keeps its graph keeps all of the batch's memory alive.",
                code="UPDATE_RETURNS_TENSOR",
            )
        if value.number is None:
            raise Failure(
                f"`update` returned {value.text}, which `float()` does not take.",
                why="The training loop shows the loss of each update.",
                code="UPDATE_RETURNS_OTHER",
            )
        found = difference(scenario, trace, aspects=(RETURNED,))
        if found is None or found.call != call or updates.excused(scenario, trace, (RETURNED,)):
            continue
        if call == 0 and read_targets(scenario, trace, 0) is not None:
            continue  # the loss of a target that another check finds wrong
        raise Failure(
            f"In call {call + 1} {found.observed}.",
            why="The number is this batch's loss, before the step and unrounded.",
            code=updates.diagnosis.code_for("update.returned_loss")
            or _returned_code(scenario, trace),
        )
    updates.settle("The number is this batch's loss, before the step and unrounded.")


def check_target_untouched(updates: Updates) -> None:
    """Leaves target_net, γ, lr and the global generators alone, at every call."""
    rng = updates.part.rng()
    pool = random_pool(rng, 11, 3, 2, terminal=0.2)
    q, target = random_weights(rng, 3, 2), random_weights(rng, 3, 2)
    fill = Fill(transitions=encode(pool), stored=len(pool))
    # Also after many calls: code may copy every hundredth time.
    calls = (1, 1, 8, 100)
    trace = updates.agents.ask(
        PlayAgent(
            state_dim=3,
            action_dim=2,
            lr=0.003,
            gamma=0.9,
            q_weights=encode_weights(q),
            target_weights=encode_weights(target),
            operations=[fill, *(Update(batch_size=5, times=times) for times in calls)],
        )
    )
    if trace.raised is not None:
        raise failure_of(trace.raised)
    assert trace.initial is not None
    for count, updated in zip(np.cumsum(calls), updates_of(trace), strict=True):
        told = f"After {count} call(s) of `update`, without a copy in between,"
        got = list_of_doubles(updated.state.target_weights)
        if got is None or not all(map(np.array_equal, got, target)):
            raise Failure(
                f"{told} the weights of target_net have changed.",
                why="Only `update_target` copies: between copies the target stands still.",
                code=updates.diagnosis.code_for("update.target_untouched")
                or _sync_code(updated, got),
            )
        for name, before, after in (
            ("agent.gamma", trace.initial.gamma, updated.state.gamma),
            ("the optimizer's lr", trace.initial.lr, updated.state.lr),
        ):
            if before != after:
                raise Failure(
                    f"{told} {name} is {after}, and was {before} before.",
                    why="An update changes the weights of q_net and nothing else.",
                )
    scenario = Scenario(q=q, target=target, lr=0.003, gamma=0.9, steps=[Learning(pool, 5)])
    _require_free_generators(updates, scenario)
    updates.settle("Between copies the target stands still.")


def check_many_updates(updates: Updates) -> None:
    """Thirty updates with copies in between follow the algorithm step by step."""
    rng = updates.part.rng()
    steps: list[Learning | Sync] = []
    for n in range(30):
        rows = int(rng.integers(1, 12))
        steps.append(Learning(random_pool(rng, 2 * rows, 4, 3, terminal=0.25), rows))
        if n % 7 == 6:
            steps.append(Sync())
    scenario = Scenario(
        q=random_weights(rng, 4, 3),
        target=random_weights(rng, 4, 3),
        lr=0.01,
        gamma=0.9,
        steps=steps,
    )
    # The copies are update_target's business, so this run does without them if it is not right.
    trace = updates.agents.play(scenario)
    if trace.raised is not None or not _syncs_copy(scenario, trace):
        scenario = replace(scenario, steps=[s for s in steps if isinstance(s, Learning)])
    updates.judge(scenario, "Every call behaves like the first.", EVERYTHING)


def check_any_batch(updates: Updates) -> None:
    """Any batch size, number of actions, rewards, mask, γ and lr."""

    def judge(scenario: Scenario) -> None:
        updates.judge(scenario, "The update is the same algorithm for every shape and value.")

    explore(_scenarios(), judge, seeded=updates.part.seed(), examples=EXAMPLES)


# --- scenarios -------------------------------------------------------------------------------


def _dense(
    rng: np.random.Generator,
    state_dim: int,
    action_dim: int,
    rows: int,
    *,
    gamma: float,
    terminal: float = 0.0,
    rewards: tuple[float, float] = (-2.0, 3.0),
    scale: float = 0.5,
) -> Scenario:
    pool = random_pool(rng, 2 * rows + 1, state_dim, action_dim, terminal=terminal, rewards=rewards)
    return Scenario(
        q=random_weights(rng, state_dim, action_dim, scale),
        target=random_weights(rng, state_dim, action_dim, scale),
        lr=0.01,
        gamma=gamma,
        steps=[Learning(pool, rows)],
    )


def _sparse(
    rng: np.random.Generator,
    rows: int,
    action_dim: int,
    *,
    gamma: float = 0.9,
    terminal: float = 0.0,
    rewards: tuple[float, float] = (-1.0, 1.5),
) -> tuple[Scenario, Batch]:
    """One update on `rows` transitions, each with entries of the gradient for itself.

    Weights are small enough for the gradient's norm to stay below 10, so that it is not clipped and
    the targets can be read off.
    """
    pool = one_hot_pool(rng, rows, action_dim, terminal=terminal)
    drawn = rng.uniform(*rewards, rows).astype(np.float32).astype(np.float64)
    pool = replace(pool, rewards=drawn)
    scenario = Scenario(
        q=random_weights(rng, 2 * rows, action_dim, 0.4),
        target=random_weights(rng, 2 * rows, action_dim, 0.4),
        lr=0.01,
        gamma=gamma,
        steps=[Learning(pool, rows)],
    )
    return scenario, pool


@st.composite
def _scenarios(draw: st.DrawFn) -> Scenario:
    """Small updates. What a student reads is drawn number by number, so that it shrinks to plain
    values; states and weights come from a generator whose seed is drawn."""
    rows = draw(st.integers(1, 7))
    action_dim = draw(st.integers(1, 5))
    state_dim = draw(st.integers(1, 4))

    def column(elements: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(elements, min_size=rows, max_size=rows))

    actions = column(st.integers(0, action_dim - 1))
    rewards = column(st.integers(-40, 40).map(lambda n: n / 4))
    dones = column(st.integers(0, 1))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    pool = replace(
        random_pool(rng, rows, state_dim, action_dim),
        actions=np.asarray(actions, np.int64),
        rewards=np.asarray(rewards, np.float64),
        dones=np.asarray(dones, np.float64),
    )
    return Scenario(
        q=random_weights(rng, state_dim, action_dim),
        target=random_weights(rng, state_dim, action_dim, 3.0),
        lr=draw(st.sampled_from([0.01, 0.001, 0.1])),
        gamma=draw(st.sampled_from([0.5, 0.9, 0.99, 1.0, 0.0])),
        steps=[Learning(pool, rows)],
    )


# --- readings --------------------------------------------------------------------------------


def _moved(updated: Updated, q: Weights) -> bool:
    after = list_of_doubles(updated.state.q_weights)
    return after is None or any(not np.array_equal(a, b) for a, b in zip(after, q, strict=True))


def _unlike(one: Updated, two: Updated, rows: int) -> str | None:
    """What differs between two updates, looking at the batch's own states only."""
    first, second = gradients_of(one), gradients_of(two)
    if first is None or second is None:
        return None if first is second else "the gradient"
    if not close(second[0][:, :rows], first[0][:, :rows], rel=1e-4):
        return "the gradient"
    before, after = one.returned.number, two.returned.number
    if before is None or after is None or close(after, before, rel=1e-4):
        return None
    return f"the loss from {before:.6g} to {after:.6g}"


def _unclipped_norm(scenario: Scenario) -> float:
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


def _departs(updated: Updated, expected: Weights, before: Weights, lr: float) -> str | None:
    got = list_of_doubles(updated.state.q_weights)
    if got is None:
        return "the weights of q_net are not all finite numbers"
    for g, e, b in zip(got, expected, before, strict=True):
        wrong = np.abs(g - e) > 0.02 * np.maximum(np.abs(e - b), 0.02 * lr) + 3e-6 * (np.abs(e) + 1)
        if wrong.any():
            where = tuple(np.argwhere(wrong)[0])
            return (
                f"a weight of q_net moved by {show(g[where] - b[where])}; one Adam step on the "
                f"gradient of this call moves it by {show(e[where] - b[where])}"
            )
    return None


def _returned_code(scenario: Scenario, trace: object) -> str | None:
    """The step is right, so the number is something else than its loss."""
    right = difference(scenario, trace, aspects=(GRADIENTS,)) is None  # type: ignore[arg-type]
    return "UPDATE_RETURNS_OTHER" if right else None


def _sync_code(updated: Updated, target: Weights | None) -> str | None:
    q = list_of_doubles(updated.state.q_weights)
    if target is None or q is None:
        return None
    same = all(np.allclose(t, w) for t, w in zip(target, q, strict=True))
    return "UPDATE_SYNCS_TARGET" if same else None


def _syncs_copy(scenario: Scenario, trace: object) -> bool:
    results = trace.results  # type: ignore[attr-defined]
    for step, result in zip(scenario.steps, results, strict=False):
        if isinstance(step, Sync):
            for q, t in zip(result.state.q_weights, result.state.target_weights, strict=True):
                if not np.array_equal(doubles(q), doubles(t)):  # type: ignore[arg-type]
                    return False
    return True


def _require_free_generators(updates: Updates, scenario: Scenario) -> None:
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

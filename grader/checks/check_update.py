"""DQNAgent.update: what it predicts, what it aims at, and the loss between the two."""

from __future__ import annotations

import msgspec
import numpy as np

from grader.checks.agents import (
    MODEL,
    Learning,
    Scenario,
    as_doubles,
    encode_weights,
    random_pool,
    random_weights,
)
from grader.checks.compare import close, list_of_doubles
from grader.checks.draws import encode
from grader.checks.feedback import Failure, failure_of
from grader.checks.outcomes import updates_of
from grader.checks.update_readings import (
    moved,
    unlike,
)
from grader.checks.update_scenarios import dense, sparse
from grader.checks.update_snippets import small_buffer_snippet
from grader.checks.updates import Updates, gradients_of
from grader.oracle.dqn import Learner
from grader.oracle.models import Weights
from grader.protocol.messages import (
    Fill,
    PlayAgent,
    SetWeights,
    Update,
)

PART = "update"


def check_learns(updates: Updates) -> None:
    """Runs on a full batch and moves q_net."""
    rng = updates.part.rng()
    scenario = dense(rng, 4, 2, 64, gamma=0.99, terminal=0.1)
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
                reproduce=small_buffer_snippet(stored, batch_size),
            )
        updated = updates_of(trace)[0]
        learned = moved(updated, q)
        if stored < batch_size:
            if updated.returned.number != 0.0:
                raise Failure(
                    f"{told} returned {updated.returned.text}, expected 0.0.",
                    why="The caller gets a number from every call; without a batch it is 0.0.",
                    code="UPDATE_SMALL_BUFFER_RETURN",
                    reproduce=small_buffer_snippet(stored, batch_size),
                )
            if learned:
                raise Failure(f"{told} changed q_net.", why="There is no batch to learn from.")
        elif not learned:
            raise Failure(
                f"{told} learned nothing, although a whole batch can be drawn.",
                why="Exactly batch_size stored transitions are enough for a batch.",
                # One that draws a batch and learns nothing from it has another fault.
                code=None if updated.sample_calls else "UPDATE_SMALL_BUFFER_OFF_BY_ONE",
                reproduce=small_buffer_snippet(stored, batch_size),
            )
    _require_guard_later(updates)


def _require_guard_later(updates: Updates) -> None:
    """A batch too large for the buffer is refused after an update as well as before the first."""
    rng = updates.part.rng("later")
    step = Learning(random_pool(rng, 5, 4, 2), 5)
    scenario = Scenario(
        q=random_weights(rng, 4, 2),
        target=random_weights(rng, 4, 2),
        lr=0.01,
        gamma=0.9,
        steps=[step],
    )
    request = scenario.request()
    too_many = [*request.operations, Update(batch_size=6)]
    trace = updates.agents.ask(msgspec.structs.replace(request, operations=too_many))
    told = "After `update(5)` with 5 transitions stored, `update(6)`"
    if trace.raised is not None:
        raise failure_of(trace.raised, code="UPDATE_NO_SIZE_GUARD")
    first, second = updates_of(trace)
    if second.returned.number != 0.0:
        raise Failure(
            f"{told} returned {second.returned.text}, expected 0.0.",
            why="The caller gets a number from every call; without a batch it is 0.0.",
            code="UPDATE_SMALL_BUFFER_RETURN",
        )
    if second.state.q_weights != first.state.q_weights:
        raise Failure(f"{told} changed q_net.", why="There is no batch to learn from.")


def check_prediction(updates: Updates) -> None:
    """The loss is about Q(s, a) of the stored action."""
    for rows, action_dim in ((6, 3), (5, 2), (4, 5)):
        rng = updates.part.rng(str(action_dim))
        scenario, batch = sparse(rng, rows, action_dim)
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
        scenario, _ = sparse(updates.part.rng(str(action_dim)), rows, action_dim, gamma=gamma)
        updates.judge(scenario, "The target is the reward plus the discounted best next value.")
    scenario = dense(updates.part.rng("dense"), 5, 3, 8, gamma=0.8, rewards=(-0.7, 0.9), scale=0.2)
    updates.judge(scenario, "The target is the reward plus the discounted best next value.")


def check_max(updates: Updates) -> None:
    """The best next value is a maximum over the actions of each row."""
    for rows, action_dim in ((4, 4), (6, 5), (1, 3)):
        rng = updates.part.rng(str(action_dim))
        scenario, _ = sparse(rng, rows, action_dim, gamma=0.9)
        lower = [w - np.float32(0.8) if w.ndim == 1 else w for w in scenario.target]
        tied = [np.repeat(w[:1], len(w), axis=0) for w in scenario.target]
        for target in (scenario.target, lower, tied):
            updates.judge(
                scenario.with_target(target),
                "max_a′ Q(s′, a′) is taken row by row over the actions, whatever their signs.",
            )


def check_terminal(updates: Updates) -> None:
    """Terminal transitions have the reward alone as their target."""
    for rows, terminal in ((6, 0.5), (5, 1.0), (8, 0.2)):
        scenario, _ = sparse(updates.part.rng(str(rows)), rows, 3, gamma=0.9, terminal=terminal)
        updates.judge(scenario, "After a terminal transition there is no next value to add.")


def check_discount(updates: Updates) -> None:
    """γ is the agent's own."""
    for gamma in (0.5, 0.9, 1.0, 0.0):
        scenario, _ = sparse(updates.part.rng(str(gamma)), 5, 3, gamma=gamma)
        updates.judge(scenario, f"This agent was built with gamma={gamma:g}.")


def check_target_network(updates: Updates) -> None:
    """The target comes from target_net and is a constant."""
    rng = updates.part.rng()
    rows = 6
    scenario, _ = sparse(rng, rows, 3)
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
    told = unlike(first, updates_of(updates.run(other_q))[0], rows)
    if told is not None and not updates.excused(scenario, trace):
        updates.fail(
            f"Changing q_net's values of the next states alone changed {told}.",
            "The target is built from target_net, which stays still between two copies.",
        )
    # Other values of target_net, which it must depend on.
    raised = [w + np.float32(0.75) if w.ndim == 1 else w for w in scenario.target]
    other_target = scenario.with_target(raised)
    told = unlike(first, updates_of(updates.run(other_target))[0], rows)
    if told is None and not updates.excused(scenario, trace):
        updates.fail(
            "Raising every value of target_net by 1.5 changed neither the gradient nor the loss.",
            "The target is built from target_net's values of the next states.",
        )
    _require_current_target(updates, scenario)
    updates.settle("The target is built from target_net and is a constant.")


def _require_current_target(updates: Updates, scenario: Scenario) -> None:
    """The same batch again, with other weights in target_net, has other targets."""
    raised = [w + np.float32(0.75) if w.ndim == 1 else w for w in scenario.target]
    request = scenario.request()
    again = [SetWeights(network="target_net", weights=encode_weights(raised)), *request.operations]
    request = msgspec.structs.replace(request, operations=[*request.operations, *again])
    trace = updates.agents.ask(request)
    if trace.raised is not None:
        return  # other checks play the same calls
    after = updates_of(trace)[1].returned.number
    step = scenario.steps[0]
    assert isinstance(step, Learning)
    due, stale = (_second_loss(scenario, step, target) for target in (raised, scenario.target))
    if after is None or close(after, due) or not close(after, stale):
        return
    updates.fail(
        "The same batch twice, with every value of target_net raised by 1.5 in between: the second "
        f"call returned {after:.6g}, as if target_net were still the same; expected {due:.6g}.",
        "The target is built from target_net as it is at the time of the call.",
    )


def _second_loss(scenario: Scenario, step: Learning, target: Weights) -> float | None:
    """The loss of a second update on the same batch, with these weights in target_net."""
    learner = Learner(
        MODEL,
        as_doubles(scenario.q),
        as_doubles(scenario.target),
        lr=scenario.lr,
        gamma=scenario.gamma,
    )
    learner.update(step.batch)
    learner.target = as_doubles(target)
    return learner.update(step.batch).returned


def check_loss(updates: Updates) -> None:
    """The loss is the mean of squared errors."""
    for rows, spread in ((6, 0.4), (6, 1.6), (1, 1.5), (9, 1.0)):
        rng = updates.part.rng(str(rows), str(spread))
        scenario, _ = sparse(rng, rows, 3, rewards=(-spread, 1.5 * spread))
        updates.judge(scenario, "Every error counts by its square, and the batch by its mean.")
    large = dense(updates.part.rng("large"), 4, 3, 200, gamma=0.9, scale=0.1)
    updates.judge(large, "Every row of the batch counts, however many there are.")

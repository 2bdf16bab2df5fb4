"""DQNAgent.update: the step it takes, what it returns, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from grader.checks.agents import (
    Learning,
    Scenario,
    one_hot_pool,
    random_pool,
    random_weights,
)
from grader.checks.compare import list_of_doubles
from grader.checks.explore import explore
from grader.checks.feedback import Failure
from grader.checks.outcomes import (
    EVERYTHING,
    GRADIENTS,
    RETURNED,
    difference,
    updates_of,
    weight_difference,
)
from grader.checks.rounding import steady
from grader.checks.update_readings import (
    require_free_generators,
    returned_code,
    sync_code,
    unclipped_norm,
)
from grader.checks.update_scenarios import almost_right, dense, scattered, sparse, tabular
from grader.checks.update_snippets import untouched_snippet, update_snippet
from grader.checks.updates import Updates, gradients_of, wrong_targets
from grader.oracle.adam import Adam
from grader.oracle.dqn import Learner
from grader.oracle.models import Weights, global_norm
from grader.protocol.messages import (
    Sync,
)

PART = "update"
EXAMPLES = 50


def check_clipping(updates: Updates) -> None:
    """The gradient's norm over all of q_net is clipped to 10, and left alone below."""
    rng = updates.part.rng()
    for low, high in ((30.0, 60.0), (0.4, 0.9), (900.0, 2000.0), (1.5, 1.9), (3.0, 4.0)):
        scenario = dense(rng, 4, 3, 6, gamma=0.9, rewards=(low, high), scale=0.15)
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
        if got is not None and not _parallel(got, expected.gradients):
            norm += " and another direction"
        before = unclipped_norm(scenario)
        updates.fail(
            f"A loss whose gradient has norm {before:.4g} was stepped on with a gradient of norm "
            f"{norm}, expected {global_norm(expected.gradients):.4g} in the same direction.",
            "All of q_net's gradients are scaled together when their norm exceeds 10.",
        )


def _parallel(one: Weights, two: Weights) -> bool:
    """Whether two gradients have the same direction."""
    product = sum(float(np.vdot(a, b)) for a, b in zip(one, two, strict=True))
    return product > 0.9999 * global_norm(one) * global_norm(two)


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
    _follow_adam(updates, scenario)
    _follow_adam(updates, almost_right(rng))
    updates.settle("One step of Adam with the agent's lr, on the gradients of this call.")


def _follow_adam(updates: Updates, scenario: Scenario) -> None:
    """`Failure` unless every call moves the weights by one Adam step on its own gradient."""
    trace = updates.run(scenario)
    weights: Weights = [w.astype(np.float64) for w in scenario.q]
    adam = Adam(scenario.lr)
    for call, updated in enumerate(updates_of(trace)):
        gradients = gradients_of(updated)
        if gradients is None:
            break
        before = [w.copy() for w in weights]
        adam.step(weights, gradients)
        told = weight_difference(updated, weights, before, scenario.lr)
        if told is None:
            continue
        if updates.excused(scenario, trace):
            break
        updates.fail(
            f"In call {call + 1} {told} from one Adam step on that call's gradient.",
            "One step of Adam with the agent's lr, on the gradients of this call.",
        )
    if difference(scenario, trace) is not None and gradients_of(updates_of(trace)[0]) is None:
        updates.fail(
            "No optimizer step with gradients was seen.", "`optimizer.step()` moves the weights."
        )


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
        scenario = dense(rng, 4, 3, rows, gamma=0.9)
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
    scenario, _ = sparse(rng, 6, 3)
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
                reproduce=updates.counterexample,
            )
        if value.holds_graph:
            raise Failure(
                f"`update` returned {value.text} that requires a gradient.",
                why="A tensor that keeps its graph keeps all of the batch's memory alive.",
                code="UPDATE_RETURNS_TENSOR",
                reproduce=updates.counterexample,
            )
        if value.number is None:
            raise Failure(
                f"`update` returned {value.text}, which `float()` does not take.",
                why="The training loop shows the loss of each update.",
                code="UPDATE_RETURNS_OTHER",
                reproduce=updates.counterexample,
            )
        found = difference(scenario, trace, aspects=(RETURNED,))
        if found is None or found.call != call or updates.excused(scenario, trace, (RETURNED,)):
            continue
        if call == 0 and wrong_targets(scenario, trace, 0) is not None:
            continue  # the loss of a target that another check finds wrong
        raise Failure(
            f"In call {call + 1} {found.observed}.",
            why="The number is this batch's loss, before the step and unrounded.",
            code=updates.diagnosis.code_for("update.returned_loss")
            or returned_code(scenario, trace),
            reproduce=updates.counterexample,
        )
    updates.settle("The number is this batch's loss, before the step and unrounded.")


def check_target_untouched(updates: Updates) -> None:
    """Leaves target_net, γ, lr, the buffer and the global generators alone, at every call."""
    run = updates.long_run()
    initial = run.trace.initial
    assert initial is not None
    for count, updated in zip(run.counts, updates_of(run.trace), strict=True):
        told = f"After {count} call(s) of `update`, without a copy in between,"
        got = list_of_doubles(updated.state.target_weights)
        if got is None or not all(map(np.array_equal, got, run.scenario.target)):
            raise Failure(
                f"{told} the weights of target_net have changed.",
                why="Only `update_target` copies: between copies the target stands still.",
                code=updates.diagnosis.code_for("update.target_untouched")
                or sync_code(updated, got),
                reproduce=untouched_snippet(count),
            )
        for name, before, after in (
            ("agent.gamma", initial.gamma, updated.state.gamma),
            ("the optimizer's lr", initial.lr, updated.state.lr),
        ):
            if before != after:
                raise Failure(
                    f"{told} {name} is {after}, and was {before} before.",
                    why="An update changes the weights of q_net and nothing else.",
                )
        if not updated.state.buffer_intact:
            raise Failure(
                f"{told} the agent's buffer is another one, or holds more or fewer transitions.",
                why="An update reads from the buffer; what is stored stays.",
            )
    require_free_generators(updates, run.scenario)
    updates.settle("Between copies the target stands still.")


def check_many_updates(updates: Updates) -> None:
    """Many updates in a row, with and without copies in between, follow the algorithm."""
    rng = updates.part.rng()
    scenario = updates.part.recall("many updates", lambda: steady(lambda: _many_updates(rng)))
    scenario = updates.without_syncs(scenario)
    updates.judge(scenario, "Every call behaves like the first.", EVERYTHING)
    _require_long_run(updates)


def _many_updates(rng: np.random.Generator) -> Scenario:
    steps: list[Learning | Sync] = []
    batches = [
        Learning(random_pool(rng, 2 * rows, 4, 3, terminal=0.25), rows)
        for rows in rng.integers(1, 12, 12).tolist()
    ]
    for n in range(30):
        # Batches come again, also after a copy: nothing may be remembered of them.
        steps.append(batches[n] if n < len(batches) else batches[int(rng.integers(len(batches)))])
        if n % 7 == 6:
            steps.append(Sync())
    return Scenario(
        q=random_weights(rng, 4, 3),
        target=random_weights(rng, 4, 3),
        lr=0.01,
        gamma=0.9,
        steps=steps,
    )


def _require_long_run(updates: Updates) -> None:
    """After hundreds of calls q_net is where the algorithm takes it."""
    run = updates.long_run()
    got = list_of_doubles(updates_of(run.trace)[-1].state.q_weights)
    calls = run.counts[-1]
    many = replace(run.scenario, steps=list(run.scenario.steps) * calls)
    for kind in (Learner, updates.diagnosis.learner or Learner):
        if kind is Learner:
            expected = updates.part.recall("long run's end", lambda: many.expected()[-1])
        else:
            expected = many.expected(kind)[-1]
        if got is None or expected is None:
            continue
        moved = global_norm([e - w for e, w in zip(expected.q, many.q, strict=True)])
        wrong = global_norm([g - e for g, e in zip(got, expected.q, strict=True)])
        if wrong <= 0.02 * moved:
            return
    raise Failure(
        f"After {calls} calls on one buffer, q_net is not where {calls} updates take it.",
        why="Every call behaves like the first, however many there were before.",
        reproduce=updates.counterexample,
    )


def check_any_batch(updates: Updates) -> None:
    """Any batch size, number of actions, rewards, mask, γ and lr."""

    def judge(scenario: Scenario) -> None:
        updates.judge(
            scenario,
            "The update is the same algorithm for every shape and value.",
            reproduce=update_snippet,
        )

    explore(
        st.one_of(tabular(), scattered()),
        judge,
        seeded=updates.part.seed(),
        examples=EXAMPLES,
        recall=updates.part.recall,
    )

"""What a submission that behaves like a learner of the oracle would have answered."""

import numpy as np
import pytest
import torch

from grader.protocol.arrays import from_numpy
from grader.protocol.messages import AgentState, AgentTrace, Raised, Sync, Synced, Updated, Value


def _state(scenario, q, target):
    return AgentState(
        q_weights=[from_numpy(w.astype(np.float32)) for w in q],
        target_weights=[from_numpy(w.astype(np.float32)) for w in target],
        same_object=False,
        shared_storage=False,
        gamma=scenario.gamma,
        lr=scenario.lr,
        target_training=False,
        optimizer_owns_target=False,
        q_trainable=True,
        buffer_intact=True,
    )


def _trace_of(scenario, kind):
    """The trace of a scenario as this kind of learner leaves it, in float32."""
    outcomes = iter(scenario.expected(kind))
    results = []
    raised = None
    state = initial = _state(scenario, scenario.q, scenario.target)
    for step in scenario.steps:
        if isinstance(step, Sync):
            results.append(Synced(state=state, draws=[0.0, 0.0, 0.0]))
            continue
        outcome = next(outcomes)
        if outcome is None:
            raised = Raised(type="RuntimeError", message="shapes", frames=[], during="update")
            break
        state = _state(scenario, outcome.q, outcome.target)
        gradients = outcome.gradients
        results.append(
            Updated(
                returned=Value(type="float", text="…", number=outcome.returned),
                steps=outcome.steps,
                backward=True,
                reached=True,
                gradients=None
                if gradients is None
                else [from_numpy(g.astype(np.float32)) for g in gradients],
                sample_calls=[step.batch_size],
                target_has_gradient=False,
                draws=[0.0, 0.0, 0.0],
                state=state,
            )
        )
    return AgentTrace(initial=initial, results=results, raised=raised)


@pytest.fixture(scope="session")
def trace_of():
    """A function: scenario and kind of learner to trace."""
    return _trace_of


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """On a busy machine a second thread makes small matrices slow."""
    torch.set_num_threads(1)

"""A trace is looked at only when it is a possible answer to its scenario."""

import typing

import numpy as np
import pytest

from grader.checks.replies import require_answer
from grader.protocol import messages as m
from grader.protocol.arrays import Array, from_numpy
from grader.protocol.errors import ProtocolError

WEIGHTS = [from_numpy(np.zeros(shape, np.float32)) for shape in ((2, 3), (2,), (2, 3), (2,))]
EMPTY_WITH_ABSURD_SHAPE = Array("float32", (0, 2**62), b"")
SAMPLES = {bool: False, int: 1, float: 0.5, str: "x"}


def state(**changes):
    """A possible state of the agent: weights where lists are due, anything elsewhere."""
    hints = typing.get_type_hints(m.AgentState)
    return m.AgentState(
        **(
            {
                name: SAMPLES.get(hints[name], WEIGHTS if name.endswith("weights") else None)
                for name in m.AgentState.__struct_fields__
            }
            | changes
        )
    )


def updated(**changes):
    value = m.Value(type="float", text="1.0", number=1.0)
    fields = {
        "returned": value,
        "steps": 1,
        "backward": True,
        "reached": True,
        "gradients": WEIGHTS,
        "sample_calls": [2],
        "target_has_gradient": False,
        "draws": [0.1, 0.2, 0.3],
        "state": state(),
    }
    return m.Updated(**(fields | changes))


def answer(result):
    """Ask for one update and take this for its result."""
    request = m.PlayAgent(
        state_dim=3,
        action_dim=2,
        lr=None,
        gamma=None,
        q_weights=None,
        target_weights=None,
        operations=[m.Update(batch_size=2)],
    )
    results = result if isinstance(result, list) else [result]
    require_answer(request, m.AgentTrace(initial=state(), results=results, raised=None))


@pytest.mark.parametrize("gradients", [None, WEIGHTS, [None] * 4, [*WEIGHTS[:3], None]])
def test_a_possible_trace_is_taken(gradients):
    answer(updated(gradients=gradients))


@pytest.mark.parametrize(
    "gradients",
    [[], WEIGHTS[:1], WEIGHTS[:3], [*WEIGHTS, None], [*WEIGHTS, WEIGHTS[0]], WEIGHTS[::-1]],
    ids=["none", "one", "three", "a fifth missing", "a fifth", "reversed"],
)
def test_gradients_that_do_not_go_with_the_parameters_are_refused(gradients):
    with pytest.raises(ProtocolError):
        answer(updated(gradients=gradients))


@pytest.mark.parametrize(
    "result",
    [
        [],
        [updated(), updated()],
        m.Synced(state=state(), draws=[0.1, 0.2, 0.3]),
        updated(draws=[0.1]),
        updated(state=state(q_weights=WEIGHTS[:3])),
        updated(state=state(target_weights=[WEIGHTS[1]] * 4)),
        updated(gradients=[EMPTY_WITH_ABSURD_SHAPE] * 4),
        updated(returned=m.Value(type="T", text="t", array=EMPTY_WITH_ABSURD_SHAPE)),
        updated(returned=m.Value(type="T", text="t", array=Array("float32", (3,), b"1"))),
    ],
)
def test_an_impossible_trace_is_refused(result):
    with pytest.raises(ProtocolError):
        answer(result)


def test_arrays_are_looked_for_at_any_depth():
    bad = m.Value(type="T", text="t", array=Array("object", (1,), b"12345678"))
    for _ in range(5):
        bad = m.Value(type="list", text="l", items=[bad])
    with pytest.raises(ProtocolError, match="does not cross"):
        answer(updated(returned=bad))


def test_a_list_far_too_long_is_refused():
    with pytest.raises(ProtocolError, match="far longer"):
        answer(updated(sample_calls=[1] * 20_001))


@pytest.mark.parametrize("times", [1, 3])
def test_draws_are_as_many_as_were_asked_for(times):
    stacked = [from_numpy(np.zeros((3, 2), np.float32))] * 5
    first = m.Value(type="tuple", text="t")
    sampled = m.Sampled(
        first=first, stacked=stacked, first_changed=False, draws=[0.1, 0.2, 0.3], warnings=[]
    )
    request = m.PlayBuffer(capacity=None, operations=[m.Sample(batch_size=2, times=times)])
    reply = m.BufferTrace(results=[sampled], kept=None, raised=None)
    if times == 3:
        require_answer(request, reply)
    else:
        with pytest.raises(ProtocolError, match="draws"):
            require_answer(request, reply)

"""Replies that answer no request are refused before a check looks at them."""

import msgspec
import numpy as np
import pytest

from grader.checks.agents import Learning, Scenario, random_pool, random_weights
from grader.checks.replies import MAX_LIST, require_answer
from grader.client import WorkerLost
from grader.protocol.arrays import Array, from_numpy
from grader.protocol.errors import ProtocolError
from grader.protocol.messages import (
    AgentTrace,
    BufferTrace,
    Counted,
    Length,
    Load,
    Loaded,
    NetworkTrace,
    Parameter,
    PlayBuffer,
    PlayNetwork,
    Raised,
    Sample,
    Sampled,
    Select,
    Sync,
    Synced,
    Value,
)

change = msgspec.structs.replace
DRAWS = [0.1, 0.2, 0.3]
RAISED = Raised(type="ValueError", message="no", frames=[], during="update")


@pytest.fixture
def agent(learner_worker):
    """A request with an update, a copy and a selection, and the trace of the contract's learner."""
    rng = np.random.default_rng(0)
    pool = random_pool(rng, 7, 4, 3)
    scenario = Scenario(
        q=random_weights(rng, 4, 3),
        target=random_weights(rng, 4, 3),
        lr=0.01,
        gamma=0.9,
        steps=[Learning(pool, 3), Sync(), Learning(pool, 2)],
    )
    request = scenario.request()
    select = Select(states=from_numpy(np.zeros((5, 4), np.float32)), epsilon=0.0)
    request = change(request, operations=[*request.operations, select])
    return request, learner_worker().ask(request, AgentTrace)


def network():
    weights = from_numpy(np.zeros((3, 2), np.float32))
    out = Value(type="Tensor", text="", array=from_numpy(np.zeros((4, 2), np.float32)))
    request = PlayNetwork(
        state_dim=3,
        action_dim=2,
        hidden_dim=5,
        weights=None,
        inputs=[from_numpy(np.zeros((4, 3), np.float32))],
        gradient=True,
    )
    reply = NetworkTrace(
        parameters=[Parameter(name="w", value=weights, requires_grad=True)],
        outputs=[out],
        again=[out],
        gradients=[weights],
        inputs_changed=False,
        raised=None,
    )
    return request, reply


def buffer():
    draw = Sampled(
        first=Value(type="tuple", text=""),
        stacked=[from_numpy(np.zeros((6, 2), np.float32))] * 5,
        first_changed=False,
        draws=DRAWS,
        warnings=[],
    )
    request = PlayBuffer(capacity=4, operations=[Sample(batch_size=2, times=6), Length()])
    return request, BufferTrace(results=[draw, Counted(length=4)], kept=None, raised=None)


def with_result(trace, n, **changes):
    results = list(trace.results)
    results[n] = change(results[n], **changes)
    return change(trace, results=results)


def with_state(trace, n, **changes):
    return with_result(trace, n, state=change(trace.results[n].state, **changes))


AGENT_DAMAGE = {
    "a result is missing": lambda t: change(t, results=t.results[:-1]),
    "a result too many": lambda t: change(t, results=[*t.results, t.results[-1]]),
    "no results": lambda t: change(t, results=[]),
    "no initial state": lambda t: change(t, initial=None),
    "a copy for an update": lambda t: change(
        t, results=[Synced(state=t.initial, draws=DRAWS), *t.results[1:]]
    ),
    "an update for a copy": lambda t: change(
        t, results=[t.results[0], t.results[0], *t.results[2:]]
    ),
    "a copy for a selection": lambda t: change(
        t, results=[*t.results[:-1], Synced(state=t.initial, draws=DRAWS)]
    ),
    "too few actions": lambda t: with_result(t, 3, actions=[0, 1]),
    "too few draws": lambda t: with_result(t, 0, draws=[0.5]),
    "too few draws after a copy": lambda t: with_result(t, 1, draws=[0.5]),
    "three gradients": lambda t: with_result(t, 0, gradients=t.results[0].gradients[:3]),
    "five gradients": lambda t: with_result(
        t, 0, gradients=[*t.results[0].gradients, t.results[0].gradients[0]]
    ),
    "gradients of another shape": lambda t: with_result(
        t, 0, gradients=t.results[0].gradients[::-1]
    ),
    "weights of another shape": lambda t: with_state(
        t, 0, q_weights=t.results[0].state.q_weights[::-1]
    ),
    "a target weight is missing": lambda t: with_state(
        t, 2, target_weights=t.results[2].state.target_weights[:3]
    ),
    "initial weights of another shape": lambda t: change(
        t, initial=change(t.initial, q_weights=[])
    ),
    "bytes that do not fill the shape": lambda t: with_state(
        t, 0, q_weights=[Array("float32", (3, 4), b"123"), *t.results[0].state.q_weights[1:]]
    ),
    "a dtype that does not cross": lambda t: with_state(
        t, 0, q_weights=[Array("object", (3, 4), b"1" * 96), *t.results[0].state.q_weights[1:]]
    ),
    "a negative shape": lambda t: with_result(
        t, 0, returned=Value(type="Tensor", text="", array=Array("float32", (-1,), b""))
    ),
    "a list without end": lambda t: with_result(t, 3, actions=[0] * (MAX_LIST + 1)),
    "results beside an exception are too many": lambda t: change(
        t, results=[*t.results, t.results[-1]], raised=RAISED
    ),
}


def test_the_learners_trace_is_accepted(agent):
    require_answer(*agent)


@pytest.mark.parametrize("damage", AGENT_DAMAGE.values(), ids=AGENT_DAMAGE)
def test_damaged_agent_traces_are_refused(agent, damage):
    request, trace = agent
    with pytest.raises(ProtocolError):
        require_answer(request, damage(trace))


@pytest.mark.parametrize("kept", [0, 1, 3])
def test_an_exception_may_cut_a_trace_short(agent, kept):
    request, trace = agent
    require_answer(request, change(trace, results=trace.results[:kept], raised=RAISED))


@pytest.mark.parametrize("field", ["gradients", "data"])
def test_missing_values_are_no_nonsense(agent, field):
    request, trace = agent
    if field == "gradients":
        trace = with_result(trace, 0, gradients=None)
    else:
        bare = [Array(w.dtype, w.shape, None) for w in trace.results[0].state.q_weights]
        trace = with_state(trace, 0, q_weights=bare)
    require_answer(request, trace)


NETWORK_DAMAGE = {
    "no outputs": {"outputs": []},
    "no second outputs": {"again": []},
    "an output too many": {"outputs": network()[1].outputs * 2},
    "no gradients": {"gradients": None},
    "a gradient too many": {"gradients": network()[1].gradients * 2},
    "a gradient of another shape": {"gradients": [from_numpy(np.zeros((2, 3), np.float32))]},
}


@pytest.mark.parametrize("damage", NETWORK_DAMAGE.values(), ids=NETWORK_DAMAGE)
def test_damaged_network_traces_are_refused(damage):
    request, reply = network()
    require_answer(request, reply)
    require_answer(request, change(reply, gradients=[None]))
    with pytest.raises(ProtocolError):
        require_answer(request, change(reply, **damage))


def test_a_network_that_raised_has_no_outputs():
    request, reply = network()
    require_answer(request, change(reply, outputs=[], again=[], gradients=None, raised=RAISED))


BUFFER_DAMAGE = {
    "a result is missing": lambda r: r.results[:1],
    "a result too many": lambda r: [*r.results, r.results[1]],
    "exchanged": lambda r: r.results[::-1],
    "four fields": lambda r: [change(r.results[0], stacked=r.results[0].stacked[:4]), r.results[1]],
    "too few draws": lambda r: [
        change(r.results[0], stacked=[from_numpy(np.zeros((5, 2), np.float32))] * 5),
        r.results[1],
    ],
    "a scalar for draws": lambda r: [
        change(r.results[0], stacked=[from_numpy(np.float32(1))] * 5),
        r.results[1],
    ],
}


@pytest.mark.parametrize("damage", BUFFER_DAMAGE.values(), ids=BUFFER_DAMAGE)
def test_damaged_buffer_traces_are_refused(damage):
    request, reply = buffer()
    require_answer(request, reply)
    with pytest.raises(ProtocolError):
        require_answer(request, change(reply, results=damage(reply)))


LIES = {
    "no results": lambda t: change(t, results=[]),
    "twice the results": lambda t: change(t, results=t.results * 2),
    "no initial state": lambda t: change(t, initial=None),
    "copies for updates": lambda t: change(
        t, results=[Synced(state=r.state, draws=DRAWS) for r in t.results]
    ),
    "three gradients": lambda t: change(t, results=[fewer_gradients(r) for r in t.results]),
    "weights of another shape": lambda t: with_state(
        t, 0, q_weights=t.results[0].state.q_weights[::-1]
    ),
}


def fewer_gradients(result):
    return change(result, gradients=result.gradients[:3]) if hasattr(result, "steps") else result


@pytest.mark.parametrize("check", ["update.learns", "update.td_target", "update.one_step"])
@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_nonsense_makes_a_check_crash_and_is_no_fault(lie, check, learner_worker, runner):
    class Liar(learner_worker):
        def play(self, request):
            reply = super().play(request)
            return lie(reply) if isinstance(reply, AgentTrace) else reply

    outcome = runner(Liar(), "update").run(check)
    assert isinstance(outcome, WorkerLost)
    assert outcome.status == "crashed"
    assert "nonsense" in outcome.observed


def test_a_reply_of_another_kind_passes_for_requests_that_have_no_shape():
    require_answer(Load(module="q_network", siblings={}), Loaded(raised=None, names=[]))

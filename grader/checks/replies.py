"""Does a reply answer its request? Asked of every reply before a check looks at it.

The worker is untrusted: a trace may have too few results, arrays of other shapes, or none at all.
After this, an exception in a check is the grader's own fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

import msgspec

from grader.protocol.arrays import Array, to_numpy
from grader.protocol.errors import ProtocolError
from grader.protocol.messages import (
    AgentState,
    AgentTrace,
    BufferTrace,
    Counted,
    Fill,
    Length,
    NetworkTrace,
    PlayAgent,
    PlayBuffer,
    PlayNetwork,
    Push,
    Reply,
    Request,
    Sample,
    Sampled,
    Select,
    Selected,
    Synced,
    Update,
    Updated,
)

MAX_LIST = 20_000


def require_answer(request: Request, reply: Reply) -> None:
    """`ProtocolError` unless the reply is a possible trace of the request."""
    for array in _arrays(reply):
        if array.data is not None:
            to_numpy(array)
        elif any(n < 0 for n in array.shape):
            raise ProtocolError("array with an impossible shape")
    match request, reply:
        case PlayNetwork(), NetworkTrace():
            _network(request, reply)
        case PlayBuffer(), BufferTrace():
            _buffer(request, reply)
        case PlayAgent(), AgentTrace():
            _agent(request, reply)
        case _:
            pass


def _network(request: PlayNetwork, reply: NetworkTrace) -> None:
    if reply.raised is not None:
        return
    _require(len(reply.outputs) == len(reply.again) == len(request.inputs), "outputs")
    _require(len(reply.after) == (0 if request.then is None else len(request.inputs)), "outputs")
    if request.gradient:
        count = len(reply.parameters)
        _require(reply.gradients is not None and len(reply.gradients) == count, "gradients")
        for parameter, gradient in zip(reply.parameters, reply.gradients or [], strict=True):
            _require(gradient is None or gradient.shape == parameter.value.shape, "gradients")


def _buffer(request: PlayBuffer, reply: BufferTrace) -> None:
    asked = [o for o in request.operations if not isinstance(o, Push)]
    _require(len(reply.results) <= len(asked), "results")
    _require(reply.kept is None or len(reply.kept) == 5, "kept fields")
    if reply.raised is None:
        _require(len(reply.results) == len(asked), "results")
    for operation, result in zip(asked, reply.results, strict=False):
        wanted = Counted if isinstance(operation, Length) else Sampled
        _require(isinstance(result, wanted), "results")
        if (
            isinstance(operation, Sample)
            and isinstance(result, Sampled)
            and result.stacked is not None
        ):
            _require(len(result.stacked) == 5, "draws")
            _require(len(result.draws) == 3, "draws")
            for array in result.stacked:
                _require(array.shape[:1] == (operation.times,), "draws")


def _agent(request: PlayAgent, reply: AgentTrace) -> None:
    asked = [o for o in request.operations if not isinstance(o, Fill)]
    _require(len(reply.results) <= len(asked), "results")
    if reply.raised is None:
        _require(len(reply.results) == len(asked) and reply.initial is not None, "results")
    shapes = [
        (request.action_dim, request.state_dim),
        (request.action_dim,),
        (request.action_dim, request.state_dim),
        (request.action_dim,),
    ]
    states = [reply.initial] if reply.initial is not None else []
    for operation, result in zip_longest(asked, reply.results):
        if result is None:
            continue
        match operation:
            case Update():
                _require(isinstance(result, Updated), "results")
            case Select():
                _require(
                    isinstance(result, Selected)
                    and len(result.actions) == operation.states.shape[0],
                    "actions",
                )
            case _:
                _require(isinstance(result, Synced), "results")
        if isinstance(result, Updated | Synced):
            _require(len(result.draws) == 3, "draws")
        if isinstance(result, Updated):
            gradients = [None] * len(shapes) if result.gradients is None else result.gradients
            _require(len(gradients) == len(shapes), "gradients")
            for gradient, shape in zip(gradients, shapes, strict=True):
                _require(gradient is None or gradient.shape == shape, "gradients")
        if isinstance(result, Updated | Synced):
            states.append(result.state)
    for state in states:
        _state(state, shapes)


def _state(state: AgentState, shapes: list[tuple[int, ...]]) -> None:
    for weights in (state.q_weights, state.target_weights):
        _require([w.shape for w in weights] == shapes, "weights of the stand-in networks")


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ProtocolError(f"the {what} in the reply are not those that were asked for")


def _arrays(thing: object) -> Iterator[Array]:
    """Every array anywhere in a message, however deep: a stack does not overflow."""
    left = [thing]
    while left:
        match left.pop():
            case Array() as array:
                yield array
            case msgspec.Struct() as message:
                left += [getattr(message, name) for name in message.__struct_fields__]
            case list() as items:
                if len(items) > MAX_LIST:
                    raise ProtocolError("a list far longer than anything asked for")
                left += items

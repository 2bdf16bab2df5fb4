"""What the judge does with a frame, and what may come of it."""

from __future__ import annotations

import io
from collections.abc import Callable

import msgspec
import numpy as np

from grader.checks.replies import require_answer
from grader.protocol import messages as m
from grader.protocol.arrays import Array, from_numpy, to_numpy
from grader.protocol.errors import ChannelClosed, ProtocolError
from grader.protocol.framing import decode_reply, decode_request, read_payload
from grader.protocol.messages import Reply


class Broken(AssertionError):
    """Something else than a `ProtocolError`, or an array that is not what it says."""


def take(frame: bytes) -> str:
    """How far a frame gets: `refused`, `closed`, `request`, `reply`, or `answer` when the judge
    would look at it; `Broken` for anything else."""
    try:
        payload = read_payload(_reader(frame))
    except ChannelClosed:
        return "closed"
    except ProtocolError:
        return "refused"
    return _decoded(payload)


def _decoded(payload: bytes) -> str:
    kinds = []
    for decode in (decode_reply, decode_request):
        try:
            kinds.append(decode(payload))
        except ProtocolError as error:
            if len(str(error)) > 300:
                raise Broken(f"a message of {len(str(error))} characters") from error
        except Exception as error:
            raise Broken(f"{decode.__name__}: {type(error).__name__}: {error}") from error
    for frame in kinds:
        if isinstance(frame, m.ReplyFrame):
            return _answered(frame.body)
    return "request" if kinds else "refused"


def _answered(reply: Reply) -> str:
    for array in _arrays(msgspec.to_builtins(reply, builtin_types=(bytes,))):
        _read(array)
    told = "reply"
    for request in REQUESTS:
        try:
            require_answer(request, reply)
            told = "answer"
        except ProtocolError:
            continue
        except Exception as error:
            raise Broken(f"require_answer: {type(error).__name__}: {error}") from error
    return told


def _read(array: Array) -> None:
    try:
        values = to_numpy(array)
    except ProtocolError:
        return
    except Exception as error:
        raise Broken(f"to_numpy: {type(error).__name__}: {error}") from error
    if values.shape != array.shape or values.nbytes != len(array.data or b""):
        raise Broken(f"{array.describe()} became {values.dtype} {values.shape}")


def _arrays(tree: object) -> list[Array]:
    left, found = [tree], []
    while left:
        thing = left.pop()
        if isinstance(thing, dict):
            if set(thing) == {"dtype", "shape", "data"}:
                found.append(Array(thing["dtype"], tuple(thing["shape"]), thing["data"]))
            left += thing.values()
        elif isinstance(thing, list | tuple):
            left += thing
    return found


def _reader(frame: bytes) -> Callable[[int], bytes]:
    stream = io.BytesIO(frame)

    def read(size: int) -> bytes:
        part = stream.read(size)
        if len(part) < size:
            raise ChannelClosed
        return part

    return read


def _transitions() -> m.Transitions:
    rows, zeros = np.zeros((3, 4), np.float32), np.zeros(3, np.float32)
    return m.Transitions(
        states=from_numpy(rows),
        actions=from_numpy(np.zeros(3, np.int64)),
        rewards=from_numpy(zeros),
        next_states=from_numpy(rows),
        dones=from_numpy(zeros),
    )


#: One of every kind that has a shape of its own to be held against.
REQUESTS = (
    m.PlayNetwork(
        state_dim=4,
        action_dim=2,
        hidden_dim=None,
        weights=None,
        inputs=[from_numpy(np.zeros((2, 4), np.float32))],
        gradient=True,
    ),
    m.PlayNetwork(state_dim=4, action_dim=2, hidden_dim=3, weights=None, inputs=[]),
    m.PlayBuffer(
        capacity=None,
        operations=[m.Push(transitions=_transitions()), m.Sample(batch_size=2), m.Length()],
    ),
    m.PlayAgent(
        state_dim=4,
        action_dim=2,
        lr=None,
        gamma=None,
        q_weights=None,
        target_weights=None,
        operations=[
            m.Fill(transitions=_transitions(), stored=3),
            m.Update(batch_size=2),
            m.Sync(),
            m.Select(states=from_numpy(np.zeros((2, 4), np.float32)), epsilon=0.5),
        ],
    ),
)

"""Frames: what goes in comes out; anything else is a `ProtocolError`."""

import contextlib
import io
import math
import tracemalloc
import typing

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.checks.replies import require_answer
from grader.protocol import framing
from grader.protocol import messages as m
from grader.protocol.errors import ChannelClosed, ChannelError, ProtocolError
from grader.protocol.framing import (
    HEADER,
    MAX_FRAME_BYTES,
    decode_reply,
    decode_request,
    pack,
    read_payload,
)

REQUESTS = typing.get_args(m.Request)
REPLIES = typing.get_args(m.Reply)
QUICK = settings(database=None, deadline=None, derandomize=True, max_examples=25)
MANY = settings(QUICK, max_examples=100)


def read_from(data):
    """A `ReadExactly` on bytes that closes where they end."""
    stream = io.BytesIO(data)

    def read(size):
        part = stream.read(size)
        if len(part) < size:
            raise ChannelClosed
        return part

    return read


def packed_reply(body, number=1):
    return pack(m.ReplyFrame(id=number, body=body))


def payload_of(body):
    return packed_reply(body)[HEADER.size :]


VALUE = m.Value(type="float", text="1.5", number=1.5)
TRACE = m.NetworkTrace(
    parameters=[],
    outputs=[VALUE],
    again=[VALUE],
    gradients=None,
    inputs_changed=False,
    raised=m.Raised(type="E", message="m", frames=[], during="d"),
)


@pytest.mark.parametrize("kind", REQUESTS, ids=lambda kind: kind.__name__)
@QUICK
@given(data=st.data())
def test_requests_survive(messages, kind, data):
    body = data.draw(messages(kind))
    frame = m.RequestFrame(id=data.draw(st.integers(0, 2**63)), cpu_s=3.0, wall_s=10.0, body=body)
    payload = read_payload(read_from(pack(frame)))
    decoded = decode_request(payload)
    assert type(decoded.body) is kind
    assert decoded.id == frame.id
    assert msgspec.msgpack.encode(decoded) == payload  # by bytes, since NaN is unequal to itself


@pytest.mark.parametrize("kind", REPLIES, ids=lambda kind: kind.__name__)
@QUICK
@given(data=st.data())
def test_replies_survive(messages, kind, data):
    payload = read_payload(read_from(packed_reply(data.draw(messages(kind)))))
    decoded = decode_reply(payload)
    assert type(decoded.body) is kind
    assert msgspec.msgpack.encode(decoded) == payload


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 5e-324, -0.0, 1.5])
def test_every_float_passes_as_a_number(number):
    body = m.RunUpdate(batches=[], loss=number, weights=None)
    decoded = decode_reply(payload_of(m.Advanced(updates=[body], actions=[], raised=None)))
    loss = decoded.body.updates[0].loss
    assert math.isnan(loss) if math.isnan(number) else loss == number
    assert math.copysign(1, loss) == math.copysign(1, number)


@pytest.mark.parametrize("length", [MAX_FRAME_BYTES + 1, 2**31, 2**32 - 1])
def test_announced_length_is_capped_before_anything_is_read(length):
    asked = []

    def read(size):
        asked.append(size)
        return HEADER.pack(length)

    with pytest.raises(ProtocolError, match=f"announced {length:,} bytes"):
        read_payload(read)
    assert asked == [HEADER.size]


def test_a_frame_of_the_greatest_length_is_read():
    asked = []

    def read(size):
        asked.append(size)
        return HEADER.pack(MAX_FRAME_BYTES) if size == HEADER.size else b""

    read_payload(read)
    assert asked == [HEADER.size, MAX_FRAME_BYTES]


def test_a_message_over_the_cap_is_not_sent(monkeypatch):
    monkeypatch.setattr(framing, "MAX_FRAME_BYTES", 100)
    with pytest.raises(ProtocolError, match=r"message of 1,0\d\d bytes exceeds 100"):
        packed_reply(m.Refused(reason="x" * 1000))


def test_every_truncation_of_a_frame_ends_in_a_channel_error():
    whole = packed_reply(TRACE)
    for end in range(len(whole)):
        with pytest.raises(ChannelClosed):
            read_payload(read_from(whole[:end]))
    payload = whole[HEADER.size :]
    for end in range(len(payload)):
        with pytest.raises(ProtocolError):
            decode_reply(payload[:end])


@pytest.mark.parametrize(
    "extra", [b"\xc0", b"\x00", b"\x80", packed_reply(TRACE)], ids=["nil", "0", "map", "frame"]
)
def test_trailing_bytes_are_refused(extra):
    with pytest.raises(ProtocolError, match="not a valid message"):
        decode_reply(payload_of(TRACE) + extra)


def holders(thing):
    """Every map inside a decoded message, itself included."""
    if isinstance(thing, dict):
        yield thing
    inside = thing.values() if isinstance(thing, dict) else thing if isinstance(thing, list) else ()
    for item in inside:
        yield from holders(item)


def test_an_unknown_field_is_refused_at_every_level():
    count = len(list(holders(msgspec.msgpack.decode(payload_of(TRACE)))))
    assert count == 5
    for n in range(count):
        tree = msgspec.msgpack.decode(payload_of(TRACE))
        list(holders(tree))[n]["points"] = 100
        with pytest.raises(ProtocolError, match="unknown field `points`"):
            decode_reply(msgspec.msgpack.encode(tree))


def altered(path, value):
    tree = msgspec.msgpack.decode(payload_of(TRACE))
    *before, last = path
    holder = tree
    for key in before:
        holder = holder[key]
    holder[last] = value
    return msgspec.msgpack.encode(tree)


@pytest.mark.parametrize(
    "payload",
    [
        altered(["id"], "1"),
        altered(["id"], 1.5),
        altered(["id"], None),
        altered(["id"], True),
        altered(["body"], None),
        altered(["body", "type"], "nonsense"),
        altered(["body", "type"], "agent"),
        altered(["body", "type"], 3),
        altered(["body", "outputs"], None),
        altered(["body", "outputs"], {}),
        altered(["body", "outputs", 0, "number"], "1.5"),
        altered(["body", "outputs", 0, "number"], [1.5]),
        altered(["body", "outputs", 0, "text"], b"bytes"),
        altered(["body", "inputs_changed"], 0),
        altered(["body", "raised", "message"], None),
        altered(["body", "raised", "frames"], "ab"),
        altered(["body", "raised", "frames"], [{"file": "f", "line": "1"}]),
        b"",
        b"\x90",
        b"\x80",
        b"\xc1",
        b"null",
        b"\x81\xa2id\x01",
        payload_of(TRACE).replace(b"\xa1m", b"\xa1\xff"),
    ],
)
def test_wrong_types_and_missing_fields_are_refused(payload):
    with pytest.raises(ProtocolError) as caught:
        decode_reply(payload)
    assert len(str(caught.value)) < 300


def test_a_request_is_no_reply_and_a_reply_no_request():
    request = pack(
        m.RequestFrame(id=1, cpu_s=1, wall_s=1, body=m.Load(module="q_network", siblings={}))
    )
    with pytest.raises(ProtocolError):
        decode_reply(request[HEADER.size :])
    with pytest.raises(ProtocolError):
        decode_request(payload_of(m.Loaded(raised=None, names=[])))


@pytest.mark.parametrize("levels", [50, 2_000, 100_000])
def test_deep_nesting_never_overflows(levels):
    opening = b"\x83\xa4type\xa1x\xa4text\xa1x\xa5items\x91"
    value = opening * levels + b"\x82\xa4type\xa1x\xa4text\xa1x"
    mark = msgspec.msgpack.encode(VALUE)
    payload = payload_of(TRACE).replace(mark, value, 1)
    if levels == 50:
        assert decode_reply(payload).body.outputs[0].items[0].type == "x"
    else:
        with pytest.raises(ProtocolError):
            decode_reply(payload)


@pytest.mark.parametrize("filler", [b"\x91", b"\x81", b"\x81\x01", b"\x92"])
def test_deep_nesting_of_anything_else_is_refused(filler):
    with pytest.raises(ProtocolError):
        decode_reply(filler * 1_000_000)


@pytest.mark.parametrize("count", [2**20, 2**28, 2**32 - 1])
@pytest.mark.parametrize("field", [b"\xa7outputs", b"\xa6frames", b"\xa5shape"])
def test_an_announced_list_is_not_allocated_ahead(field, count):
    body = TRACE
    if field == b"\xa5shape":
        array = m.Array("float32", (1,), None)
        body = m.RunBegun(parameters=[], weights=array, raised=None)
    before, after = payload_of(body).split(field)
    payload = before + field + b"\xdd" + count.to_bytes(4, "big") + after[1:]
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError):
            decode_reply(payload)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


@MANY
@given(st.binary(max_size=200))
def test_random_bytes_give_a_channel_error_or_a_reply(data):
    for decode in (decode_reply, decode_request):
        with pytest.raises(ProtocolError):
            decode(data)
    with pytest.raises(ChannelError):
        decode_reply(read_payload(read_from(data)))


@MANY
@given(data=st.data())
def test_mutated_frames_give_a_reply_or_a_protocol_error(messages, data):
    payload = bytearray(payload_of(data.draw(st.one_of(*map(messages, REPLIES)))))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(payload) - 1))
        removed = data.draw(st.integers(0, 3))
        payload[at : at + removed] = data.draw(st.binary(max_size=4))
        if not payload:
            return
    with contextlib.suppress(ProtocolError):
        assert isinstance(decode_reply(bytes(payload)), m.ReplyFrame)


PAIRS = [
    (m.PlayNetwork, m.NetworkTrace),
    (m.PlayBuffer, m.BufferTrace),
    (m.PlayAgent, m.AgentTrace),
]


@pytest.mark.parametrize(("request_kind", "reply_kind"), PAIRS, ids=["network", "buffer", "agent"])
@MANY
@given(data=st.data())
def test_a_reply_answers_its_request_or_is_a_protocol_error(
    messages, request_kind, reply_kind, data
):
    request, reply = data.draw(messages(request_kind)), data.draw(messages(reply_kind))
    for operation in getattr(request, "operations", ()):
        if isinstance(operation, m.Select) and not operation.states.shape:
            return  # the judge asks for rows of states
    with contextlib.suppress(ProtocolError):
        require_answer(request, reply)

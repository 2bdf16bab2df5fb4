"""Asking: one request, one reply that fits it, or a lost worker that is replaced."""

import struct
import time

import pytest

from grader import client
from grader.client import Location, Worker, WorkerLost
from grader.limits import Limits
from grader.protocol import messages as m
from grader.protocol.errors import ChannelClosed, DeadlineExpired
from grader.protocol.framing import HEADER, MAX_FRAME_BYTES, decode_request, pack
from grader.protocol.transport import OutputLog
from grader.sandbox.interface import SandboxFault

LOAD = m.Load(module="q_network", siblings={})
PLAY = m.PlayBuffer(capacity=None, operations=[])
LOADED = m.Loaded(raised=None, names=["QNetwork"])


class Script:
    """A transport that answers every request by a function of it: bytes, or what to raise."""

    def __init__(self, answer, prints=b""):
        self.output = OutputLog()
        self.requests = []
        self.deadlines = set()
        self._answer = answer
        self._prints = prints
        self._data = b""

    def send(self, data, deadline):
        request = decode_request(data[HEADER.size :])
        self.requests.append(request)
        self.deadlines.add(deadline)
        answer = self._answer(request)
        if isinstance(answer, Exception):
            raise answer
        self._data = answer

    def receive(self, size, deadline):
        self.deadlines.add(deadline)
        if isinstance(self._data, type):
            raise self._data
        if len(self._data) < size:
            raise ChannelClosed
        part, self._data = self._data[:size], self._data[size:]
        return part

    def drain(self):
        self.output.add(self._prints)
        self._prints = b""

    def close(self):
        """Nothing is open."""


class Host:
    """Hands out one scripted transport after the other."""

    tier = "plain"

    def __init__(self, *transports):
        self._transports = list(transports)

    def open(self):
        if not self._transports:
            raise SandboxFault("no more")
        return self._transports.pop(0)

    def close(self):
        """Nothing runs."""


def honest(request):
    return pack(m.ReplyFrame(id=request.id, body=LOADED))


def replying(body, shift=0):
    return lambda request: pack(m.ReplyFrame(id=request.id + shift, body=body))


def test_a_reply_that_fits_is_handed_over():
    transport = Script(honest)
    worker = Worker(Host(transport))
    assert not worker.alive
    for _ in range(3):
        assert worker.ask(LOAD, m.Loaded) == LOADED
    assert worker.alive
    assert worker.started == 1
    assert [r.id for r in transport.requests] == [1, 2, 3]
    assert all(r.body == LOAD for r in transport.requests)


@pytest.mark.parametrize(("body", "times"), [(PLAY, 1), (LOAD, 3)])
def test_one_absolute_deadline_for_sending_and_receiving(body, times):
    transport = Script(honest)
    before = time.monotonic()
    Worker(Host(transport)).ask(body, m.Loaded, cpu_s=0.5, wall_s=7.0)
    (deadline,) = transport.deadlines
    patience = client.PATIENCE * 7 * times + client.GRACE_S
    assert before + patience <= deadline <= time.monotonic() + patience
    assert (transport.requests[0].cpu_s, transport.requests[0].wall_s) == (0.5, 7.0)


def test_a_request_carries_the_usual_limits():
    transport = Script(honest)
    Worker(Host(transport)).ask(LOAD, m.Loaded)
    request = transport.requests[0]
    assert (request.cpu_s, request.wall_s) == (3.0, 10.0)


def test_a_request_carries_the_limits_that_the_worker_was_given():
    transport = Script(honest)
    worker = Worker(Host(transport), Limits(call_cpu_s=1.5, call_wall_s=20))
    worker.ask(LOAD, m.Loaded)
    worker.ask(LOAD, m.Loaded, cpu_s=0.5)
    worker.ask(LOAD, m.Loaded, wall_s=4)
    carried = [(request.cpu_s, request.wall_s) for request in transport.requests]
    assert carried == [(1.5, 20), (0.5, 20), (1.5, 4)]


UNUSABLE = "the process answered with something unusable: "


@pytest.mark.parametrize(
    ("answer", "status", "observed"),
    [
        (replying(LOADED, shift=1), "crashed", UNUSABLE + "reply 2 to request 1"),
        (replying(LOADED, shift=-1), "crashed", UNUSABLE + "reply 0 to request 1"),
        (
            replying(m.BufferTrace(results=[], kept=None, raised=None)),
            "crashed",
            UNUSABLE + "a BufferTrace where a Loaded was due",
        ),
        (replying(m.Refused(reason="TypeError: no")), "crashed", UNUSABLE + "TypeError: no"),
        (lambda r: b"", "crashed", "the process ended during the call"),
        (lambda r: honest(r)[:-1], "crashed", "the process ended during the call"),
        (lambda r: HEADER.pack(3) + b"\xc1\xc1\xc1", "crashed", UNUSABLE + "not a valid message"),
        (lambda r: HEADER.pack(0), "crashed", UNUSABLE + "not a valid message"),
        (
            lambda r: struct.pack(">I", MAX_FRAME_BYTES + 1),
            "crashed",
            UNUSABLE + "announced 33,554,433 bytes",
        ),
        (lambda r: pack(r), "crashed", UNUSABLE + "not a valid message"),
        (lambda r: DeadlineExpired, "timed_out", "no answer within the time limit of 30 s"),
        (lambda r: DeadlineExpired(), "timed_out", "no answer within the time limit of 30 s"),
        (lambda r: ChannelClosed("gone"), "crashed", "the process ended during the call"),
    ],
)
def test_anything_else_loses_the_worker_and_the_next_request_has_a_fresh_one(
    answer, status, observed
):
    worker = Worker(Host(Script(answer), Script(honest)))
    with pytest.raises(WorkerLost) as caught:
        worker.ask(LOAD, m.Loaded)
    lost = caught.value
    assert lost.status == status
    assert lost.observed.startswith(observed)
    assert str(lost) == lost.observed
    assert lost.location is None
    assert not worker.alive
    assert worker.ask(LOAD, m.Loaded) == LOADED
    assert worker.started == 2


def test_a_lost_worker_is_no_exception_that_a_search_could_catch():
    assert not issubclass(WorkerLost, Exception)
    location = Location("dqn_agent.py", 7)
    assert WorkerLost("crashed", "gone", location).location == location


def test_a_late_reply_of_the_process_before_is_not_taken():
    late = replying(LOADED)
    worker = Worker(Host(Script(lambda r: DeadlineExpired), Script(late)))
    with pytest.raises(WorkerLost):
        worker.ask(LOAD, m.Loaded)
    transport = worker._host._transports[0]
    worker.ask(LOAD, m.Loaded)
    assert transport.requests[0].id == 2


def test_a_fresh_process_when_asked_for():
    worker = Worker(Host(Script(honest), Script(honest)))
    worker.ask(LOAD, m.Loaded)
    worker.fresh()
    assert not worker.alive
    worker.ask(LOAD, m.Loaded)
    assert worker.started == 2


def test_a_host_that_cannot_start_is_no_lost_worker():
    worker = Worker(Host())
    with pytest.raises(SandboxFault):
        worker.ask(LOAD, m.Loaded)
    assert worker.started == 0


def test_prints_are_handed_over_once():
    worker = Worker(Host(Script(honest, prints=b"hello\n")))
    assert worker.take_output() is None
    worker.ask(LOAD, m.Loaded)
    assert worker.take_output() == "hello\n"
    assert worker.take_output() is None


def test_last_words_of_a_lost_worker_are_kept_until_asked_for():
    worker = Worker(Host(Script(lambda r: b"", prints=b"last words\n"), Script(honest)))
    with pytest.raises(WorkerLost):
        worker.ask(LOAD, m.Loaded)
    assert worker.take_output() == "last words\n"
    assert worker.take_output() is None
    worker.ask(LOAD, m.Loaded)
    assert worker.take_output() is None


def test_words_of_a_lost_worker_are_not_lost_to_those_of_the_next():
    transports = Script(lambda r: b"", prints=b"last\n"), Script(honest, prints=b"first\n")
    worker = Worker(Host(*transports))
    with pytest.raises(WorkerLost):
        worker.ask(LOAD, m.Loaded)
    worker.ask(LOAD, m.Loaded)
    assert worker.take_output() == "last\nfirst\n"

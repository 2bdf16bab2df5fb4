"""The judge's end of a channel, whatever the other end does."""

import itertools
import re
import threading
import time
import tracemalloc

import pytest

from grader.protocol.errors import ChannelClosed, DeadlineExpired, ProtocolError
from grader.protocol.framing import HEADER, MAX_FRAME_BYTES, read_payload
from grader.protocol.transport import MAX_OUTPUT_BYTES, OutputLog

SOON = 0.25
#: What a busy machine may add to a deadline.
SLACK = 1.5


def within(seconds):
    return time.monotonic() + seconds


def expires(peer, size):
    """Seconds until the deadline ended a `receive`."""
    start = time.monotonic()
    with pytest.raises(DeadlineExpired):
        peer.transport.receive(size, start + SOON)
    return time.monotonic() - start


def printed(peer, expected):
    """Bytes kept and counted by the log, once all that is expected has come in."""
    kept = dropped = 0
    end = within(10)
    while kept + dropped < expected and time.monotonic() < end:
        peer.transport.drain()
        text = peer.transport.output.take() or ""
        text, _, count = text.partition("\n… ")
        kept += len(text)
        dropped += int(re.sub(r"\D", "", count) or 0)
    return kept, dropped


def test_bytes_arrive_in_both_directions(peer):
    peer.transport.send(b"question", within(5))
    assert peer.read(8) == b"question"
    peer.write(b"answer, more")
    assert peer.transport.receive(6, within(5)) == b"answer"
    assert peer.transport.receive(6, within(5)) == b", more"


def test_a_silent_peer_runs_into_the_deadline(peer):
    assert SOON * 0.9 < expires(peer, 1) < SOON + SLACK


def test_byte_by_byte_runs_into_the_deadline(peer):
    def trickle():
        peer.write(b"x")
        time.sleep(0.01)

    peer.forever(trickle)
    assert SOON * 0.9 < expires(peer, 10_000) < SOON + SLACK


def test_a_reply_that_never_pauses_runs_into_the_deadline(peer):
    peer.forever(lambda: peer.write(b"x" * 4))
    assert SOON * 0.9 < expires(peer, MAX_FRAME_BYTES) < SOON + SLACK


def test_endless_prints_do_not_hold_up_the_deadline(peer):
    peer.forever(lambda: peer.print(b"x" * 4096))
    assert SOON * 0.9 < expires(peer, 1) < SOON + SLACK


def test_endless_prints_do_not_hold_up_draining(peer):
    peer.forever(lambda: peer.print(b"x" * 65536))
    start = time.monotonic()
    for _ in range(3):
        peer.transport.drain()
    assert time.monotonic() - start < SLACK


def test_a_flood_is_read_counted_and_capped(peer):
    flood = 8 * 1024**2

    def work():
        peer.print(b"x" * flood)
        peer.write(b"done")

    peer.meanwhile(work)
    assert peer.transport.receive(4, within(20)) == b"done"
    kept, dropped = printed(peer, flood)
    assert kept + dropped == flood
    assert MAX_OUTPUT_BYTES <= kept < flood / 10


def test_prints_are_taken_in_while_a_request_waits(peer):
    flood, payload = 2 * 1024**2, b"r" * 2**20

    def work():
        peer.print(b"x" * flood)  # would block for ever if nobody drained it
        assert peer.read(len(payload)) == payload
        peer.write(b"done")

    peer.meanwhile(work)
    peer.transport.send(payload, within(20))
    assert peer.transport.receive(4, within(20)) == b"done"


def test_large_payloads_cross_in_both_directions_at_once(peer):
    size = 8 * 1024**2
    got = []
    reader = peer.meanwhile(lambda: got.append(peer.read(size)))
    peer.meanwhile(lambda: peer.write(b"a" * size))
    peer.transport.send(b"q" * size, within(20))
    assert peer.transport.receive(size, within(20)) == b"a" * size
    reader.join(20)
    assert got == [b"q" * size]


def test_a_peer_that_never_reads_runs_into_the_deadline(peer):
    start = time.monotonic()
    with pytest.raises(DeadlineExpired):  # noqa: PT012 - pipes write beside the judge
        peer.transport.send(b"q" * 2**23, start + SOON)
        peer.transport.receive(1, start + SOON)
    assert time.monotonic() - start < SOON + SLACK


def test_a_peer_that_ends_within_a_frame_has_closed_the_channel(peer):
    peer.write(HEADER.pack(1000) + b"x" * 10)
    peer.hang_up()
    with pytest.raises(ChannelClosed):
        read_payload(lambda size: peer.transport.receive(size, within(5)))


def test_what_was_sent_before_the_end_is_still_received(peer):
    peer.write(b"last words")
    peer.hang_up()
    assert peer.transport.receive(10, within(5)) == b"last words"
    with pytest.raises(ChannelClosed):
        peer.transport.receive(1, within(5))


def test_sending_to_a_dead_peer_finds_the_channel_closed(peer):
    peer.hang_up()
    start = time.monotonic()
    with pytest.raises(ChannelClosed):  # noqa: PT012 - a pipe may notice with the second
        peer.transport.send(b"q" * 2**20, within(5))
        peer.transport.receive(1, within(5))
    assert time.monotonic() - start < SLACK


@pytest.mark.parametrize("length", [2**32 - 1, MAX_FRAME_BYTES + 1])
def test_a_header_announcing_too_much_is_neither_allocated_nor_awaited(peer, length):
    peer.write(HEADER.pack(length))
    start = time.monotonic()
    with pytest.raises(ProtocolError, match="announced"):
        read_payload(lambda size: peer.transport.receive(size, within(20)))
    assert time.monotonic() - start < SLACK


def test_an_announced_length_is_not_allocated_ahead(peer):
    peer.write(HEADER.pack(MAX_FRAME_BYTES) + b"x")
    tracemalloc.start()
    try:
        with pytest.raises(DeadlineExpired):
            read_payload(lambda size: peer.transport.receive(size, within(SOON)))
        assert tracemalloc.get_traced_memory()[1] < 2 * 1024**2
    finally:
        tracemalloc.stop()


def test_a_reply_nobody_asked_for_waits_outside_the_judges_memory(peer):
    sent = itertools.count()
    block = b"x" * 2**16
    peer.forever(lambda: (peer.write(block), next(sent)))
    peer.transport.drain()
    time.sleep(SOON)
    assert next(sent) * len(block) < MAX_FRAME_BYTES


def test_a_peer_that_closes_its_output_still_answers(peer):
    peer.print(b"bye")
    peer.close_output()
    peer.write(b"answer")
    assert peer.transport.receive(6, within(5)) == b"answer"
    assert printed(peer, 3) == (3, 0)


def test_threads_end_with_the_channel(peer):
    transport_threads = [t for t in threading.enumerate() if t.name.endswith("_channel)")]
    peer.end()
    for thread in transport_threads:
        thread.join(5)
        assert not thread.is_alive(), thread.name


class TestOutputLog:
    def test_nothing_printed(self):
        assert OutputLog().take() is None

    def test_up_to_the_cap_everything_is_kept(self):
        log = OutputLog(cap=6)
        log.add(b"abc")
        log.add(b"def")
        assert log.take() == "abcdef"

    def test_beyond_the_cap_bytes_are_counted(self):
        log = OutputLog(cap=4)
        log.add(b"abc")
        log.add(b"def")
        log.add(b"x" * 10_000)
        assert log.take() == "abcd\n… 10,002 more bytes were printed and not kept"

    def test_taking_starts_over(self):
        log = OutputLog(cap=4)
        log.add(b"too long")
        log.take()
        assert log.take() is None
        log.add(b"new")
        assert log.take() == "new"

    def test_what_is_no_utf8_is_replaced(self):
        log = OutputLog()
        log.add(b"\xff\xfe ok \xc3")
        assert log.take() == "�� ok �"

    def test_writers_in_several_threads_lose_nothing(self):
        log = OutputLog(cap=100)

        def write():
            for _ in range(1000):
                log.add(b"xy")

        threads = [threading.Thread(target=write) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert log.take() == "xy" * 50 + "\n… 7,900 more bytes were printed and not kept"

"""Frames that arrive in pieces, with pauses, over a real socket."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import threading
import time

from grader.protocol.errors import ChannelClosed, ChannelError, DeadlineExpired
from grader.protocol.framing import read_payload
from grader.protocol.transport import SocketTransport
from tests.fuzz.judge import Broken

#: The judge waits so long for a frame, and may return so much later on a busy machine.
DEADLINE_S, GRACE_S = 0.05, 20.0


def take_slowly(frame: bytes, rng: random.Random) -> str:
    """How a frame ends that trickles in: `whole`, `late`, `closed` or `refused`."""
    ours, theirs = socket.socketpair()
    read_end, write_end = os.pipe()
    transport = SocketTransport(ours, read_end)
    pieces = _pieces(frame, rng)
    hangs_up = rng.random() < 0.5

    def send() -> None:
        with contextlib.suppress(OSError):
            for piece in pieces:
                theirs.sendall(piece)
                os.write(write_end, b"printed meanwhile\n")
                time.sleep(rng.choice((0, 0, 0.001, 0.02)))
            if hangs_up:
                theirs.shutdown(socket.SHUT_RDWR)

    thread = threading.Thread(target=send, daemon=True)
    begun = time.monotonic()
    deadline = begun + DEADLINE_S
    thread.start()
    try:
        read_payload(lambda size: transport.receive(size, deadline))
        return "whole"
    except DeadlineExpired:
        return "late"
    except ChannelClosed:
        return "closed"
    except ChannelError:
        return "refused"
    except Exception as error:
        raise Broken(f"receive: {type(error).__name__}: {error}") from error
    finally:
        if time.monotonic() - begun > DEADLINE_S + GRACE_S:
            raise Broken("the deadline passed long ago")
        transport.close()
        thread.join()
        theirs.close()
        os.close(write_end)


def _pieces(frame: bytes, rng: random.Random) -> list[bytes]:
    cuts = sorted(rng.randrange(len(frame) + 1) for _ in range(rng.randint(0, 6)))
    return [frame[a:b] for a, b in zip([0, *cuts], [*cuts, len(frame)], strict=True)]

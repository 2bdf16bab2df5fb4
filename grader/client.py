"""Asking the worker: one request, one reply, one deadline; a lost worker is replaced."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal, TypeVar

from grader.limits import USUAL_LIMITS, Limits
from grader.protocol.errors import ChannelError, DeadlineExpired, ProtocolError
from grader.protocol.framing import decode_reply, pack, read_payload
from grader.protocol.messages import Load, Refused, Reply, Request, RequestFrame
from grader.protocol.transport import Transport
from grader.sandbox.interface import Host

#: The judge waits so many times longer than the worker lets code wait, which knows whether it
#: waits or computes beside others, and this much more.
PATIENCE = 4.0
GRACE_S = 2.0

R = TypeVar("R", bound=Reply)


@dataclass(frozen=True)
class Location:
    """A line of the student's code."""

    file: str
    line: int


class WorkerLost(BaseException):
    """The worker ended, went silent or answered nonsense.

    Not an `Exception`: a search for counterexamples must not take it for one and try again.
    """

    def __init__(
        self,
        status: Literal["crashed", "timed_out"],
        observed: str,
        location: Location | None = None,
    ) -> None:
        super().__init__(observed)
        self.location = location
        self.status = status
        self.observed = observed


class Worker:
    """A channel to one worker process at a time.

    `limits` say what a request may cost that names no limits of its own. CPU time decides, so that
    a busy machine fails nobody; the wall clock is there for code that waits.

    `started` counts the processes so far, `ended` those that were gone when an answer was due.
    """

    def __init__(self, host: Host, limits: Limits = USUAL_LIMITS) -> None:
        self._host = host
        self._limits = limits
        self._allowed_s = 0.0
        self._transport: Transport | None = None
        self._deadline = 0.0
        self._last_id = 0
        self._last_words: str | None = None
        self.started = 0
        self.ended = 0

    @property
    def alive(self) -> bool:
        """Whether the process that answered last is still at hand."""
        return self._transport is not None

    def fresh(self) -> None:
        """Let the next request start in a fresh process."""
        self._transport = None

    def ask(
        self,
        body: Request,
        kind: type[R],
        *,
        cpu_s: float | None = None,
        wall_s: float | None = None,
    ) -> R:
        """The reply, which is a `kind`; `WorkerLost` when there is none.

        Raises `SandboxFault` when no worker can be started.
        """
        self.send(body, cpu_s=cpu_s, wall_s=wall_s)
        return self.receive(kind)

    def send(
        self, body: Request, *, cpu_s: float | None = None, wall_s: float | None = None
    ) -> None:
        """Send a request; its reply is to be fetched with `receive` before the next."""
        cpu_s = self._limits.call_cpu_s if cpu_s is None else cpu_s
        wall_s = self._limits.call_wall_s if wall_s is None else wall_s
        if self._transport is None:
            self._transport = self._host.open()
            self.started += 1
        self._last_id += 1
        frame = RequestFrame(id=self._last_id, cpu_s=cpu_s, wall_s=wall_s, body=body)
        # An import has up to three modules to load, each within the limit.
        self._allowed_s = wall_s * (3 if isinstance(body, Load) else 1)
        self._deadline = time.monotonic() + PATIENCE * self._allowed_s + GRACE_S
        try:
            self._transport.send(pack(frame), self._deadline)
        except ChannelError as error:
            raise self._lost(error) from None

    def receive(self, kind: type[R]) -> R:
        """The reply to the request sent last."""
        transport = self._transport
        assert transport is not None, "nothing was asked"
        try:
            payload = read_payload(lambda size: transport.receive(size, self._deadline))
            frame = decode_reply(payload)
            if frame.id != self._last_id:
                raise ProtocolError(f"reply {frame.id} to request {self._last_id}")
            reply: Reply = frame.body
            if isinstance(reply, Refused):
                raise ProtocolError(reply.reason)
            if not isinstance(reply, kind):
                raise ProtocolError(f"a {type(reply).__name__} where a {kind.__name__} was due")
        except ChannelError as error:
            raise self._lost(error) from None
        transport.drain()
        return reply

    def take_output(self) -> str | None:
        """What the submission printed since this was asked last, capped."""
        words, self._last_words = self._last_words, None
        if self._transport is not None:
            self._transport.drain()
            return (words or "") + (self._transport.output.take() or "") or None
        return words

    def _lost(self, error: ChannelError) -> WorkerLost:
        """Give the worker up; the next request starts a fresh one."""
        if self._transport is not None:
            self._transport.drain()
            self._last_words = self._transport.output.take()
            self._transport = None
        if isinstance(error, DeadlineExpired):
            told = f"no answer within the time limit of {self._allowed_s:g} s"
            return WorkerLost("timed_out", told)
        if isinstance(error, ProtocolError):
            return WorkerLost("crashed", f"the process answered with something unusable: {error}")
        self.ended += 1
        return WorkerLost("crashed", "the process ended during the call")

"""Time limits on single calls, set by the worker on itself.

They make honest mistakes end early and with a line number. The judge's own deadline stands behind
them and does not depend on them.
"""

from __future__ import annotations

import signal
import types
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, process_time

#: What takes less of a processor than this is waiting. What takes more is computing, on a busy
#: machine perhaps: its CPU time decides.
WAITING_SHARE = 0.02


class TimeLimit(BaseException):
    """The call took longer than it may; `except Exception` lets it by."""


@contextmanager
def time_limit(cpu_s: float, wall_s: float) -> Iterator[None]:
    """Raise `TimeLimit` in the running code after so much CPU time, or wall clock spent waiting.

    The timers repeat, so that code which swallows the first one meets the next.
    """
    if not hasattr(signal, "setitimer"):
        yield
        return

    begun, computed = monotonic(), process_time()

    def expire(_signum: int, _frame: types.FrameType | None) -> None:
        raise TimeLimit(f"stopped after {cpu_s:g} s of computing")

    def expire_wall(_signum: int, _frame: types.FrameType | None) -> None:
        if process_time() - computed < WAITING_SHARE * (monotonic() - begun):
            raise TimeLimit(f"stopped after {wall_s:g} s")

    timers = (
        (signal.ITIMER_PROF, signal.SIGPROF, cpu_s, expire),
        (signal.ITIMER_REAL, signal.SIGALRM, wall_s, expire_wall),
    )
    try:
        for timer, signum, seconds, handler in timers:
            signal.signal(signum, handler)
            signal.setitimer(timer, seconds, 0.25)
        yield
    finally:
        for timer, signum, _seconds, _handler in timers:
            signal.signal(signum, signal.SIG_IGN)
            signal.setitimer(timer, 0)

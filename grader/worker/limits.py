"""Limits that the worker sets on itself before any submitted code is loaded.

They make honest mistakes end early and with a line number. The judge's own deadline stands behind
them and does not depend on them.
"""

from __future__ import annotations

import signal
import types
from collections.abc import Iterator
from contextlib import contextmanager

#: Address space, bytes: torch alone takes about 0.7 GiB of it.
MAX_ADDRESS_SPACE = 6 * 1024**3
MAX_FILE_BYTES = 64 * 1024**2
MAX_OPEN_FILES = 256
#: CPU seconds of one process, a last guard far above any grading run.
MAX_CPU_S = 900


class TimeLimit(BaseException):
    """The call took longer than it may; `except Exception` lets it by."""


def limit_process() -> None:
    """Set resource limits where the platform has them."""
    try:
        import resource
    except ImportError:  # Windows
        return
    wanted = {
        "RLIMIT_AS": MAX_ADDRESS_SPACE,
        "RLIMIT_FSIZE": MAX_FILE_BYTES,
        "RLIMIT_NOFILE": MAX_OPEN_FILES,
        "RLIMIT_CORE": 0,
        "RLIMIT_CPU": MAX_CPU_S,
    }
    for name, value in wanted.items():
        which = getattr(resource, name, None)
        if which is None:
            continue
        _soft, hard = resource.getrlimit(which)
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        try:
            resource.setrlimit(which, (value, value))
        except (ValueError, OSError):
            continue  # macOS refuses some of them; the judge's limits hold all the same


@contextmanager
def time_limit(cpu_s: float, wall_s: float) -> Iterator[None]:
    """Raise `TimeLimit` in the running code after so much CPU time or wall clock.

    The timers repeat, so that code which swallows the first one meets the next.
    """
    if not hasattr(signal, "setitimer"):
        yield
        return

    def expire(_signum: int, _frame: types.FrameType | None) -> None:
        raise TimeLimit(f"stopped after {cpu_s:g} s of computing")

    def expire_wall(_signum: int, _frame: types.FrameType | None) -> None:
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

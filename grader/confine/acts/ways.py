"""Trying several ways to one end."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping

from grader.confine.libc import system_call
from grader.confine.syscalls import number, this_machine

Targets = Mapping[str, str]
#: Returns what it got; raises where it is refused.
Act = Callable[[Targets], str]
Way = Callable[[], object]
_ANSWERS_OF_A_WALL = (errno.EPERM, errno.EACCES, errno.ENOSYS)


class Refused(Exception):
    """None of the ways tried led anywhere."""


def first(ways: Mapping[str, Way]) -> str:
    """The first way that leads somewhere; `Refused` with the reason of the last when none does."""
    reason = "no way"
    for name, way in ways.items():
        try:
            result = way()
        except (Refused, OSError, RuntimeError, MemoryError, ValueError) as error:
            reason = f"{name}: {told(error)}"
        else:
            return name if result is None else f"{name}: {result}"[:200]
    raise Refused(reason)


def told(error: Exception) -> str:
    """An error in few words; those of the system by name."""
    if isinstance(error, OSError) and error.errno is not None:
        return errno.errorcode.get(error.errno, str(error.errno))
    return str(error) or type(error).__name__


def system(name: str, *arguments: object) -> Way:
    """A system call, which succeeds when the kernel says so."""
    return lambda: system_call(call_number(name), *arguments)


def answered(call: str | int, *arguments: object) -> Way:
    """A system call with wrong arguments: that the kernel looked at them is a success."""

    def way() -> object:
        which = call_number(call) if isinstance(call, str) else call
        try:
            return system_call(which, *arguments)
        except OSError as error:
            if error.errno in _ANSWERS_OF_A_WALL:
                raise
            return told(error)

    return way


def call_number(name: str) -> int:
    """The number of a system call; `Refused` where this machine has none of that name."""
    machine = this_machine()
    which = number(name, machine) if machine is not None else None
    if which is None:
        raise Refused("no such system call")
    return which


def start_process(flags: int = 0) -> str:
    """Start a process by the system call itself, as code without Python's help would."""
    import signal

    pid = system_call(call_number("clone"), flags | int(signal.SIGCHLD), 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return "a process"

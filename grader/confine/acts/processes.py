"""Acts upon other processes."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from functools import partial
from pathlib import Path

from grader.confine.acts.ways import Refused, Targets, Way, first, start_process, system

_PTRACE_TRACEME, _PTRACE_SEIZE = 0, 0x4206


def see_processes(targets: Targets) -> str:
    """Look into another process."""
    judge, parent = targets["judge"], os.getppid()
    return first(
        {
            "environment": partial(_read, f"/proc/{judge}/environ"),
            "memory": partial(_read, f"/proc/{judge}/mem", 0),
            "descriptors": partial(os.listdir, f"/proc/{judge}/fd"),
            "the parent's memory": partial(_read, f"/proc/{parent}/mem", 0),
        }
    )


def list_processes(targets: Targets) -> str:
    """List processes."""
    return first({"command line": partial(_read, f"/proc/{targets['judge']}/cmdline")})


def signal_others(targets: Targets) -> str:
    """Signal another process.

    The judge or the prepared parent, with a signal that does nothing.
    """
    ways: dict[str, Way] = {}
    for name, pid in (("judge", int(targets["judge"])), ("parent", os.getppid())):
        if pid:  # a parent outside of the namespace has no number
            ways[f"kill {name}"] = partial(os.kill, pid, 0)
            ways[f"tkill {name}"] = system("tkill", pid, 0)
            ways[f"tgkill {name}"] = system("tgkill", pid, pid, 0)
            ways[f"pidfd of {name}"] = system("pidfd_open", pid, 0)
    ways["kill the group"] = partial(os.kill, 0, 0)
    ways["kill everybody"] = partial(os.kill, -1, 0)
    ways["signal by descriptor"] = _own_descriptor
    return first(ways)


def steer_others(targets: Targets) -> str:
    """Limit or slow down another process.

    Everything is set to what it is already.
    """
    other = os.getppid() or int(targets["judge"])
    limits = (ctypes.c_uint64 * 2)()
    return first(
        {
            "limits": system("prlimit64", other, 0, None, ctypes.byref(limits)),
            "placement": lambda: os.sched_setaffinity(other, os.sched_getaffinity(other)),
            "priority": lambda: os.setpriority(
                os.PRIO_PROCESS, other, os.getpriority(os.PRIO_PROCESS, other)
            ),
        }
    )


def trace(_targets: Targets) -> str:
    """Trace a process."""
    page = ctypes.create_string_buffer(8)
    vector = (ctypes.c_uint64 * 2)(ctypes.addressof(page), 8)
    own = ctypes.byref(vector)
    return first(
        {
            "seize the parent": system("ptrace", _PTRACE_SEIZE, os.getppid(), None, None),
            "read memory": system("process_vm_readv", os.getpid(), own, 1, own, 1, 0),
            "compare": system("kcmp", os.getpid(), os.getpid(), 0, 0, 0),
            "be traced": system("ptrace", _PTRACE_TRACEME, 0, None, None),
        }
    )


def fork(_targets: Targets) -> str:
    """Start a process."""
    return first({"fork": _fork, "clone": start_process})


def execute(_targets: Targets) -> str:
    """Execute a program.

    It does not exist: where that is all that is wrong, another could be executed.
    """
    missing = "/no/such/program"
    try:
        os.execv(missing, [missing])
    except FileNotFoundError:
        return "only the program was missing"
    return "executed"


def leave_daemon(targets: Targets) -> str:
    """Leave a daemon behind.

    It has left its session, and holds the judge's pipe while it lives. Whether it outlives the
    worker is the judge's to see.
    """
    pid = os.fork()
    if pid == 0:
        os.setsid()
        if os.fork() == 0:
            _live_on(int(targets["life"]))
        os._exit(0)
    os.waitpid(pid, 0)
    return "a daemon"


def _live_on(life: int) -> None:
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    for descriptor in set(range(256)) - {life}:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    time.sleep(60)


def _read(path: str, size: int = 40) -> object:
    with Path(path).open("rb") as file:
        return file.read(size) if size else "opened"


def _fork() -> str:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return "a process"


def _own_descriptor() -> None:
    """Name another process as the one to be signalled when there is input."""
    import fcntl

    other = os.getppid()
    if not other:
        raise Refused("no other process has a number")
    reading, writing = os.pipe()
    try:
        fcntl.fcntl(reading, fcntl.F_SETOWN, other)
    finally:
        os.close(reading)
        os.close(writing)

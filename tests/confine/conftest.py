"""Walls put up in a forked process of the test's own, and acts tried behind them."""

import ctypes
import json
import os
import sys

import pytest

from grader.confine.acts.registry import load_acts
from grader.confine.box import Box
from grader.confine.enter import enter, enter_further

LINUX = sys.platform == "linux"
CLONE_NEWNS, CLONE_NEWUTS = 0x20000, 0x4000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000


def leave_the_machine_alone():
    """Let mounts and names that a test changes by mistake, as root, be a process's own."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None)
        if libc.unshare(CLONE_NEWNS | CLONE_NEWUTS) == 0:
            libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None)


def in_a_fork(work):
    """What `work()` returns or raises in a forked process: a pair, whether it returned, and what.

    A process that a wall kills tells by which signal.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            leave_the_machine_alone()
            try:
                told = (True, work())
            except BaseException as error:
                told = (False, f"{type(error).__name__}: {error}")
            os.write(writing, json.dumps(told).encode())
        finally:
            os._exit(0)
    os.close(writing)
    data = b""
    while part := os.read(reading, 65536):
        data += part
    os.close(reading)
    _pid, status = os.waitpid(pid, 0)
    if not data:
        return False, f"signal {-os.waitstatus_to_exitcode(status)}"
    done, told = json.loads(data)
    return done, told


@pytest.fixture
def forked():
    """`forked(work)` gives what came of `work()` in a forked process."""
    if not LINUX:
        pytest.skip("walls are put up on Linux only")
    return in_a_fork


@pytest.fixture
def attempt(forked, tmp_path):
    """`attempt(act, **walls)` tries an act in a box that has these walls and no others."""

    def attempt(act, targets=None, **walls):
        scratch = tmp_path / "scratch"
        scratch.mkdir(exist_ok=True)
        usual = {"scratch": str(scratch), "judge": str(os.getpid()), "canary": str(scratch)}
        box = Box(**walls)

        def work():
            enter(box)
            enter_further(box)
            return load_acts()[act](usual | (targets or {}))

        return forked(work)

    return attempt

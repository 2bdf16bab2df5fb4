"""System calls that Python has no function for."""

from __future__ import annotations

import ctypes
import os


def load_libc() -> ctypes.CDLL:
    """The C library of this process."""
    return ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: object) -> int:
    """A function of the C library; raises `OSError` where it returns -1."""
    function = getattr(load_libc(), name)
    result: int = function(*arguments)
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def system_call(number: int, *arguments: object) -> int:
    """A system call by number; integers are passed as longs. Raises `OSError` when it fails."""
    wide = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return call("syscall", ctypes.c_long(number), *wide)


def prctl(option: int, value: int = 0) -> int:
    """`prctl` with one value; raises `OSError` when it fails."""
    return call("prctl", option, *[ctypes.c_ulong(v) for v in (value, 0, 0, 0)])

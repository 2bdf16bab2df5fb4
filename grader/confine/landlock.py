"""Landlock: what a process gives up for good, by the kernel's own names and numbers.

https://docs.kernel.org/userspace-api/landlock.html
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from grader.confine.libc import system_call
from grader.confine.syscalls import number, this_machine

_CREATE_VERSION = 1
_RULE_PATH_BENEATH = 1


@dataclass(frozen=True)
class Right:
    """One kind of access that Landlock forbids wherever no rule allows it."""

    name: str
    kind: str
    bit: int
    #: The version of the kernel's interface that has it first.
    abi: int


RIGHTS: tuple[Right, ...] = (
    Right("execute", "file", 1 << 0, 1),
    Right("write-file", "file", 1 << 1, 1),
    Right("read-file", "file", 1 << 2, 1),
    Right("read-dir", "file", 1 << 3, 1),
    Right("remove-dir", "file", 1 << 4, 1),
    Right("remove-file", "file", 1 << 5, 1),
    Right("make-char", "file", 1 << 6, 1),
    Right("make-dir", "file", 1 << 7, 1),
    Right("make-reg", "file", 1 << 8, 1),
    Right("make-sock", "file", 1 << 9, 1),
    Right("make-fifo", "file", 1 << 10, 1),
    Right("make-block", "file", 1 << 11, 1),
    Right("make-sym", "file", 1 << 12, 1),
    #: Without it, moving a file to another folder is forbidden everywhere.
    Right("refer", "file", 1 << 13, 2),
    Right("truncate", "file", 1 << 14, 3),
    Right("ioctl-dev", "file", 1 << 15, 5),
    Right("bind-tcp", "network", 1 << 0, 4),
    Right("connect-tcp", "network", 1 << 1, 4),
    Right("abstract-sockets", "scope", 1 << 0, 6),
    Right("signals-outside", "scope", 1 << 1, 6),
)
ALL = tuple(right.name for right in RIGHTS)
_READING = {"read-file", "read-dir"}
_WRITING = {
    "read-file",
    "read-dir",
    "write-file",
    "remove-dir",
    "remove-file",
    "make-dir",
    "make-reg",
    "make-fifo",
    "make-sym",
    "refer",
    "truncate",
}
#: What can be said of a file that is no folder.
_OF_FILES = {"execute", "write-file", "read-file", "truncate", "ioctl-dev"}


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("file", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scope", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def _call(name: str, *arguments: object) -> int:
    machine = this_machine()
    if machine is None:
        raise OSError(38, "no table of system calls for this processor")
    which = number(name, machine)
    assert which is not None
    return system_call(which, *arguments)


def kernel_abi() -> int:
    """The version of Landlock that this kernel offers; 0 for none."""
    try:
        return _call("landlock_create_ruleset", None, 0, _CREATE_VERSION)
    except (OSError, AttributeError):
        return 0


def forbid_files(
    names: tuple[str, ...],
    readable: Iterable[str],
    listable: Iterable[str],
    devices: Iterable[str],
    scratch: str | None,
) -> int:
    """A set of rules, as a descriptor: nothing of what is named, but for these places.

    What the kernel does not know yet is left out. Raises `OSError` where there is no Landlock.
    """
    abi = kernel_abi()
    handled = {right.name: right for right in RIGHTS if right.name in names and right.abi <= abi}

    def bits(kind: str, wanted: Iterable[str]) -> int:
        return sum(handled[n].bit for n in wanted if n in handled and handled[n].kind == kind)

    attributes = _Ruleset(bits("file", handled), bits("network", handled), bits("scope", handled))
    # Older kernels know a shorter structure, and take a longer one if the rest of it is 0.
    size = ctypes.sizeof(attributes)
    ruleset = _call("landlock_create_ruleset", ctypes.byref(attributes), size, 0)
    places = [(path, _READING) for path in readable]
    places += [(path, {"read-dir"}) for path in listable]
    places += [(path, {"read-file", "write-file", "truncate"}) for path in devices]
    if scratch is not None:
        places.append((scratch, _WRITING))
    for path, wanted in places:
        _allow(ruleset, path, wanted, lambda names: bits("file", names))
    return ruleset


def _allow(ruleset: int, path: str, wanted: set[str], bits: Callable[[Iterable[str]], int]) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        folder = stat.S_ISDIR(os.fstat(parent).st_mode)
        beneath = _PathBeneath(bits(wanted if folder else wanted & _OF_FILES), parent)
        if beneath.allowed:
            _call("landlock_add_rule", ruleset, _RULE_PATH_BENEATH, ctypes.byref(beneath), 0)
    finally:
        os.close(parent)


def restrict_self(ruleset: int) -> None:
    """Put this process and all that it starts under the rules, for good."""
    _call("landlock_restrict_self", ruleset, 0)
    os.close(ruleset)

"""What a process has: rights, descriptors, an environment, a name of the machine."""

from __future__ import annotations

import ctypes
import hashlib
import os
import stat

from grader.confine.acts.ways import Refused, Targets, Way, first
from grader.confine.libc import call

_CAPABILITY_VERSION_3 = 0x20080522
#: Folders to read are held from here on, where the user may not pass on the way to them.
_FIRST_HELD = 200


def hold_rights(targets: Targets) -> str:
    """Be root, or have its rights.

    Where another user was to be, or by becoming root again.
    """
    ways: dict[str, Way] = {"capabilities": _capabilities}
    if targets.get("owner"):
        ways |= {"root": _root, "groups": _groups}
    if os.getuid() != 0:
        ways["become root"] = lambda: os.setuid(0)
    return first(ways)


def hold_descriptors(targets: Targets) -> str:
    """Have a descriptor that leads out.

    There are to be none but streams, the channel and folders to read.
    """
    expected = {0, 1, 2, *map(int, targets["expected"].split(":"))}
    found = []
    for descriptor in set(range(256)) - expected:
        try:
            mode = os.fstat(descriptor).st_mode
        except OSError:
            continue
        if descriptor < _FIRST_HELD or not stat.S_ISDIR(mode):
            found.append(descriptor)
    if found:
        return ", ".join(map(str, found))
    raise Refused("none")


def read_environment(targets: Targets) -> str:
    """Find the caller's environment."""
    found = set(os.environ) - set(targets["environment"].split(":")) - {"LC_CTYPE"}
    if found:
        return ", ".join(sorted(found))[:200]
    raise Refused("none")


def learn_name(targets: Targets) -> str:
    """Learn the machine's name."""
    name = os.uname().nodename
    if hashlib.sha256(name.encode()).hexdigest() == targets["hostname"]:
        return "the machine's own"
    raise Refused(name)


def _root() -> str:
    if 0 in (*os.getresuid(), *os.getresgid()):
        return f"users {os.getresuid()}, groups {os.getresgid()}"
    raise Refused(f"user {os.getuid()}")


def _groups() -> str:
    if set(os.getgroups()) - {os.getgid()}:
        return str(os.getgroups())
    raise Refused("none")


def _capabilities() -> str:
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; lower words, then upper
    call("capget", ctypes.byref(header), ctypes.byref(sets))
    held = sets[0] | sets[1] | (sets[3] | sets[4]) << 32
    if held:
        return f"{held:#x}"
    raise Refused("none")

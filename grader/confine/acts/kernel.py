"""Acts upon the kernel: sockets, namespaces, and interfaces that no training needs."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
from functools import partial

from grader.confine.acts.ways import (
    Refused,
    Targets,
    Way,
    answered,
    call_number,
    first,
    start_process,
    system,
)
from grader.confine.libc import system_call
from grader.confine.syscalls import NEWEST, this_machine

_CLONE_NEWUSER, _CLONE_NEWNS = 0x10000000, 0x00020000
_AT_FDCWD = -100
#: More than the kernel has names for.
_FAMILIES = range(1, 47)
_KINDS = (1, 2, 3, 5)


def open_sockets(_targets: Targets) -> str:
    """Open a socket of any family."""
    ways: dict[str, Way] = {
        f"family {family}, type {kind}": partial(_open_socket, family, kind)
        for family in _FAMILIES
        for kind in _KINDS
    }
    return first(ways | {"pair": _open_pair})


def connect(targets: Targets) -> str:
    """Connect to a local service."""
    ways: dict[str, Way] = {}
    if targets.get("port"):
        address = ("127.0.0.1", int(targets["port"]))
        ways["tcp"] = partial(_connect, socket.AF_INET, address)
    if targets.get("abstract"):
        ways["abstract"] = partial(_connect, socket.AF_UNIX, "\0" + targets["abstract"])
    return first(ways)


def make_namespace(_targets: Targets) -> str:
    """Make a namespace."""
    return first(
        {
            "unshare user": system("unshare", _CLONE_NEWUSER),
            "unshare mounts": system("unshare", _CLONE_NEWNS),
            "clone": partial(start_process, _CLONE_NEWUSER),
            "clone3": answered("clone3", None, 0),
        }
    )


def change_mounts(_targets: Targets) -> str:
    """Mount a file system."""
    return first(
        {
            # There is nothing to mount upon, lest root should change the machine's own view.
            "mount": answered("mount", b"none", b"/no/such/place", b"tmpfs", 0, None),
            "open_tree": answered("open_tree", -1, b"x", 0),
        }
    )


def use_handles(_targets: Targets) -> str:
    """Name a file by its handle."""
    handle, mount = (ctypes.c_uint32 * 64)(128), ctypes.c_int()
    arguments = (_AT_FDCWD, b"/", ctypes.byref(handle), ctypes.byref(mount), 0)
    return first({"name": answered("name_to_handle_at", *arguments)})


def use_rings(_targets: Targets) -> str:
    """Make a ring of requests."""
    return first({"io_uring": answered("io_uring_setup", 0, None)})


def use_kernel(_targets: Targets) -> str:
    """Use keys, BPF, page faults."""
    return first(
        {
            "keyctl": answered("keyctl", 0, -3, 0),
            "add_key": answered("add_key", None, None, None, 0, 0),
            "bpf": answered("bpf", -1, None, 0),
            "userfaultfd": answered("userfaultfd", -1),
        }
    )


def administer(_targets: Targets) -> str:
    """Administer the system."""
    return first(
        {
            "personality": system("personality", 0xFFFFFFFF),
            "fanotify": answered("fanotify_init", -1, 0),
        }
    )


def share_memory(_targets: Targets) -> str:
    """Make shared memory or a queue.

    They would outlive this process.
    """
    return first(
        {
            "memory": _shared_memory,
            "semaphores": answered("semget", 0, -1, 0o600),
            "named queue": answered("mq_open", b"", 0, 0, None),
        }
    )


def find_memory(targets: Targets) -> str:
    """Find the judge's shared memory."""
    return first({"memory": system("shmget", int(targets["shared_key"]), 0, 0)})


def make_memory_file(_targets: Targets) -> str:
    """Make a file in memory.

    No limit on address space counts it.
    """
    return first(
        {
            "memfd_create": lambda: os.close(os.memfd_create("probe")),
            "memfd_secret": answered("memfd_secret", -1),
        }
    )


def call_newer(_targets: Targets) -> str:
    """Make a newer system call.

    `cachestat` of Linux 6.5, with a bad file.
    """
    return first({"cachestat": answered(NEWEST + 1, -1, None, None, 0)})


def call_foreign(_targets: Targets) -> str:
    """Make a 32-bit system call."""
    import mmap

    machine = this_machine()
    if machine is None or machine.name != "x86_64":
        raise Refused("nothing of the kind on this processor")
    memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    # mov eax, 20, which is i386's getpid; int 0x80; ret
    memory.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    result: int = ctypes.CFUNCTYPE(ctypes.c_int)(address)()
    if result < 0:
        raise Refused(errno.errorcode.get(-result, str(-result)))
    return f"process id {result}"


def _open_socket(family: int, kind: int) -> None:
    socket.socket(family, kind).close()


def _open_pair() -> None:
    for end in socket.socketpair():
        end.close()


def _connect(family: int, address: object) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(2.0)
        client.connect(address)  # type: ignore[arg-type]


def _shared_memory() -> str:
    private, remove = 0, 0
    made = system_call(call_number("shmget"), private, 4096, 0o600)
    system_call(call_number("shmctl"), made, remove, None)
    return "made"

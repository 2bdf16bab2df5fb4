"""System calls that a worker may not make, as data: named groups, each with its reason."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Literal

#: Stands for the process's own id where a rule compares an argument with it.
OWN = "own"
_ANY = 0xFFFFFFFF
_CLONE_THREAD = 0x10000
_CLONE_NAMESPACES = 0x7E020000
_O_ACCMODE, _O_TRUNC = 0o3, 0o1000
_F_SETOWN, _F_SETSIG, _F_SETOWN_EX = 8, 10, 15
_FIOSETOWN, _SIOCSPGRP = 0x8901, 0x8902


@dataclass(frozen=True)
class When:
    """A condition on an argument, of which the kernel too reads no more than 32 bits."""

    argument: int
    values: tuple[int | str, ...]
    mask: int = _ANY
    #: Whether the call is refused for every other value instead.
    other: bool = False


@dataclass(frozen=True)
class Call:
    """A system call that is refused, always or under a condition, with an error number."""

    name: str
    error: int = errno.EPERM
    when: When | None = None


@dataclass(frozen=True)
class Rule:
    """A group of calls that are refused for one reason.

    `stage` says from when on: for the whole worker, or for the process that loads submitted code,
    which the prepared parent must still be able to fork and to end.
    """

    name: str
    why: str
    calls: tuple[Call, ...]
    stage: Literal["worker", "child"] = "worker"


def _calls(names: str, error: int = errno.EPERM) -> tuple[Call, ...]:
    return tuple(Call(name, error) for name in names.split())


def _on_itself(argument: int, names: str) -> tuple[Call, ...]:
    """Calls that name a process in an argument: only the calling one (or 0, which is the same)."""
    return tuple(Call(n, when=When(argument, (0, OWN), other=True)) for n in names.split())


def _unless_own(argument: int, names: str) -> tuple[Call, ...]:
    """Calls for which 0 means the whole process group."""
    return tuple(Call(n, when=When(argument, (OWN,), other=True)) for n in names.split())


#: `clone3` has its flags in memory, where no filter sees them; the C library falls back to `clone`.
_CLONE3 = Call("clone3", errno.ENOSYS)
#: `open` with O_TRUNC but not for writing empties a file that Landlock lets it read.
_EMPTYING = (_O_TRUNC, _O_TRUNC | _O_ACCMODE)

RULES: tuple[Rule, ...] = (
    Rule(
        "sockets",
        "No network, no local service: Landlock stops neither UDP nor sockets with a path.",
        _calls("socket socketpair"),
    ),
    Rule(
        "io-uring",
        "A ring of requests makes system calls that no filter sees.",
        _calls("io_uring_setup io_uring_enter io_uring_register", errno.ENOSYS),
    ),
    Rule(
        "tracing",
        "No look into other processes, the prepared parent included.",
        _calls(
            "ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd process_madvise"
            " process_mrelease perf_event_open get_robust_list"
        ),
    ),
    Rule(
        "namespaces",
        "In a namespace of its own, a process could mount and configure what it likes.",
        (
            *_calls("unshare setns"),
            Call("clone", when=When(0, (0,), mask=_CLONE_NAMESPACES, other=True)),
            _CLONE3,
        ),
    ),
    Rule(
        "mounts",
        "The view of the file system stays.",
        _calls(
            "mount umount2 pivot_root chroot move_mount open_tree fsopen fsconfig fsmount fspick"
            " mount_setattr"
        ),
    ),
    Rule(
        "handles",
        "A file opened by its handle is found without a path.",
        _calls("name_to_handle_at open_by_handle_at"),
    ),
    Rule(
        "kernel",
        "Interfaces of the kernel that have had holes and that no training needs.",
        _calls("bpf userfaultfd add_key request_key keyctl modify_ldt"),
    ),
    Rule(
        "administration",
        "What only an administrator may do; for a container's root, not even that.",
        _calls(
            "init_module finit_module delete_module kexec_load kexec_file_load reboot swapon"
            " swapoff acct syslog settimeofday clock_settime clock_adjtime adjtimex sethostname"
            " setdomainname iopl ioperm personality vhangup quotactl quotactl_fd uselib sysfs"
            " fanotify_init fanotify_mark"
        ),
    ),
    Rule(
        "ipc",
        "Shared memory, semaphores and queues that outlive the worker and count nowhere.",
        _calls(
            "shmget shmat shmctl semget semop semtimedop semctl msgget msgsnd msgrcv msgctl"
            " mq_open mq_unlink"
        ),
    ),
    Rule(
        "memory-files",
        "Files in memory are no part of the limited address space.",
        _calls("memfd_create memfd_secret"),
    ),
    Rule(
        "truncation",
        "Landlock before Linux 6.2 lets files be emptied that it does not let be written.",
        (
            Call("truncate"),
            Call("open", when=When(1, _EMPTYING, mask=_O_TRUNC | _O_ACCMODE)),
            Call("openat", when=When(2, _EMPTYING, mask=_O_TRUNC | _O_ACCMODE)),
            Call("openat2", errno.ENOSYS),
        ),
    ),
    Rule(
        "metadata",
        "Landlock leaves modes, owners, times and attributes of everybody's files to their owner.",
        _calls(
            "chmod fchmod fchmodat chown fchown lchown fchownat utime utimes utimensat futimesat"
            " setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr"
        ),
    ),
    Rule(
        "processes",
        "No bomb and no daemon; threads may start.",
        (
            *_calls("fork vfork", errno.EAGAIN),
            Call("clone", errno.EAGAIN, When(0, (0,), mask=_CLONE_THREAD)),
            _CLONE3,
        ),
        stage="child",
    ),
    Rule("programs", "Nothing else is executed.", _calls("execve execveat"), stage="child"),
    Rule(
        "signals",
        "No signal to any other process, by whatever way it is sent.",
        (
            *_unless_own(0, "kill tgkill rt_sigqueueinfo rt_tgsigqueueinfo"),
            *_calls("tkill pidfd_open pidfd_send_signal"),
            Call("fcntl", when=When(1, (_F_SETOWN, _F_SETSIG, _F_SETOWN_EX))),
            Call("ioctl", when=When(1, (_FIOSETOWN, _SIOCSPGRP))),
        ),
        stage="child",
    ),
    Rule(
        "others",
        "Limits, priorities and placement of other processes are left alone.",
        (
            *_on_itself(0, "prlimit64 sched_setaffinity sched_setscheduler sched_setparam"),
            *_on_itself(0, "sched_setattr"),
            *_on_itself(1, "setpriority ioprio_set"),
            *_calls("migrate_pages move_pages"),
        ),
        stage="child",
    ),
)
#: Walls of the filter itself that are no lists of calls.
FOREIGN = "foreign-calls"
NEWER = "newer-calls"
BUILT_IN = {
    FOREIGN: "Calls by another processor's numbers would pass by the table: the process ends.",
    NEWER: "What the kernel has learned since the rules were written is not there.",
}
ALL = (*BUILT_IN, *(rule.name for rule in RULES))


def rules_of(stage: Literal["worker", "child"], names: tuple[str, ...]) -> tuple[Rule, ...]:
    """The named rules that begin at this stage."""
    return tuple(rule for rule in RULES if rule.stage == stage and rule.name in names)

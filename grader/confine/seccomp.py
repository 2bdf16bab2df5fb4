"""Filter programs for system calls: rules compiled to the kernel's BPF, and loaded."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grader.confine.libc import prctl, system_call
from grader.confine.rules import BUILT_IN, FOREIGN, NEWER, OWN, Call, Rule
from grader.confine.syscalls import NEWEST, Machine, number, this_machine

_LOAD, _AND, _JUMP, _EQUAL, _GREATER, _RETURN = 0x20, 0x54, 0x05, 0x15, 0x25, 0x06
ALLOW, _ERROR, KILL = 0x7FFF0000, 0x00050000, 0x80000000
_PR_SET_NO_NEW_PRIVS = 38
_SET_MODE_FILTER = 1
_ENOSYS = 38


@dataclass(frozen=True)
class Instruction:
    """One instruction: `k` is a constant or an offset, `yes` and `no` are jumps ahead."""

    code: int
    k: int
    yes: int = 0
    no: int = 0


def compile_filter(
    rules: Sequence[Rule], built_in: Sequence[str], machine: Machine, own_pid: int
) -> list[Instruction]:
    """The program for these rules: everything that none of them names is allowed."""
    program: list[Instruction] = []
    if FOREIGN in built_in:
        program += [
            Instruction(_LOAD, 4),  # seccomp_data.arch
            Instruction(_EQUAL, machine.audit_arch, yes=1),
            Instruction(_RETURN, KILL),
        ]
    program.append(Instruction(_LOAD, 0))  # seccomp_data.nr
    if NEWER in built_in:  # which the numbers of the x32 ABI are too
        program += [
            Instruction(_GREATER, NEWEST, no=1),
            Instruction(_RETURN, _ERROR | _ENOSYS),
        ]
    for call in (call for rule in rules for call in rule.calls):
        which = number(call.name, machine)
        if which is not None:
            body = list(_refusal(call, own_pid))
            program += [Instruction(_EQUAL, which, no=len(body)), *body]
    return [*program, Instruction(_RETURN, ALLOW)]


def _refusal(call: Call, own_pid: int) -> Iterator[Instruction]:
    """What happens to a call once its number is known; falls through where it is allowed."""
    refuse = Instruction(_RETURN, _ERROR | call.error)
    if call.when is None:
        yield refuse
        return
    when = call.when
    yield Instruction(_LOAD, 16 + 8 * when.argument)  # the lower half: both are little-endian
    yield Instruction(_AND, when.mask)
    values = [own_pid if value == OWN else int(value) for value in when.values]
    for place, value in enumerate(values):
        left = len(values) - place - 1
        # A hit skips the other comparisons and the instruction after them: the refusal, or the
        # jump over it.
        yield Instruction(_EQUAL, value, yes=left + 1)
    if not when.other:
        yield Instruction(_JUMP, 1)
    yield refuse
    yield Instruction(_LOAD, 0)  # the number again, for the rules that follow


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort),
        ("yes", ctypes.c_ubyte),
        ("no", ctypes.c_ubyte),
        ("k", ctypes.c_uint32),
    )


def forbid_new_privileges() -> None:
    """Let no executed file give this process more rights: a filter may be loaded only then."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1)


def load_filter(rules: Sequence[Rule], names: Sequence[str]) -> None:
    """Refuse what these rules name, in this process and all that it starts, for good.

    `names` may hold the walls of the filter itself as well. Raises `OSError` when the kernel takes
    no filter or the processor is not known.
    """
    built_in = [name for name in BUILT_IN if name in names]
    if not rules and not built_in:
        return
    machine = this_machine()
    if machine is None:
        raise OSError(_ENOSYS, "no table of system calls for this processor")
    compiled = compile_filter(rules, built_in, machine, os.getpid())
    array = (_Instruction * len(compiled))(
        *[_Instruction(i.code, i.yes, i.no, i.k) for i in compiled]
    )
    program = _Program(len(compiled), ctypes.addressof(array))
    which = number("seccomp", machine)
    assert which is not None
    system_call(which, _SET_MODE_FILTER, 0, ctypes.byref(program))

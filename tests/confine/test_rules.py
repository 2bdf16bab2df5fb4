"""Every group of forbidden system calls bites: alone it refuses its act, else nothing does."""

import errno
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from grader.confine import rules, seccomp, syscalls
from grader.confine.rules import ALL, BUILT_IN, OWN, RULES
from grader.confine.syscalls import MACHINES, NEWEST, number, this_machine

known = pytest.mark.skipif(this_machine() is None, reason="no table for this processor")
#: What shows that a rule is there.
ACTS = {
    "foreign-calls": "call_foreign",
    "newer-calls": "call_newer",
    "sockets": "open_sockets",
    "io-uring": "use_rings",
    "tracing": "trace",
    "namespaces": "make_namespace",
    "mounts": "change_mounts",
    "handles": "use_handles",
    "kernel": "use_kernel",
    "administration": "administer",
    "ipc": "share_memory",
    "memory-files": "make_memory_file",
    "truncation": "truncate",
    "metadata": "change_metadata",
    "processes": "fork",
    "programs": "execute",
    "signals": "signal_others",
    "others": "steer_others",
}


def test_every_rule_has_an_act():
    assert tuple(ACTS) == ALL


@known
@pytest.mark.parametrize("rule", ALL)
def test_without_its_rule_the_act_succeeds(attempt, rule):
    # The process that forks has no other above it in its box; rules that overlap go together.
    overlapping = {"namespaces": {"processes"}}.get(rule, set())
    others = tuple(name for name in ALL if name != rule and name not in overlapping)
    done, told = attempt(ACTS[rule], rules=others)
    if rule in BUILT_IN and not done:
        pytest.skip(f"this kernel has no such calls: {told}")
    assert done, told


@known
@pytest.mark.parametrize("rule", ALL)
def test_the_rule_alone_refuses_its_act(attempt, rule):
    done, told = attempt(ACTS[rule], rules=(rule,))
    assert not done, told
    assert "signal 31" in told or "Refused" in told or "PermissionError" in told


@known
def test_no_rule_refuses_what_training_needs(attempt):
    for act in ("use_scratch", "start_thread"):
        done, told = attempt(act, rules=ALL)
        assert done, told


@known
def test_a_process_may_signal_itself(forked):
    from grader.confine.box import Box
    from grader.confine.enter import enter, enter_further

    def work():
        box = Box(rules=ALL)
        enter(box)
        enter_further(box)
        os.kill(os.getpid(), 0)
        os.sched_setaffinity(0, os.sched_getaffinity(0))
        os.kill(os.getpid(), 9)

    assert forked(work) == (False, "signal 9")


# --- the programs, run by hand for both kinds of processor ----------------------------------------

PID = 4242


def run(program, machine, which, arguments=(), arch=None):
    """What a filter program returns for one system call; jumps that lead outside raise."""
    words = {0: which, 4: machine.audit_arch if arch is None else arch}
    words |= {16 + 8 * place: value & 0xFFFFFFFF for place, value in enumerate(arguments)}
    at, register = 0, 0
    while True:
        step = program[at]
        at += 1
        if step.code == 0x20:
            register = words.get(step.k, 0)
        elif step.code == 0x54:
            register &= step.k
        elif step.code == 0x05:
            at += step.k
        elif step.code == 0x15:
            at += step.yes if register == step.k else step.no
        elif step.code == 0x25:
            at += step.yes if register > step.k else step.no
        elif step.code == 0x06:
            return step.k
        else:
            raise AssertionError(step)


def refused(returned):
    """The error number of a refusal; None where the call is allowed."""
    return None if returned == seccomp.ALLOW else returned & 0xFFFF


def breaking(call):
    """Arguments that a condition refuses, and some that it allows."""
    when = call.when
    if when is None:
        return [(0,)], []
    named = [PID if value == OWN else value for value in when.values]
    strange = next(v for v in (77, 0, 1, 0x7FFFFFFF) if v & when.mask not in named)
    place = (0,) * when.argument
    hits = [(*place, value) for value in named]
    misses = [(*place, strange)]
    return (misses, hits) if when.other else (hits, misses)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_call_of_a_rule_is_refused_by_it_alone(rule, machine):
    whole = seccomp.compile_filter(RULES, tuple(BUILT_IN), machine, PID)
    assert len(whole) < 4096
    for call in rule.calls:
        which = number(call.name, machine)
        if which is None:
            continue
        # Without this one call, and without others that refuse the same call for their own reasons.
        left = [
            rules.Rule(r.name, r.why, tuple(c for c in r.calls if c.name != call.name), r.stage)
            for r in RULES
        ]
        lacking = seccomp.compile_filter(left, tuple(BUILT_IN), machine, PID)
        alone = seccomp.compile_filter((rule,), (), machine, PID)
        bad, good = breaking(call)
        for arguments in bad:
            assert refused(run(alone, machine, which, arguments)) == call.error, call
            assert refused(run(whole, machine, which, arguments)) is not None, call
            assert refused(run(lacking, machine, which, arguments)) is None, call
        for arguments in good:
            assert refused(run(alone, machine, which, arguments)) is None, call


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_the_filter_knows_its_processor_and_its_age(machine):
    program = seccomp.compile_filter((), tuple(BUILT_IN), machine, PID)
    assert run(program, machine, 0, arch=0x40000003) == seccomp.KILL  # i386
    assert refused(run(program, machine, NEWEST)) is None
    for newer in (NEWEST + 1, 0x40000000 | 41, 0xFFFFFFFF):  # the second: x32's socket
        assert refused(run(program, machine, newer)) == errno.ENOSYS


def headers():
    """What this machine's compiler takes for the numbers of x86_64 and of all newer processors."""
    found = {}
    for column, places in enumerate(("x86_64-linux-gnu/asm/unistd_64.h", "asm-generic/unistd.h")):
        for folder in ("/usr/include", "/usr/src/linux-headers/include"):
            path = Path(folder, places)
            if path.exists():
                numbers = re.findall(r"#define\s+__NR(?:3264)?_(\w+)\s+(\d+)\b", path.read_text())
                found[column] = {name: int(value) for name, value in numbers}
    return found


@pytest.mark.skipif(not headers(), reason="no headers of the kernel")
def test_the_numbers_are_the_kernels():
    for column, theirs in headers().items():
        machine = MACHINES[column]
        for name in syscalls._NUMBERS:
            ours = number(name, machine)
            if ours is not None and name in theirs:
                assert ours == theirs[name], (machine.name, name)
            if ours is None:
                assert name not in theirs, (machine.name, name)


@pytest.mark.skipif(
    platform.machine() != "x86_64" or shutil.which("ausyscall") is None, reason="no ausyscall"
)
def test_the_numbers_are_the_audit_tools():
    for machine in MACHINES:
        dump = subprocess.run(
            ["ausyscall", machine.name, "--dump"], capture_output=True, text=True, check=True
        ).stdout
        theirs = {name: int(value) for value, name in re.findall(r"(\d+)\s+(\w+)", dump)}
        for name in syscalls._NUMBERS:
            if name in theirs:
                assert number(name, machine) == theirs[name]

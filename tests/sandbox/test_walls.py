"""Each tier's box holds against all acts, and each of its own walls bites.

A wall that another one hides is tried with that other one down: then the act is refused while the
wall stands, and succeeds without it. The groups of forbidden system calls, the limits and the
rights that Landlock takes away are tried one by one in `tests/confine`.
"""

import ctypes
import dataclasses
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from grader.confine import acts, rules
from grader.confine.limits import LIMITS
from grader.sandbox.bubblewrap import FLAGS
from grader.sandbox.doctor import wrong_of
from grader.sandbox.examine import examine
from grader.sandbox.interface import Unfit
from grader.sandbox.tiers import FINDERS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="walls are put up on Linux only")
ROOT = Path(__file__).resolve().parents[2]
REAL = [tier for tier in FINDERS if tier != "plain"]
#: Ends the worker where the scratch folder is watched.
ALONE = "fill_scratch"
as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="another user is for root to give"
)


def find(tier):
    try:
        return FINDERS[tier]()
    except Unfit as unfit:
        pytest.skip(f"{unfit.why}: {unfit.remedy}")


def tried(launcher, act, **targets):
    """What comes of one act."""
    (outcome,) = examine(launcher, [[act]], targets)
    return outcome


def without(launcher, *names):
    """The launcher with groups of forbidden system calls left out."""
    left = tuple(name for name in launcher.rules if name not in names)
    return dataclasses.replace(launcher, rules=left)


@pytest.mark.parametrize("tier", REAL)
def test_the_box_holds_against_every_act(tier):
    launcher = find(tier)
    trial = launcher.trial
    costly = [act for act in acts.COSTLY if act not in (ALONE, "burn")]
    groups = [(*trial.refused, *trial.needed), *([act] for act in costly), [ALONE]]
    told = {outcome.act: outcome for outcome in examine(launcher, groups[:-1])}
    told |= {outcome.act: outcome for outcome in examine(launcher, groups[-1:])}
    assert wrong_of(told, {*trial.refused, *costly, ALONE}, set(trial.needed)) == []


def test_little_is_spared():
    """What a tier does not promise is known."""
    spared = {tier: set(acts.FORBIDDEN) - set(find(tier).trial.refused) for tier in REAL}
    assert spared == {
        "bubblewrap": set(),
        "landlock": {"learn_name"},
        "uid+seccomp": {"learn_name", "list_processes", "read_outside", "write_outside"},
    }


# --- bubblewrap ----------------------------------------------------------------------------------


@pytest.fixture
def bubblewrap():
    return find("bubblewrap")


@pytest.fixture
def services():
    """A TCP port and an abstract socket of the judge's that take connections."""
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as abstract,
    ):
        name = f"dqn-test-{os.getpid()}"
        abstract.bind("\0" + name)
        abstract.listen()
        yield {"port": str(tcp.getsockname()[1]), "abstract": name}


@pytest.fixture
def shared_key():
    """Key of a piece of shared memory of the judge's."""
    libc = ctypes.CDLL(None, use_errno=True)
    key = 0x44510000 + os.getpid() % 0x10000
    made = libc.shmget(key, 4096, 0o1666)
    if made == -1:
        pytest.skip("no shared memory here")
    yield str(key)
    libc.shmctl(made, 0, None)


def flagless(launcher, flag):
    left = {name: words for name, words in launcher.flags.items() if name != flag}
    return dataclasses.replace(launcher, flags=left)


def test_every_flag_is_tried_here():
    assert set(FLAGS) == {"die-with-parent", "pid", "net", "ipc", "uts", "capabilities"}


def test_network(bubblewrap, services):
    open_to_sockets = without(bubblewrap, "sockets")
    assert not tried(open_to_sockets, "connect", **services).done
    assert tried(flagless(open_to_sockets, "net"), "connect", **services).done


def test_processes(bubblewrap):
    forking = without(bubblewrap, "processes")
    outcome = tried(forking, "leave_daemon")
    assert (outcome.done, outcome.told) == (False, "it was ended with the worker")
    assert tried(flagless(forking, "pid"), "leave_daemon").done


def test_shared_memory(bubblewrap, shared_key):
    sharing = without(bubblewrap, "ipc")
    assert not tried(sharing, "find_memory", shared_key=shared_key).done
    assert tried(flagless(sharing, "ipc"), "find_memory", shared_key=shared_key).done


def test_name_of_the_machine(bubblewrap):
    assert tried(bubblewrap, "learn_name").told == "worker"
    assert tried(flagless(bubblewrap, "uts"), "learn_name").done


@as_root
def test_capabilities(bubblewrap):
    root = dataclasses.replace(bubblewrap, owner=None)
    assert not tried(root, "hold_rights").done
    assert "capabilities" in tried(flagless(root, "capabilities"), "hold_rights").told


@as_root
@pytest.mark.parametrize("tier", REAL)
def test_another_user(tier):
    launcher = find(tier)
    assert not tried(launcher, "hold_rights", owner="expected").done
    root = dataclasses.replace(launcher, owner=None)
    assert tried(root, "hold_rights", owner="expected").done


@as_root
@pytest.mark.parametrize(
    "wall", [{"read_only_root": False}, {"bind": "--bind"}], ids=["root", "binds"]
)
def test_nothing_is_writable(bubblewrap, wall):
    # Root may write where modes are the only wall.
    root = dataclasses.replace(bubblewrap, owner=None)
    assert not tried(root, "write_outside").done
    assert tried(dataclasses.replace(root, **wall), "write_outside").done


def test_size_of_the_scratch_folder(bubblewrap):
    outcome = tried(bubblewrap, "fill_scratch")
    assert (outcome.done, "No space left" in outcome.told) == (False, True)
    assert tried(dataclasses.replace(bubblewrap, scratch_bytes=None), "fill_scratch").done


@pytest.mark.parametrize("tier", REAL)
def test_number_of_tasks(tier):
    launcher = find(tier)
    if launcher.owner is None and tier != "bubblewrap":
        pytest.skip("the user's other programs count too")
    assert not tried(launcher, "start_threads").done
    assert tried(dataclasses.replace(launcher, tasks=None), "start_threads").done


@pytest.mark.parametrize("tier", REAL)
def test_limits_and_filter_are_put_up_in_every_tier(tier):
    launcher = find(tier)
    assert (launcher.limits, launcher.rules) == (LIMITS, rules.ALL)
    bare = dataclasses.replace(launcher, limits={}, rules=())
    outcomes = examine(bare, [["use_memory"], ["make_memory_file"], ["trace"], ["fork"]])
    assert [outcome.done for outcome in outcomes] == [True] * 4


KILLED = """
import dataclasses, os, signal, socket, time
from grader.sandbox.stage import Stage
from grader.sandbox.tiers import FINDERS
launcher = FINDERS["bubblewrap"]()
if not {flag}:
    flags = {{n: w for n, w in launcher.flags.items() if n != "die-with-parent"}}
    launcher = dataclasses.replace(launcher, flags=flags)
stage = Stage({{}}, launcher.owner)
ours, theirs = socket.socketpair()
running = launcher.start(
    stage,
    ["fork", str(stage.submission), launcher.box(stage).to_text(), str(theirs.fileno())],
    pass_fds=(theirs.fileno(), {life}), streams=False,
)
assert ours.recv(1) == b"B"
first = running._first_inside()
print(stage.root, flush=True)
# Deaf to the end of its channel: nothing but the flag ends it.
for pid in open(f"/proc/{{first}}/task/{{first}}/children").read().split():
    os.kill(int(pid), signal.SIGSTOP)
print("stopped", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("flag", [True, False])
def test_a_killed_judge_takes_the_worker_along(bubblewrap, flag):
    reading, writing = os.pipe()
    judge = subprocess.Popen(
        [sys.executable, "-c", KILLED.format(flag=flag, life=writing)],
        cwd=ROOT,
        pass_fds=(writing,),
        stdout=subprocess.PIPE,
        text=True,
    )
    os.close(writing)
    root = judge.stdout.readline().strip()
    assert judge.stdout.readline().strip() == "stopped"
    judge.kill()
    judge.wait()
    judge.stdout.close()
    os.set_blocking(reading, False)
    end = time.monotonic() + (5 if flag else 1)
    dead = False
    while not dead and time.monotonic() < end:
        try:
            dead = os.read(reading, 1) == b""
        except BlockingIOError:
            time.sleep(0.05)
    os.close(reading)
    assert dead == flag
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and root.encode() in _command(entry):
            os.kill(int(entry.name), signal.SIGKILL)
    shutil.rmtree(root, ignore_errors=True)


def _command(entry):
    try:
        return (entry / "cmdline").read_bytes()
    except OSError:
        return b""


# --- landlock, and what is left without it -------------------------------------------------------


def test_landlock_keeps_files_and_processes_out_of_sight():
    launcher = dataclasses.replace(find("landlock"), rights=())
    for act in ("read_outside", "write_outside", "list_processes"):
        assert tried(launcher, act).done, act


@pytest.mark.parametrize("tier", REAL[1:])
def test_a_watched_scratch_folder(tier):
    launcher = find(tier)
    outcome = tried(launcher, "fill_scratch")
    assert not outcome.done
    assert outcome.told in ("ended when it held too much", "ended by SIGKILL")
    assert tried(dataclasses.replace(launcher, watched=False), "fill_scratch", patience_s="0").done


@pytest.mark.parametrize("tier", REAL[1:])
def test_a_daemon_is_found_by_the_sweep(tier):
    """Were a process allowed to start another, that one would be found below it."""
    assert not tried(without(find(tier), "processes"), "leave_daemon").done


# --- an ordinary user ----------------------------------------------------------------------------

LOOK = """
import json, sys
from grader.confine import acts
from grader.sandbox.doctor import wrong_of
from grader.sandbox.examine import examine
from grader.sandbox.interface import SandboxFault, Unfit
from grader.sandbox.tiers import FINDERS
told = {}
for tier, find in FINDERS.items():
    try:
        launcher = find()
        assert launcher.owner is None
        trial = launcher.trial
        costly = ["leave_daemon", "use_memory", "call_foreign"] if trial.refused else []
        groups = [(*trial.refused, *trial.needed), *([act] for act in costly)]
        outcomes = {o.act: o for o in examine(launcher, groups)}
        told[tier] = wrong_of(outcomes, {*trial.refused, *costly}, set(trial.needed))
    except Unfit as unfit:
        told[tier] = "unfit: " + unfit.why
    except SandboxFault as fault:
        told[tier] = "fault: " + str(fault)
print(json.dumps(told))
"""


@pytest.mark.usefixtures("bubblewrap")
def test_an_ordinary_user_has_both_tiers(as_ordinary_user):
    command, environment = as_ordinary_user
    done = subprocess.run(
        [*command, sys.executable, "-c", LOOK],
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    told = json.loads(done.stdout)
    assert told["plain"] == []
    assert told["uid+seccomp"] == "unfit: only root can let the worker be another user"
    if "namespace" in told["bubblewrap"] or "uid map" in told["bubblewrap"]:
        pytest.skip("no user namespaces for ordinary users here")
    assert told["bubblewrap"] == []
    assert told["landlock"] == [] or str(told["landlock"]).startswith("unfit")


def test_the_interpreter_is_found(bubblewrap):
    """What is bound leads to a Python that has the packages of the judge's."""
    assert sysconfig.get_path("purelib").startswith(sys.prefix)
    assert tried(bubblewrap, "read_submission").done

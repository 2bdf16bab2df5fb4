"""The strongest tier that works is taken, a weaker one only where it may; and what helps."""

import dataclasses
import errno
import os
import sys
import time

import pytest

from grader.client import Worker
from grader.commands import options
from grader.confine import landlock as confine_landlock
from grader.protocol.messages import Load, Loaded
from grader.sandbox import bubblewrap, identity, landlock, preflight, tiers
from grader.sandbox.examine import examine
from grader.sandbox.interface import Refused, SandboxFault, Unfit
from grader.sandbox.plain import Plain
from grader.sandbox.tiers import REAL, TIERS, eligible, start_strongest

linux = pytest.mark.skipif(sys.platform != "linux", reason="the stronger tiers are Linux's")
FILES = {"q_network.py": b"class QNetwork: ...\n"}


def test_the_command_line_knows_the_tiers():
    assert options.TIERS == TIERS
    assert TIERS[-1] == "plain"


@pytest.mark.parametrize(
    ("wanted", "least", "expected"),
    [
        ("auto", "plain", TIERS),
        ("auto", "landlock", ("bubblewrap", "landlock")),
        ("auto", REAL, ("bubblewrap", "landlock", "uid+seccomp")),
        ("auto", "bubblewrap", ("bubblewrap",)),
        ("landlock", "plain", ("landlock",)),
        ("landlock", "landlock", ("landlock",)),
        ("uid+seccomp", "landlock", ()),
        ("plain", REAL, ()),
    ],
)
def test_what_may_serve(wanted, least, expected):
    assert eligible(wanted, least) == expected


# --- `bwrap` that is not there, or is no help ----------------------------------------------------


@pytest.fixture
def bwrap(tmp_path, monkeypatch):
    """`bwrap(script)` puts a shell script in the place of bubblewrap; None removes it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(script):
        if script is not None:
            (folder / "bwrap").write_text(f"#!/bin/sh\n{script}\n")
            (folder / "bwrap").chmod(0o755)

    return put


@linux
def test_bubblewrap_is_not_installed(bwrap):
    bwrap(None)
    with pytest.raises(Refused, match="`bwrap` is not installed") as caught:
        start_strongest(FILES, wanted="bubblewrap")
    assert "apt-get install bubblewrap" in caught.value.remedy


SAYS = {
    "bwrap: No permissions to create new namespace, likely because the kernel does not allow "
    "non-privileged user namespaces.": "apparmor_restrict_unprivileged_userns",
    "bwrap: setting up uid map: Permission denied": "AppArmor profile",
    "bwrap: Creating new namespace failed: Operation not permitted": "seccomp=unconfined",
    "bwrap: Unknown option --size": "0.7 or newer",
    "bwrap: something else": "doctor",
}


@linux
@pytest.mark.parametrize("words", SAYS)
def test_bubblewrap_is_forbidden(bwrap, words):
    bwrap(f"echo '{words}' >&2; exit 1")
    host = start_strongest(FILES, wanted="bubblewrap")
    with pytest.raises(Refused) as caught:
        host.open()
    assert words in str(caught.value)
    assert SAYS[words] in caught.value.remedy
    host.close()


@linux
@pytest.mark.parametrize("script", ["exec sleep 60", "exec 2>&-; exec sleep 60"])
def test_bubblewrap_hangs(bwrap, monkeypatch, script):
    monkeypatch.setattr(preflight, "ENTER_DEADLINE_S", 0.3)
    monkeypatch.setenv("PATH", os.environ["PATH"] + ":/usr/bin:/bin")
    bwrap(script)
    begun = time.monotonic()
    host = start_strongest(FILES, wanted="bubblewrap")
    with pytest.raises(Refused, match="did not start in time"):
        host.open()
    host.close()
    assert time.monotonic() - begun < 20


@linux
def test_bubblewrap_that_isolates_nothing_is_found_out(bwrap):
    """A program of that name that isolates nothing does not pass for it."""
    bwrap('while [ "$1" != -- ]; do shift; done; shift; exec "$@"')
    launcher = dataclasses.replace(bubblewrap.find_bubblewrap(), owner=None)
    outcomes = examine(launcher, [("read_outside", "learn_name", "fork")])
    assert [outcome.done for outcome in outcomes] == [True, True, False]


# --- the kernel without Landlock, a processor without a table ------------------------------------


@linux
def test_no_landlock_in_the_kernel(monkeypatch):
    monkeypatch.setattr(confine_landlock, "kernel_abi", lambda: 0)
    with pytest.raises(Unfit, match="the kernel has no Landlock") as caught:
        landlock.find_landlock()
    assert "lsm=landlock" in caught.value.remedy


@linux
def test_a_kernel_that_denies_landlock_has_version_0(monkeypatch):
    def denied(*_):
        raise OSError(errno.EPERM, "denied")

    monkeypatch.setattr(confine_landlock, "system_call", denied)
    assert confine_landlock.kernel_abi() == 0


def test_an_unknown_processor(monkeypatch, bwrap):
    bwrap("exit 0")
    for module in (landlock, bubblewrap):
        monkeypatch.setattr(module, "this_machine", lambda: None)
    for find in (bubblewrap.find_bubblewrap, landlock.find_landlock, landlock.find_uid):
        with pytest.raises(Unfit) as caught:
            find()
        assert caught.value.remedy


# --- users ---------------------------------------------------------------------------------------


@linux
def test_an_ordinary_user_has_no_other_to_give(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert identity.new_owner() is None
    with pytest.raises(Unfit, match="only root"):
        landlock.find_uid()


@linux
@pytest.mark.parametrize(
    ("mapped", "ids"),
    [(range(1 << 32), range(0x70000000, 0x80000000)), (range(65536), range(61184, 65520))],
)
def test_root_gives_an_id_that_nobody_has(monkeypatch, mapped, ids):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(identity, "_mapped_ids", lambda: mapped)
    owners = {identity.new_owner() for _ in range(50)}
    assert all(owner in ids for owner in owners)
    assert len(owners) > 25


@linux
def test_root_without_other_ids_is_refused_rather_than_left_root(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(identity, "_mapped_ids", lambda: range(1))
    for find in (landlock.find_landlock, landlock.find_uid):
        with pytest.raises(Unfit, match="no other user id"):
            find()


# --- falling back --------------------------------------------------------------------------------


class Host:
    """Stands in for a host whose tier works or not."""

    def __init__(self, launcher):
        self.tier = launcher.tier
        self.launcher = launcher
        self.closed = False

    def open(self):
        if self.launcher.fault is not None:
            raise self.launcher.fault
        return self.tier

    def close(self):
        self.closed = True


class Launcher:
    def __init__(self, tier, fault=None):
        self.tier, self.fault = tier, fault


@pytest.fixture
def machine(monkeypatch):
    """`machine(tier=…)` says what is wrong with tiers: a fault at opening, or at once."""
    hosts = []

    def start(_files, launcher):
        hosts.append(Host(launcher))
        return hosts[-1]

    def arrange(missing=None, **faults):
        def finder(tier):
            def find():
                if tier in (missing or ()):
                    raise Unfit(tier, "not there", f"install {tier}")
                return Launcher(tier, faults.get(tier))

            return find

        monkeypatch.setattr(tiers, "start_host", start)
        monkeypatch.setattr(tiers, "FINDERS", {tier: finder(tier) for tier in TIERS})
        return hosts

    return arrange


def test_the_strongest_serves(machine):
    machine()
    host = start_strongest(FILES)
    assert host.open() == host.tier == "bubblewrap"


def test_the_next_takes_over(machine):
    hosts = machine(
        missing=["landlock"], bubblewrap=Unfit("bubblewrap", "read_canary succeeded", "")
    )
    host = start_strongest(FILES)
    assert host.open() == "uid+seccomp"
    assert host.tier == "uid+seccomp"
    assert [old.closed for old in hosts] == [True, False]


def test_once_served_it_stays(machine):
    hosts = machine()
    host = start_strongest(FILES)
    host.open()
    hosts[0].launcher.fault = SandboxFault("gone")
    with pytest.raises(SandboxFault, match="gone"):
        host.open()
    assert len(hosts) == 1


def test_the_least_is_kept(machine):
    machine(missing=["bubblewrap"], landlock=Unfit("landlock", "fork succeeded", "a remedy"))
    host = start_strongest(FILES, least="landlock")
    with pytest.raises(Refused) as caught:
        host.open()
    assert "`bubblewrap`: not there; `landlock`: fork succeeded" in str(caught.value)
    assert caught.value.remedy == "install bubblewrap"


def test_what_is_missing_altogether_is_told_at_once(machine):
    machine(missing=["landlock"])
    with pytest.raises(Refused, match="`landlock`: not there") as caught:
        start_strongest(FILES, wanted="landlock")
    assert caught.value.remedy == "install landlock"


def test_what_hinders_the_plain_tier_is_the_graders_own_fault(machine):
    no_torch = SandboxFault("no torch")
    machine(bubblewrap=no_torch, landlock=no_torch, plain=SandboxFault("No module named 'torch'"))
    host = start_strongest(FILES, least="plain")
    # Here only three of four: `uid+seccomp` would do.
    assert host.open() == "uid+seccomp"
    machine(**dict.fromkeys(TIERS, no_torch))
    with pytest.raises(SandboxFault, match="no torch") as caught:
        start_strongest(FILES).open()
    assert not isinstance(caught.value, Refused)


# --- with real workers ---------------------------------------------------------------------------

LEAVES = b"""
import os, time
try:
    os.setsid()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(60)
        os._exit(0)
    os.wait()
    how = "left a daemon"
except OSError as error:
    how = type(error).__name__

class QNetwork:
    def __init__(self, *_):
        raise LookupError(how)
"""


def processes(word):
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as command:
                    words = command.read()
                with open(f"/proc/{entry}/stat") as stat:
                    state = stat.read().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if word.encode() in words and state not in "ZX":
                found.append(int(entry))
    return found


@linux
@pytest.mark.parametrize("tier", TIERS)
def test_nothing_outlives_the_worker(tier):
    """A worker that has left its session, and a daemon where one can be left, end with the host."""
    host = start_strongest({"q_network.py": LEAVES}, wanted=tier) if tier == "plain" else _of(tier)
    try:
        loaded = Worker(host).ask(Load(module="q_network", siblings={}), Loaded, wall_s=60)
        assert loaded.raised is None
        assert host.tier == tier
        root = host._host._stage.root
        assert len(processes(root.name)) >= (3 if tier == "plain" else 2)
    finally:
        host.close()
    assert processes(root.name) == []
    assert not root.exists()


def _of(tier):
    try:
        return start_strongest({"q_network.py": LEAVES}, wanted=tier)
    except Refused as refusal:
        pytest.skip(f"{refusal}: {refusal.remedy}")


def test_the_plain_tier_has_no_walls():
    assert Plain().trial.refused == ()
    assert Plain().remedy("anything") is None

"""Machines on which something usual is missing: a grading, or a refusal that says what is wrong."""

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from grader.sandbox import process
from grader.sandbox.interface import SandboxFault
from grader.sandbox.stage import Stage
from tests.hostile.tiers import why_not
from tests.sandbox.conftest import ORDINARY

linux = pytest.mark.skipif(sys.platform != "linux", reason="the stronger tiers are Linux's")
ROOT = Path(__file__).resolve().parents[2]


def full(*_arguments, **_more):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("what", ["write_bytes", "mkdir"])
def test_a_full_disk_is_the_graders_fault_and_leaves_nothing(monkeypatch, tmp_path, what):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(Path, what, full)
    with pytest.raises(SandboxFault, match="No space left on device") as caught:
        Stage({"q_network.py": b""})
    assert str(tmp_path) in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_no_folder_for_temporary_files(monkeypatch):
    monkeypatch.setattr(tempfile, "mkdtemp", full)
    with pytest.raises(SandboxFault, match="no temporary folder can be made"):
        Stage({})


def test_a_grader_among_the_packages_is_left_out(monkeypatch, tmp_path):
    packages = tmp_path / "lib" / "python3" / "site-packages"
    for name in ("grader/confine", "grader/worker", "grader/protocol", "grader/oracle", "torch"):
        (packages / name).mkdir(parents=True)
    (tmp_path / "lib64").symlink_to("lib")
    (tmp_path / "lib" / "libpython.so").touch()
    monkeypatch.setattr(process, "PACKAGE", packages / "grader")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    places = process.find_places()
    mine = [path for path in places.readable if path.startswith(str(tmp_path))]
    assert [path.removeprefix(f"{tmp_path}/lib/") for path in mine] == [
        "libpython.so",
        "python3/site-packages/grader/confine",
        "python3/site-packages/grader/protocol",
        "python3/site-packages/grader/worker",
        "python3/site-packages/torch",
    ]
    assert places.listable == tuple(str(path) for path in (*packages.parents[:2][::-1], packages))


def test_a_checkout_is_left_out():
    places = process.find_places()
    assert places.listable == ()
    rooms = [path for path in places.readable if path.startswith(str(process.PACKAGE))]
    assert [Path(room).name for room in rooms] == ["confine", "protocol", "worker"]


# --- whole gradings on such machines -------------------------------------------------------------


def graded(*before, options=(), environment=None):
    """A grading of the solution's smallest part: what the process left."""
    command = [*before, sys.executable, "-m", "grader", "grade", "solution"]
    command += ["--only", "update_target", "--json", "-", *options]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | (environment or {}),
        capture_output=True,
        encoding="utf-8",
    )


def tier_of(done):
    """The tier that served, of a grading that gave full marks."""
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["score"] == 10
    return report["environment"]["sandbox"]


@pytest.fixture
def bare():
    """`bare(*mounts)` stands before a command that is to see these mounts, and nothing else new."""
    start = ["bwrap", "--dev-bind", "/", "/"]
    if shutil.which("bwrap") is None or subprocess.run([*start, "true"]).returncode != 0:
        pytest.skip("bubblewrap plays the bare machine")
    return lambda *mounts: [*start, *mounts]


@pytest.mark.parametrize("shared", ["not to be written", "not there"])
def test_no_shared_memory_and_a_home_that_cannot_be_written(bare, tmp_path, shared):
    home = tmp_path / "home"
    home.mkdir()
    before = bare(
        "--ro-bind", str(home), str(home), "--tmpfs", "/dev/shm", "--remount-ro", "/dev/shm"
    )
    if shared == "not there":
        devices = [f"/dev/{name}" for name in ("null", "zero", "random", "urandom")]
        binds = [word for device in devices for word in ("--dev-bind", device, device)]
        before = bare("--ro-bind", str(home), str(home), "--tmpfs", "/dev", *binds)
    done = graded(*before, environment={"HOME": str(home)})
    assert tier_of(done) in ("bubblewrap", "landlock", "plain")


def test_a_full_folder_for_temporary_files_is_passed_over(bare, tmp_path):
    """Python itself looks for another one where not even a few bytes can be written."""
    full = ["sh", "-c", 'head -c 100000 /dev/zero > "$TMPDIR/filler"; exec "$@"', "sh"]
    before = bare("--size", "65536", "--tmpfs", str(tmp_path), *full)
    assert tier_of(graded(*before, environment={"TMPDIR": str(tmp_path)}))


def test_an_all_but_full_folder_for_temporary_files_is_the_graders_fault(bare, tmp_path):
    before = bare("--size", "4096", "--tmpfs", str(tmp_path))
    done = graded(*before, environment={"TMPDIR": str(tmp_path)})
    assert done.returncode == 3
    report = json.loads(done.stdout)
    assert (report["status"], report["score"]) == ("grader_fault", None)
    assert f"cannot be copied to `{tmp_path}`: No space left on device" in report["reason"]


#: Loads a filter, and is then the program that it was given: a kernel that refuses some calls.
REFUSING = """
import errno, json, os, sys
from grader.confine.rules import RULES, Call, Rule
from grader.confine.seccomp import forbid_new_privileges, load_filter
names, calls = json.loads(sys.argv[1])
rules = [rule for rule in RULES if rule.name in names]
rules += [Rule("more", "", tuple(Call(name, getattr(errno, error)) for name, error in calls))]
forbid_new_privileges()
load_filter(rules, ())
os.execv(sys.argv[2], sys.argv[2:])
"""
NO_NAMESPACES = ["namespaces"]
#: They can be made, and nothing can be done in them.
HALF_WORKING = ["mounts"]
NO_LANDLOCK = [["landlock_create_ruleset", "ENOSYS"]]
FORBIDDEN_LANDLOCK = [["landlock_create_ruleset", "EPERM"]]
NO_FILTER = [["seccomp", "EINVAL"]]


def refusing(names, calls=()):
    return [sys.executable, "-c", REFUSING, json.dumps([names, calls])]


@pytest.fixture
def works():
    """`works(tier)` skips the test where a tier does not work to begin with."""

    def works(*tiers):
        for tier in tiers:
            if (reason := why_not(tier)) is not None:
                pytest.skip(reason)

    return works


@linux
@pytest.mark.parametrize("names", [NO_NAMESPACES, HALF_WORKING], ids=["none", "half-working"])
def test_namespaces_that_do_not_work(works, names):
    works("bubblewrap", "landlock")
    assert tier_of(graded(*refusing(names))) == "landlock"


@linux
@pytest.mark.parametrize("calls", [NO_LANDLOCK, FORBIDDEN_LANDLOCK], ids=["none", "forbidden"])
def test_neither_namespaces_nor_landlock(works, calls):
    works("bubblewrap", "landlock")
    expected = "uid+seccomp" if os.geteuid() == 0 else "plain"
    assert tier_of(graded(*refusing(NO_NAMESPACES, calls))) == expected


@linux
def test_what_is_asked_for_and_does_not_work_is_refused_with_what_helps(works):
    works("bubblewrap", "landlock")
    before = refusing(NO_NAMESPACES, NO_LANDLOCK)
    done = graded(*before, options=["--sandbox-min", "landlock"])
    assert (done.returncode, done.stdout) == (2, "")
    assert "no isolation that was asked for works on this machine: `bubblewrap`: " in done.stderr
    assert "`landlock`: the kernel has no Landlock" in done.stderr
    assert "hint: allow user namespaces: on Ubuntu 24.04, " in done.stderr


@linux
def test_a_kernel_that_takes_no_filter(works):
    works("bubblewrap", "landlock")
    assert tier_of(graded(*refusing([], NO_FILTER))) == "plain"
    done = graded(*refusing([], NO_FILTER), options=["--sandbox-min", "uid+seccomp"])
    assert done.returncode == 2
    assert "no isolation that was asked for works on this machine" in done.stderr


@linux
def test_an_ordinary_user_grades_in_the_strongest_tier(works, as_ordinary_user):
    works("bubblewrap")
    before, environment = as_ordinary_user
    assert tier_of(graded(*before, environment=environment)) == "bubblewrap"


# --- the recipe of docs/container.md -------------------------------------------------------------

#: What Docker's own filter forbids a container without the right to administer.
CONTAINED = ["namespaces", "mounts"]
NONE = ("--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")
#: Where all users may pass, as a container's /tmp.
TEMPORARY = "/var/tmp"
BECOMING_ANOTHER = ("SETUID", "SETGID", "CHOWN", "FOWNER", "DAC_OVERRIDE", "KILL")


def container(*rights):
    """Mounts as in the recipe: all read-only but a sized folder for temporary files."""
    words = ["--ro-bind", "/", "/", "--unshare-pid", "--unshare-net", "--unshare-ipc"]
    words += ["--dev", "/dev", "--proc", "/proc", "--size", str(1024**3), "--perms", "1777"]
    return [*words, "--tmpfs", TEMPORARY, "--cap-drop", "ALL", *rights]


@linux
def test_a_container_with_an_ordinary_user(works, as_user):
    works("bubblewrap", "landlock")
    setting = ("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP")
    before, environment = as_user(container(*setting), *ORDINARY, *NONE)
    done = graded(
        *before,
        *refusing(CONTAINED),
        options=["--sandbox-min", "landlock"],
        environment=environment | {"TMPDIR": TEMPORARY},
    )
    assert tier_of(done) == "landlock"


@linux
@pytest.mark.parametrize("calls", [[], NO_LANDLOCK], ids=["landlock", "uid+seccomp"])
def test_a_container_with_root(works, calls):
    works("bubblewrap", "landlock", "uid+seccomp")
    added = [word for name in BECOMING_ANOTHER for word in ("--cap-add", f"CAP_{name}")]
    before = ["bwrap", *container(*added)]
    done = graded(
        *before,
        *refusing(CONTAINED, calls),
        options=["--sandbox-min", "uid+seccomp"],
        environment={"TMPDIR": TEMPORARY},
    )
    assert tier_of(done) == ("uid+seccomp" if calls else "landlock")

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


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap plays the bare machine")
def test_no_shared_memory_and_a_home_that_cannot_be_written(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    bare = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", str(home), str(home)]
    bare += ["--tmpfs", "/dev/shm", "--remount-ro", "/dev/shm"]
    if subprocess.run([*bare, "true"], capture_output=True).returncode != 0:
        pytest.skip("no namespaces here")
    command = [sys.executable, "-m", "grader", "grade", "solution", "--only", "update_target"]
    done = subprocess.run(
        [*bare, *command, "--json", "-"],
        cwd=ROOT,
        env=os.environ | {"HOME": str(home)},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["score"] == 10
    assert report["environment"]["sandbox"] in ("bubblewrap", "landlock", "plain")

"""Submissions on disk and in archives, and what can be seen of processes."""

import io
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
USER = 54321
ORDINARY = (f"--reuid={USER}", f"--regid={USER}", "--clear-groups")

THREE = {
    "q_network.py": b"class QNetwork: ...\n",
    "replay_buffer.py": b"class ReplayBuffer: ...\n",
    "dqn_agent.py": b"class DQNAgent: ...\n",
}


def write_folder(root, files):
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def write_zip(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def write_tar(path, files):
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


@pytest.fixture
def three():
    """The contents of a complete submission."""
    return dict(THREE)


@pytest.fixture(params=["folder", "zip", "tar", "tar.gz"])
def pack(request, tmp_path):
    """`pack(files)` writes them as a folder or as an archive, and gives the path."""
    path = tmp_path / "mine" if request.param == "folder" else tmp_path / f"mine.{request.param}"
    write = {"folder": write_folder, "zip": write_zip}.get(request.param, write_tar)

    def pack(files):
        if write is write_folder:
            path.mkdir()
        return write(path, files)

    return pack


@pytest.fixture
def pack_zip(tmp_path):
    """`pack_zip(files)` writes a zip archive and gives its path."""
    return lambda files: write_zip(tmp_path / "mine.zip", files)


@pytest.fixture
def pack_tar(tmp_path):
    """`pack_tar(files)` writes a compressed tar archive and gives its path."""
    return lambda files: write_tar(tmp_path / "mine.tar.gz", files)


@pytest.fixture
def pack_folder(tmp_path):
    """`pack_folder(files)` writes a folder and gives its path."""

    def pack(files):
        root = tmp_path / "mine"
        root.mkdir(exist_ok=True)
        return write_folder(root, files)

    return pack


@pytest.fixture
def living():
    """`living(word)` gives the ids of running processes with the word in their command line."""

    def living(word):
        found = set()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                command = (entry / "cmdline").read_bytes().decode(errors="replace")
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if word in command and state not in "ZX" and int(entry.name) != os.getpid():
                found.add(int(entry.name))
        return found

    return living


def led_to_python():
    """Options of `bwrap` that lead an ordinary user past the folders above Python's."""
    home = str(Path.home())
    shown = {sys.base_prefix, sys.prefix, str(ROOT)}
    inside = sorted(path for path in shown if path.startswith(home + "/"))
    if not inside:
        return []
    words = ["--perms", "0755", "--tmpfs", home]
    for path in inside:
        ways = [str(way) for way in Path(path).parents if str(way).startswith(home + "/")]
        for way in reversed(ways):
            words += ["--perms", "0755", "--dir", way]
        words += ["--ro-bind", path, path]
    return words


@pytest.fixture
def as_user():
    """`as_user(mounts, rights)` gives what stands before a command, and the environment to use.

    The command is then run by another user where these mounts of `bwrap` have been made, with the
    capabilities that `setpriv` is told to leave.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("another user is for root to give")
    if shutil.which("bwrap") is None or shutil.which("setpriv") is None:
        pytest.skip("needs bwrap and setpriv")

    def as_user(mounts=("--dev-bind", "/", "/"), *rights):
        command = ["bwrap", *mounts, *led_to_python(), "--", "setpriv", *rights]
        environment = {"HOME": "/nonexistent", "PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
        environment |= {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", "TMPDIR": "/tmp"}
        tried = subprocess.run(
            [*command, sys.executable, "-c", "import grader.cli"],
            env=environment,
            cwd="/",
            capture_output=True,
        )
        if tried.returncode != 0:
            pytest.skip("no way past the folders above Python")
        return command, environment

    return as_user


@pytest.fixture
def as_ordinary_user(as_user):
    """What stands before a command that an ordinary user is to run, and the environment to use."""
    return as_user(("--dev-bind", "/", "/"), *ORDINARY)

"""Submissions on disk and in archives, and what can be seen of processes."""

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

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

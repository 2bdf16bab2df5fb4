"""What a submission leaves is removed, however deep, wide or closed it is; nothing else is."""

import os
import sys
import time
from pathlib import Path

import pytest

from grader.sandbox import trees
from grader.sandbox.interface import SandboxFault
from grader.sandbox.stage import Stage
from grader.sandbox.trees import empty_folder, measured, open_folder, remove_tree

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs folders by descriptor")
NAME = "d" * 50
USER = 54321


def dig(folder, depth, bottom=lambda: None):
    """Make folders in one another, and something in the last of them."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        for _ in range(depth):
            os.mkdir(NAME)
            os.chdir(NAME)
        bottom()
    finally:
        os.chdir(before)


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "tree").mkdir()
    yield tmp_path / "tree"
    if (tmp_path / "tree").exists():
        remove_tree(tmp_path / "tree")


def test_deeper_than_any_path_or_stack(tree):
    dig(tree, 3000, lambda: Path("file").write_text("at the bottom"))
    remove_tree(tree)
    assert not tree.exists()


def test_many_folders_take_no_time_to_speak_of(tree):
    for number in range(2000):
        (tree / str(number) / "a" / "b").mkdir(parents=True)
    begun = time.process_time()
    remove_tree(tree)
    assert not tree.exists()
    assert time.process_time() - begun < 5


def test_names_that_are_no_text(tree):
    for name in (b"\xff\xfe", b"\n", b"\x1b[2J", b" ", b"-rf", b"x" * 255):
        os.mkdir(os.fsencode(tree) + b"/" + name)
        Path(os.fsdecode(os.fsencode(tree) + b"/" + name), "file").touch()
    os.mkfifo(tree / "fifo")
    remove_tree(tree)
    assert not tree.exists()


def test_links_are_removed_and_not_followed(tree, tmp_path):
    theirs = tmp_path / "theirs"
    (theirs / "deep").mkdir(parents=True)
    (theirs / "file").write_text("precious")
    (tree / "a" / "b").mkdir(parents=True)
    for where in (tree, tree / "a", tree / "a" / "b"):
        (where / "link").symlink_to(theirs)
        (where / "second").hardlink_to(theirs / "file")
    mode = theirs.stat().st_mode
    remove_tree(tree)
    assert not tree.exists()
    assert (theirs / "file").read_text() == "precious"
    assert (theirs / "deep").is_dir()
    assert theirs.stat().st_mode == mode


def test_a_link_in_its_place_is_not_followed(tree, tmp_path):
    (tmp_path / "link").symlink_to(tree)
    (tree / "file").touch()
    with pytest.raises(OSError, match=r".+"):
        empty_folder(tmp_path / "link")
    remove_tree(tmp_path / "link")
    assert (tree / "file").exists()


def test_what_is_not_there_is_removed_already(tmp_path):
    remove_tree(tmp_path / "nowhere")


def test_what_cannot_be_removed_is_left(tree, monkeypatch):
    (tree / "kept" / "a").mkdir(parents=True)
    (tree / "gone" / "b").mkdir(parents=True)
    remove = os.rmdir

    def refuse(path, **more):
        if path == "kept":
            raise PermissionError
        remove(path, **more)

    monkeypatch.setattr(os, "rmdir", refuse)
    empty_folder(tree)
    monkeypatch.undo()
    assert [path.name for path in tree.iterdir()] == ["kept"]


def as_owner(folder, work):
    """Whether `work()` returns true in this folder, for its owner: whom modes keep out."""
    before = os.getcwd()
    os.chdir(folder)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(USER, USER, USER)
                os.setresuid(USER, USER, USER)
            status = 0 if work() else 1
        finally:
            os._exit(status)
    os.chdir(before)
    return os.waitpid(pid, 0)[1] == 0


@pytest.fixture
def closed(tree):
    """Folders with files, of every mode that keeps their owner out in some way."""
    for mode in (0o000, 0o100, 0o200, 0o300, 0o400, 0o500, 0o600):
        folder = tree / oct(mode) / "in"
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(b"x" * 50_000)
        (folder / "deeper").mkdir()
        for path in (folder / "deeper", folder, folder.parent):
            path.chmod(mode)
    if os.geteuid() == 0:
        for folder, folders, files in os.walk(tree):
            for path in (folder, *(os.path.join(folder, name) for name in folders + files)):
                os.chown(path, USER, USER)
    return tree


@pytest.mark.parametrize("top", [0o700, 0o500, 0o100], ids=oct)
def test_closed_to_their_owner(closed, top):
    closed.chmod(top)

    def emptied():
        empty_folder(Path())
        return os.listdir() == []

    assert as_owner(closed, emptied)


def test_what_is_closed_is_measured(closed):
    assert as_owner(closed, lambda: sum(measured(".", 10)) > 7 * 50_000)


def test_what_is_too_deep_is_said_to_be(tree):
    dig(tree, 5)
    assert None not in list(measured(str(tree), 5))
    assert list(measured(str(tree), 4))[-1] is None


def test_folders_are_opened_without_following_links(tree, tmp_path):
    (tmp_path / "link").symlink_to(tree)
    with pytest.raises(OSError, match=r".+"), open_folder(str(tmp_path / "link")):
        pass


def test_without_descriptors_of_folders(tree, monkeypatch):
    """As on Windows."""
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "a" / "b" / "file").touch()
    (tree / "file").touch()
    monkeypatch.setattr(trees, "_BY_DESCRIPTOR", False)
    remove_tree(tree)
    assert not tree.exists()


@pytest.mark.parametrize("folder", ["submission", "scratch"])
def test_a_working_folder_exchanged_for_a_link_is_a_fault_of_the_machine(tmp_path, folder):
    (tmp_path / "file").write_text("precious")
    stage = Stage({"q_network.py": b"old"})
    remove_tree(getattr(stage, folder))
    getattr(stage, folder).symlink_to(tmp_path)
    with pytest.raises(SandboxFault, match="the submission cannot be copied to"):
        stage.fill({"q_network.py": b"new"})
    stage.remove()
    assert not stage.root.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_working_folder_with_a_deep_tree_is_removed():
    stage = Stage({})
    dig(stage.scratch, 2000)
    stage.fill({"q_network.py": b""})
    assert list(stage.scratch.iterdir()) == []
    dig(stage.scratch, 2000)
    stage.remove()
    assert not stage.root.exists()

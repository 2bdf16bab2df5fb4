"""One prepared host for several submissions: each finds its own files and nothing of the others."""

import json
import os
import time
from pathlib import Path

import pytest

from grader.client import Worker
from grader.protocol.messages import Load, Loaded
from grader.sandbox.hosts import ForkHost, can_fork
from grader.sandbox.plain import Plain
from grader.sandbox.stage import Stage

LOOK = "import json, os, sys\nraise LookupError(json.dumps({}))\n"


@pytest.fixture
def stage():
    """A working folder with two files staged."""
    stage = Stage({"q_network.py": b"old", "dqn_agent.py": b"old"})
    yield stage
    stage.remove()


@pytest.fixture
def outside(tmp_path):
    """A folder of somebody else's, with a file and a folder in it."""
    (tmp_path / "theirs" / "deep").mkdir(parents=True)
    (tmp_path / "theirs" / "file").write_text("precious")
    (tmp_path / "theirs" / "deep" / "file").write_text("precious")
    return tmp_path / "theirs"


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_new_files_take_the_place_of_the_old(stage):
    stage.fill({"q_network.py": b"new", "replay_buffer.py": b"more"})
    assert contents(stage.submission) == {"q_network.py": b"new", "replay_buffer.py": b"more"}
    stage.fill({})
    assert contents(stage.submission) == {}


LEFT = {
    "a file": lambda folder, out: (folder / "left").write_text("x"),
    "a hidden file": lambda folder, out: (folder / ".left").write_text("x"),
    "a folder": lambda folder, out: (folder / "left").mkdir(),
    "a tree": lambda folder, out: (folder / "left" / "a" / "b").mkdir(parents=True),
    "a folder by a staged name": lambda folder, out: (folder / "replay_buffer.py").mkdir(),
    "a link to a file": lambda folder, out: (folder / "left").symlink_to(out / "file"),
    "a link to a folder": lambda folder, out: (folder / "left").symlink_to(out),
    "a link to nothing": lambda folder, out: (folder / "left").symlink_to(out / "nowhere"),
    "a link by a staged name": lambda folder, out: (folder / "replay_buffer.py").symlink_to(
        out / "file"
    ),
    "a link to itself": lambda folder, out: (folder / "left").symlink_to(folder / "left"),
    "a second name": lambda folder, out: os.link(out / "file", folder / "replay_buffer.py"),
    "a pipe": lambda folder, out: os.mkfifo(folder / "left"),
}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="makes links and pipes")
@pytest.mark.parametrize("leave", LEFT.values(), ids=LEFT)
@pytest.mark.parametrize("where", ["submission", "scratch"])
def test_what_was_left_is_gone_and_what_it_pointed_to_is_not(stage, outside, where, leave):
    leave(getattr(stage, where), outside)
    stage.fill({"replay_buffer.py": b"new"})
    assert contents(stage.submission) == {"replay_buffer.py": b"new"}
    assert contents(stage.scratch) == {}
    assert (outside / "file").read_text() == "precious"
    assert (outside / "deep" / "file").read_text() == "precious"


def test_a_tree_with_links_in_it_is_removed_without_following_them(stage, outside):
    tree = stage.scratch / "tree" / "deep"
    tree.mkdir(parents=True)
    (tree / "theirs").symlink_to(outside)
    (tree / "file").symlink_to(outside / "file")
    stage.fill({})
    assert contents(stage.scratch) == {}
    assert sorted(path.name for path in outside.iterdir()) == ["deep", "file"]


# --- in processes ---


@pytest.fixture(scope="module")
def host():
    """One prepared host for all submissions here."""
    if not can_fork():
        pytest.skip("no fork here")
    host = ForkHost({}, Plain())
    yield host
    host.close()


def asked(host, module="q_network"):
    """What a module of the submission says at import, in a fresh process."""
    loaded = Worker(host).ask(Load(module=module, siblings={}), Loaded)
    return loaded.raised.message if loaded.raised is not None else loaded.names


def seen(host, expression, **files):
    """Serve these files and one that says what it sees."""
    texts = {f"{name}.py": text.encode() for name, text in files.items()}
    host.serve({"q_network.py": LOOK.format(expression).encode(), **texts})
    return json.loads(asked(host))


def test_the_next_process_finds_the_new_files_only(host):
    host.serve({"q_network.py": b"class First: ...\n", "dqn_agent.py": b"import q_network\n"})
    assert asked(host) == ["First"]
    host.serve({"q_network.py": b"class Second: ...\n"})
    assert asked(host) == ["Second"]
    # A file that was there before is missing now.
    assert asked(host, "dqn_agent") == "No module named 'dqn_agent'"
    listed = "sorted(os.listdir(os.path.dirname(__file__)))"
    assert seen(host, listed, replay_buffer="") == ["q_network.py", "replay_buffer.py"]


def test_submissions_share_the_parent_and_no_process(host):
    first = seen(host, "[os.getpid(), os.getppid()]")
    second = seen(host, "[os.getpid(), os.getppid()]")
    assert first[0] != second[0]
    assert first[1] == second[1]


def test_the_process_before_is_ended_first(host):
    pid = seen(host, "os.getpid()")
    host.serve({})
    end = time.monotonic() + 5
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    assert not alive(pid)


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_nothing_that_a_submission_wrote_is_found_by_the_next(host, outside):
    seen(
        host,
        "[open('note', 'w').write('x'), os.mkdir('folder'), os.symlink("
        f"{str(outside)!r}, 'link'), open(os.path.dirname(__file__) + '/json.py', 'w').write('x')]"
        "[:1]",
    )
    assert seen(host, "os.listdir()") == []
    assert seen(host, "os.listdir(os.path.dirname(__file__))") == ["q_network.py"]
    assert (outside / "file").read_text() == "precious"


def test_what_a_submission_changes_in_its_process_is_gone(host):
    seen(host, "[os.environ.update(MINE='x'), setattr(sys, 'mine', 1), os.chdir('/')][:0]")
    assert seen(host, "[os.environ.get('MINE'), hasattr(sys, 'mine')]") == [None, False]
    assert seen(host, "os.path.basename(os.getcwd())") == "scratch"


def test_the_folder_stays_the_same_and_goes_with_the_host():
    if not can_fork():
        pytest.skip("no fork here")
    host = ForkHost({"q_network.py": b""}, Plain())
    root = host._stage.root
    host.serve({"dqn_agent.py": b""})
    assert host._stage.root == root
    host.close()
    assert not root.exists()

"""Every right that Landlock takes away is missed: with it gone the deed succeeds, else not."""

import fcntl
import os
import socket
import stat
import subprocess
import sys

import pytest

from grader.confine import landlock
from grader.confine.box import Box
from grader.confine.enter import enter

ABI = landlock.kernel_abi() if sys.platform == "linux" else 0
pytestmark = pytest.mark.skipif(ABI == 0, reason="no Landlock in this kernel")
FIONREAD = 0x541B


@pytest.fixture
def places(tmp_path):
    """A folder outside with something to do anything to, and a scratch folder."""
    outside = tmp_path / "outside"
    for folder in (outside / "full", outside / "empty", tmp_path / "scratch"):
        folder.mkdir(parents=True)
    for name in ("file", "full/file"):
        (outside / name).write_text("precious")
    (outside / "program").write_text("#!/bin/sh\n")
    (outside / "program").chmod(0o755)
    return outside


def listening(family, address):
    """A server of the judge's."""
    server = socket.socket(family, socket.SOCK_STREAM)
    server.bind(address)
    server.listen()
    return server


def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.connect(address)


def execute(path):
    # The interpreter that the script names is outside as well.
    subprocess.run([path], check=True)


def node(kind):
    return lambda out: os.mknod(out / "new", kind | 0o600, os.makedev(1, 3))


def bind_port(_out):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))


#: What each right is good for. `truncate` is a right of its own, beside that to write.
DEEDS = {
    "execute": lambda out: execute(out / "program"),
    "write-file": lambda out: os.close(os.open(out / "file", os.O_WRONLY)),
    "read-file": lambda out: os.close(os.open(out / "file", os.O_RDONLY)),
    "read-dir": lambda out: os.listdir(out) and None,
    "remove-dir": lambda out: os.rmdir(out / "empty"),
    "remove-file": lambda out: os.unlink(out / "file"),
    "make-char": node(stat.S_IFCHR),
    "make-dir": lambda out: os.mkdir(out / "new"),
    "make-reg": node(stat.S_IFREG),
    "make-sock": node(stat.S_IFSOCK),
    "make-fifo": lambda out: os.mkfifo(out / "new"),
    "make-block": node(stat.S_IFBLK),
    "make-sym": lambda out: os.symlink("file", out / "new"),
    "truncate": lambda out: os.truncate(out / "file", 0),
    "ioctl-dev": lambda out: fcntl.ioctl(os.open("/dev/zero", os.O_RDONLY), FIONREAD, b"    "),
    "bind-tcp": bind_port,
}
#: `refer` gives a right back rather than take one: see the test of its own. The last two need
#: somebody outside.
APART = {"refer", "connect-tcp", "abstract-sockets", "signals-outside"}


def tried(forked, deed, rights, readable=(), devices=()):
    def work():
        enter(Box(landlock=rights, readable=readable, devices=devices))
        deed()

    return forked(work)


def test_every_right_has_a_deed():
    assert set(DEEDS) | APART == set(landlock.ALL)


@pytest.mark.parametrize("right", DEEDS)
def test_a_right_that_is_not_taken_away_is_there(forked, places, right):
    if next(r.abi for r in landlock.RIGHTS if r.name == right) > ABI:
        pytest.skip("this kernel does not know it yet")
    if right in ("make-block", "make-char") and os.geteuid() != 0:
        pytest.skip("only root makes devices")
    devices = ("/dev/zero",) if right == "ioctl-dev" else ()
    readable = ()
    left = tuple(name for name in landlock.ALL if name != right)
    if right == "execute":  # the program is read before it is run, and started by another
        left = tuple(name for name in left if name not in ("read-file", "write-file"))
    done, told = tried(forked, lambda: DEEDS[right](places), landlock.ALL, readable, devices)
    assert not done
    assert "Errno 13" in told or "Errno 1]" in told, told
    done, told = tried(forked, lambda: DEEDS[right](places), left, readable, devices)
    # A device that knows no such request says so itself.
    assert done or (right == "ioctl-dev" and "Errno 25" in told), told


def test_a_file_stays_in_its_folder_with_refer_and_without(forked, places):
    """Where the kernel is not asked about `refer`, it forbids moving altogether."""

    def move():
        os.rename(places / "full" / "file", places / "empty" / "file")

    for rights in (landlock.ALL, tuple(name for name in landlock.ALL if name != "refer")):
        done, told = tried(forked, move, rights)
        assert not done
        assert "Errno 18" in told or "Errno 13" in told, told
    assert (places / "full" / "file").exists()


@pytest.mark.parametrize("right", ["connect-tcp", "abstract-sockets"])
def test_services_outside_are_out_of_reach(forked, right):
    if next(r.abi for r in landlock.RIGHTS if r.name == right) > ABI:
        pytest.skip("this kernel does not know it yet")
    tcp = right == "connect-tcp"
    family = socket.AF_INET if tcp else socket.AF_UNIX
    with listening(family, ("127.0.0.1", 0) if tcp else f"\0dqn-{os.getpid()}") as server:
        address = server.getsockname()
        done, told = tried(forked, lambda: connect(family, address), landlock.ALL)
        assert not done
        assert "PermissionError" in told
        left = tuple(name for name in landlock.ALL if name != right)
        assert tried(forked, lambda: connect(family, address), left)[0]


@pytest.mark.skipif(ABI < 6, reason="this kernel does not know it yet")
def test_processes_outside_are_out_of_reach(forked):
    judge = os.getpid()
    done, told = tried(forked, lambda: os.kill(judge, 0), landlock.ALL)
    assert not done
    assert "PermissionError" in told
    left = tuple(name for name in landlock.ALL if name != "signals-outside")
    assert tried(forked, lambda: os.kill(judge, 0), left)[0]


def test_what_is_allowed_is_allowed(forked, places):
    scratch = places.parent / "scratch"

    def work():
        enter(
            Box(
                landlock=landlock.ALL,
                readable=(str(places / "full"), str(places / "program"), "/no/such/place"),
                devices=("/dev/null",),
                scratch=str(scratch),
            )
        )
        (scratch / "a").mkdir()
        (scratch / "b").write_text("mine")
        (scratch / "b").rename(scratch / "a" / "b")
        (scratch / "a" / "b").unlink()
        (scratch / "a").rmdir()
        with open("/dev/null", "w") as null:
            null.write("x")
        read = (places / "full" / "file").read_text() + (places / "program").read_text()[:2]
        return read, os.listdir(places / "full")

    assert forked(work) == (True, ["precious#!", ["file"]])


@pytest.mark.parametrize("abi", [1, 2])
def test_old_kernels_let_files_be_emptied_and_the_filter_does_not(forked, places, abi):
    """Before version 3, `truncate` is not Landlock's to forbid: the rule of that name is there."""
    rights = tuple(right.name for right in landlock.RIGHTS if right.abi <= abi)
    file = str(places / "file")
    ways = (
        lambda: os.truncate(file, 0),
        lambda: os.open(file, os.O_RDONLY | os.O_TRUNC),
        lambda: os.open(file, 3 | os.O_TRUNC),
    )
    for way in ways:

        def work(walls=(), way=way):
            enter(Box(landlock=rights, readable=(str(places),), rules=walls))
            way()

        (places / "file").write_text("precious")
        done, told = forked(lambda work=work: work(("truncation",)))
        assert not done, told
        assert (places / "file").read_text() == "precious"
        assert forked(work)[0]
        assert (places / "file").read_text() == ""


def test_descriptors_of_the_rules_are_closed(forked, places):
    def work():
        before = len(os.listdir("/proc/self/fd"))
        enter(Box(landlock=("make-dir",), readable=("/usr",), scratch=str(places)))
        return len(os.listdir("/proc/self/fd")) - before

    assert forked(work) == (True, 0)

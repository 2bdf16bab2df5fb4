"""A scratch folder on the machine's disk is measured, and somebody is told when it is too full."""

import shutil
import threading
from collections import namedtuple

import pytest

from grader.sandbox import watch
from grader.sandbox.watch import Watch, used_bytes

Usage = namedtuple("Usage", "total used free")
MOST = 1024 * 1024


def test_what_is_used_is_what_is_on_disk(tmp_path):
    assert used_bytes(tmp_path, MOST) == 0
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "file").write_bytes(b"x" * 100_000)
    assert 100_000 <= used_bytes(tmp_path, MOST) <= 150_000


def test_a_sparse_file_uses_nothing_and_a_link_is_not_followed(tmp_path):
    (tmp_path / "scratch").mkdir()
    with (tmp_path / "scratch" / "sparse").open("wb") as file:
        file.truncate(10 * MOST)
    (tmp_path / "large").write_bytes(b"x" * MOST)
    (tmp_path / "scratch" / "link").symlink_to(tmp_path / "large")
    (tmp_path / "scratch" / "loop").symlink_to(tmp_path)
    assert used_bytes(tmp_path / "scratch", 10 * MOST) < 100_000


def test_too_many_entries_are_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(watch, "MAX_ENTRIES", 5)
    for number in range(7):
        (tmp_path / str(number)).touch()
    assert used_bytes(tmp_path, MOST) > MOST


def test_folders_nested_too_deep_are_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(watch, "MAX_DEPTH", 3)
    (tmp_path / "1" / "2" / "3").mkdir(parents=True)
    assert used_bytes(tmp_path, MOST) < MOST
    (tmp_path / "1" / "2" / "3" / "4").mkdir()
    assert used_bytes(tmp_path, MOST) > MOST


def test_a_folder_that_is_gone_uses_nothing(tmp_path):
    assert used_bytes(tmp_path / "nowhere", MOST) == 0


@pytest.fixture
def watching(tmp_path):
    """A running watch, and what it tells."""
    overfull, disk_full = threading.Event(), threading.Event()
    watch = Watch(tmp_path, MOST, overfull.set, disk_full.set)
    yield overfull, disk_full
    watch.stop()


def test_too_full(watching, tmp_path):
    overfull, disk_full = watching
    (tmp_path / "small").write_bytes(b"x" * 1000)
    assert not overfull.wait(0.3)
    (tmp_path / "large").write_bytes(b"x" * (MOST + 1))
    assert overfull.wait(20)
    assert not disk_full.is_set()


def test_a_full_disk(watching, monkeypatch):
    _overfull, disk_full = watching
    assert not disk_full.wait(0.3)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10, 9, 1))
    assert disk_full.wait(20)


def test_it_stops(tmp_path):
    called = threading.Event()
    watch = Watch(tmp_path, 0, called.set, called.set)
    watch.stop()
    (tmp_path / "file").write_bytes(b"x")
    assert not called.wait(0.3)

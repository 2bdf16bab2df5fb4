"""The same submission and key: the same weights, curve and verdict, however busy the machine."""

import subprocess
import sys

import pytest

SETTINGS = {"max_updates": 75, "attempts": 1}


@pytest.fixture
def busy():
    """Two processes that do nothing but compute."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    yield
    for process in processes:
        process.kill()
        process.wait()


def test_byte_for_byte(train, patched, request):
    first, second = train(patched({}), SETTINGS), train(patched({}), SETTINGS)
    request.getfixturevalue("busy")
    beside = train(patched({}), SETTINGS)
    for other in (second, beside):
        assert other.replies == first.replies
        assert other.solve == first.solve
        assert other.check == first.check
    assert len(first.solve.attempts[0].curve) == 3


def test_another_key_is_another_run(train, patched):
    one, other = (train(patched({}), SETTINGS, key=key) for key in (b"one", b"other"))
    assert one.replies != other.replies
    assert one.solve.attempts[0].curve != other.solve.attempts[0].curve

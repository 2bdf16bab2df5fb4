"""The terminal flags are all that the agent is told of failing: without them nothing is learned.

`python -m tests.bench --only d` shows whole runs; here is a beginning, in which the solution has
long begun to balance.
"""

import pytest

from tests.bench.control import random_flags

BEGINNING = {"max_updates": 400, "attempts": 1}


@pytest.mark.parametrize("key", [b"one", b"two"])
def test_random_flags_teach_nothing(train, patched, key):
    with random_flags():
        grading = train(patched({}), BEGINNING, key=key)
    assert grading.check.score == 0
    assert grading.solve.audit.status == "passed"
    assert best(grading) < 60


def test_true_flags_teach(train, patched):
    assert best(train(patched({}), BEGINNING, key=b"one")) > 90


def best(grading):
    return max(mean for _, mean in grading.solve.attempts[0].curve)

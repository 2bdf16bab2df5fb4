"""What is kept from one submission to the next: of one key, and without any effect on verdicts."""

import pytest

from grader.checks.feedback import Failure
from grader.keys import PUBLIC_KEY
from grader.oracle.dqn import Learner
from grader.oracle.wrong_loss import Huber
from grader.oracle.wrong_step import StepsTwice
from grader.oracle.wrong_target import NoTerminalMask
from grader.recall import Memory, afresh


def test_what_was_made_once_is_recalled():
    memory = Memory()
    assert memory.of(b"one")("name", lambda: [1]) == [1]
    assert memory.of(b"one")("name", lambda: [2]) == [1]
    assert memory.of(b"one")("another", lambda: [3]) == [3]


def test_keys_do_not_share_and_only_the_last_is_kept():
    memory = Memory()
    first = memory.of(b"one")
    assert first("name", lambda: 1) == 1
    assert memory.of(b"two")("name", lambda: 2) == 2
    assert first("name", lambda: 3) == 1  # a grading under way goes on with what is its own
    assert memory.of(b"one")("name", lambda: 4) == 4


def test_desks_do_not_share():
    assert Memory().of(b"one")("name", lambda: 1) == 1
    assert Memory().of(b"one")("name", lambda: 2) == 2


def test_without_memory_everything_is_made_afresh():
    assert [afresh("name", lambda n=n: n) for n in range(3)] == [0, 1, 2]


@pytest.fixture
def told(learner_worker, runner):
    """`told(kind, recall)` is all that the checks of `update` say of it, and what it was asked."""

    def tell(kind, recall, key=PUBLIC_KEY):
        worker = learner_worker(kind)
        asked = []
        ask = worker.ask

        def noted(request, *args, **more):
            asked.append(request)
            return ask(request, *args, **more)

        worker.ask = noted
        checks = runner(worker, "update", key, recall)
        outcomes = checks.run_all()
        return asked, {
            check: (type(ended), vars(ended) if isinstance(ended, Failure) else str(ended))
            for check, ended in outcomes.items()
        }

    return tell


@pytest.mark.parametrize("kind", [Learner, NoTerminalMask, Huber, StepsTwice])
def test_a_submission_is_asked_and_told_the_same_after_others(kind, told):
    recall = Memory().of(PUBLIC_KEY)
    told(Learner, recall)
    told(NoTerminalMask, recall)
    assert told(kind, recall) == told(kind, afresh)


def test_another_key_asks_what_it_would_ask_alone(told):
    memory = Memory()
    told(Learner, memory.of(PUBLIC_KEY))
    other = b"another key"
    assert told(Learner, memory.of(other), other) == told(Learner, afresh, other)
    assert told(Learner, afresh, other)[0] != told(Learner, memory.of(PUBLIC_KEY))[0]

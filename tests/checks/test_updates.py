"""Counterexamples of `update`: searched for once, and never at another part's expense."""

import pytest

from grader.checks import diagnosis
from grader.checks.feedback import Blocked, Failure
from grader.checks.updates import TRIED
from grader.client import WorkerLost
from grader.oracle.catalogue import pairs
from grader.oracle.dqn import Learner
from grader.oracle.wrong_given import TargetIsQNet
from grader.oracle.wrong_loss import Huber
from grader.oracle.wrong_step import NoStep, NoZeroGrad
from grader.oracle.wrong_target import NoTerminalMask


@pytest.fixture(autouse=True)
def no_pairs(monkeypatch):
    """There is one misconception at a time here, but for those given as a pair."""
    monkeypatch.setattr(diagnosis, "pairs", lambda: iter(()))


@pytest.fixture
def updates(learner_worker, runner):
    """`updates(kind)` asks a learner, and has been told its diagnosis."""

    def make(kind, check="update.loss"):
        view = runner(learner_worker(kind), "update").view("updates")
        view.part.enter(check)
        assert view.diagnosis is not None
        return view

    return make


def asked(view):
    """How many scenarios were played so far."""
    return view.part._worker.asked


# --- counterexamples ---


def test_the_smallest_update_is_shown(updates):
    lines = updates(NoTerminalMask).counterexample.split("\n")
    # One state, one action, one terminal transition; a target of 0.
    assert "agent = DQNAgent(1, 1, lr=0.01, gamma=0.9)" in lines
    (push,) = [line for line in lines if line.startswith("agent.buffer.push")]
    assert push == "agent.buffer.push(s0, 0, 0.0, s0, 1.0)"
    assert "agent.target_net.weight.data = torch.tensor([[0.0]])" not in lines
    assert "print(agent.update(1))" in lines


def test_what_takes_two_calls_is_shown_in_two(updates):
    assert "print([agent.update(1) for _ in range(2)])" in updates(NoZeroGrad).counterexample


def test_it_is_searched_for_once_and_comes_with_every_failure(updates):
    view = updates(Huber)
    before = asked(view)
    lines = view.counterexample
    found = asked(view)
    assert lines is not None
    assert found > before
    with pytest.raises(Failure) as caught:
        view.fail("It is wrong.", "It should be right.")
    failure = caught.value
    assert (failure.code, failure.reproduce) == ("UPDATE_HUBER", lines)
    assert (failure.observed, failure.why) == ("It is wrong.", "It should be right.")
    assert asked(view) == found


def test_not_finding_one_is_remembered(updates):
    view = updates(Learner)
    before = asked(view)
    assert view.counterexample is None
    searched = asked(view)
    assert before < searched <= before + TRIED
    assert view.counterexample is None
    assert asked(view) == searched


def test_two_faults_have_none(updates, monkeypatch):
    pair = next(p for p in pairs() if p.code == "UPDATE_NO_TERMINAL_MASK+UPDATE_LOSS_SUM")
    monkeypatch.setattr(diagnosis, "pairs", lambda: iter([pair]))
    view = updates(pair)
    assert len(view.diagnosis.codes) == 2
    before = asked(view)
    assert view.counterexample is None
    assert asked(view) == before


def test_an_unknown_fault_has_one(updates):
    class Odd(Learner):
        def discount(self):
            return self.gamma**3

    view = updates(Odd)
    assert view.diagnosis.codes == []
    assert "gamma=0.9)" in view.counterexample


@pytest.mark.parametrize("status", ["crashed", "timed_out"])
def test_a_worker_lost_in_the_search_is_forgiven(updates, status):
    view = updates(Huber)
    view.part._worker.lose = [status]
    assert view.counterexample is None
    before = asked(view)
    assert view.counterexample is None
    assert asked(view) == before
    # One loss more does not end the part; a second one does.
    view.part._worker.lose = [status, status]
    for check in ("update.max", "update.terminal"):
        view.part.enter(check)
        with pytest.raises(WorkerLost):
            view.diagnosis and view.agents.play(diagnosis.battery(b"key")[0])
    with pytest.raises(Blocked) as caught:
        view.part.enter("update.discount")
    assert caught.value.by == "update.terminal"


def test_an_update_that_raises_is_shown(source_worker, runner, solution):
    source = solution["dqn_agent"].replace(
        "        predictions = self", "        [][int(dones.sum())]\n        predictions = self"
    )
    view = runner(source_worker(dqn_agent=source), "update").view("updates")
    assert "agent.buffer.push(s0, 0, 0.0, s0, 0.0)" in view.counterexample.split("\n")


# --- settling ---


@pytest.mark.parametrize(
    ("kind", "check"),
    [(NoStep, "update.learns"), (TargetIsQNet, "update.target_network")],
)
def test_a_check_settles_what_it_is_there_for(updates, kind, check):
    view = updates(kind, check)
    with pytest.raises(Failure) as caught:
        view.settle("A reason.")
    assert caught.value.observed == f"{view.diagnosis.evidence}, as an update with this fault does."
    assert caught.value.observed.startswith("On a random batch (")
    assert caught.value.why == "A reason."
    assert caught.value.code == kind.code


@pytest.mark.parametrize(
    "kind", [Learner, NoStep, type("Odd", (Learner,), {"discount": lambda s: 0.1})]
)
def test_a_check_does_not_settle_what_others_are_there_for(updates, kind):
    updates(kind, "update.loss").settle("A reason.")

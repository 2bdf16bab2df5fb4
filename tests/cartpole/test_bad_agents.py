"""Agents that go wrong in the run and only there: a clear status, in time, no other points lost."""

import re
import time

import pytest

from grader.cartpole import run as cartpole_run
from grader.grading import Options, grade
from grader.sandbox.intake import Submitted

SHORT = {"max_updates": 50}


def at_update(number, code):
    """Code added to the solution: the run's update with this number and all later ones do this."""
    return f"""
import time

_update = DQNAgent.update
_calls = [0]


def _bad(self, batch_size):
    _calls[0] += batch_size == 128
    if _calls[0] >= {number} and batch_size == 128:
        {code}
    return _update(self, batch_size)


DQNAgent.update = _bad
"""


def choosing(code):
    """Code added to the solution: after 500 actions, this is the next one."""
    return f"""
_select = DQNAgent.select_action
_calls = [0]


def _bad(self, state, epsilon):
    _calls[0] += 1
    return {code} if _calls[0] > 500 else _select(self, state, epsilon)


DQNAgent.select_action = _bad
"""


NOT_FINITE = "the weights of q_net are no longer finite numbers"
AGENTS = {
    "weights become NaN": (
        at_update(7, "self.q_net.output.bias.data[0] = float('nan')"),
        "failed",
        NOT_FINITE,
    ),
    "weights overflow": (
        at_update(7, "self.q_net.output.weight.data.mul_(1e38)"),
        "failed",
        f"{NOT_FINITE}|something else than one update",
    ),
    "the loss is NaN": (
        at_update(7, "_update(self, batch_size); return float('nan')"),
        "failed",
        "update 7 returned nan, and the loss of its batch was",
    ),
    "no loss": (
        at_update(7, "_update(self, batch_size); return None"),
        "failed",
        "update 7 returned None, and the loss of its batch was",
    ),
    "an action out of range": (choosing("2"), "failed", "`select_action` chose 2, expected 0 or 1"),
    "a negative action": (choosing("-1"), "failed", "`select_action` chose -1, expected 0 or 1"),
    "no action": (choosing("None"), "failed", "`select_action` chose None, expected 0 or 1"),
    "words": (choosing("'left'"), "failed", "`select_action` chose None, expected 0 or 1"),
    "one action per row": (
        choosing("self.q_net(torch.zeros(2, 4)).argmax(dim=1)"),
        "failed",
        "`select_action` chose None, expected 0 or 1",
    ),
    "an action without end": (choosing("10**40"), "crashed", "answered with something unusable"),
    "an exception": (
        at_update(9, "raise ValueError('no more')"),
        "failed",
        r"During the training run, `DQNAgent.update\(128\)` raised ValueError: no more",
    ),
    "an exception in select_action": (
        choosing("1 // 0"),
        "failed",
        r"During the training run, `DQNAgent.select_action.* raised ZeroDivisionError",
    ),
    "sys.exit": (
        at_update(9, "raise SystemExit(0)"),
        "failed",
        r"tried to end the program \(SystemExit\)",
    ),
    "os._exit": (
        at_update(9, "import os; os._exit(0)"),
        "crashed",
        "the process ended during the call",
    ),
    "a loop": (at_update(9, "while True: pass"), "timed_out", r"did not end: stopped after 0\."),
    "a sleep": (at_update(9, "time.sleep(60)"), "timed_out", "stopped after 0.6 s"),
    "ever longer calls": (
        at_update(1, "sum(range(20_000 * 2 ** _calls[0]))"),
        "timed_out",
        r"did not end: stopped after 0\.",
    ),
}


@pytest.mark.parametrize(("code", "status", "says"), AGENTS.values(), ids=AGENTS)
@pytest.mark.usefixtures("impatient")
def test_bad_agent(train, patched, code, status, says):
    grading = train(patched({"dqn_agent": code}), SHORT)
    assert (grading.check.status, grading.check.score) == (status, 0)
    assert re.search(says, grading.check.observed), grading.check.observed
    # A fault is no bad luck: there is no second attempt.
    assert len(grading.solve.attempts) == 1
    assert grading.solve.status in (status, "failed")


def test_a_process_that_does_not_let_itself_be_stopped(train, patched, impatient, monkeypatch):
    monkeypatch.setattr("grader.client.GRACE_S", 0.3)
    endless = """while True:
            try:
                while True:
                    pass
            except BaseException:
                pass"""
    begun = time.monotonic()
    grading = train(patched({"dqn_agent": at_update(9, endless)}), SHORT)
    assert grading.check.status == "timed_out"
    assert "no answer within the time limit" in grading.check.observed
    assert time.monotonic() - begun < 10


def test_the_last_guard(train, patched):
    settings = {"wall_s": 0.5, "max_updates": 2_000}
    grading = train(patched({"dqn_agent": at_update(1, "time.sleep(0.05)")}), settings)
    assert grading.check.status == grading.solve.status == "timed_out"
    assert re.search(r"\d+ updates took more than 0.5 s", grading.check.observed)
    assert len(grading.solve.attempts) == 1


def test_bad_luck_has_another_attempt(train, patched):
    grading = train(patched({}), {"max_updates": 6, "attempts": 3})
    assert [attempt.updates for attempt in grading.solve.attempts] == [6, 6, 6]
    assert grading.check.observed.startswith(
        "In attempt 3, the agent was not confirmed within 6 updates"
    )
    assert grading.solve.audit.status == "passed"


def test_a_flood_of_prints_is_cut_and_changes_nothing(train, patched):
    flooding = at_update(1, "print('\\x1b[31m' + 'x' * 20_000)")
    settings = {"max_updates": 25, "attempts": 1}
    flooded = train(patched({"dqn_agent": flooding}), settings)
    plain = train(patched({}), settings)
    assert flooded.replies == plain.replies
    assert 100 < len(flooded.check.output) < 20_000
    assert plain.check.output is None


def test_all_other_points_are_kept(patched, monkeypatch, hosts):
    monkeypatch.setattr(cartpole_run, "STEP_CPU_S", 0.3)
    files = patched({"dqn_agent": at_update(9, "import os; os._exit(0)")})
    report = grade(Submitted(name="bad", files=files, left_out=[]), Options())
    assert {part.id: part.score for part in report.parts} == {
        "q_network": 20,
        "sample": 20,
        "update": 35,
        "update_target": 10,
        "cartpole": 0,
    }
    assert report.solve.status == "crashed"

"""`--schedule KEY=VALUE`, taken strictly."""

import pytest

from grader.cartpole.schedule import Schedule
from grader.study.overrides import overridden, shown
from grader.trials.errors import TrialError


def test_settings_are_read_by_their_kind():
    schedule = overridden(["lr=8e-3", "batch_size=64", "epsilon_end=0", "hopeless_return=0"])
    assert schedule == Schedule(lr=8e-3, batch_size=64, epsilon_end=0.0, hopeless_return=0.0)
    assert isinstance(schedule.batch_size, int)
    assert shown(schedule) == "batch_size=64 lr=0.008 epsilon_end=0.0 hopeless_return=0.0"
    assert overridden([]) == Schedule()
    assert shown(Schedule()) == ""


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (["lr"], "`--schedule lr` is no `KEY=VALUE`"),
        (["speed=3"], "the schedule has no setting `speed`"),
        (["attempts=1"], "the schedule has no setting `attempts`"),
        (["lr=0.1", "lr=0.2"], "`lr` is set twice"),
        (["lr=fast"], "`lr=fast` is not a number"),
        (["lr=nan"], "`lr=nan` is not a number"),
        (["lr=0"], "`lr=0` is out of range"),
        (["gamma=1.01"], "`gamma=1.01` is out of range"),
        (["epsilon_end=-0.1"], "`epsilon_end=-0.1` is out of range"),
        (["hopeless_return=-1"], "`hopeless_return=-1` is out of range"),
        (["batch_size=64.0"], "`batch_size=64.0` is not a whole number"),
        (["environments=0"], "`environments=0` is out of range"),
        (["batch_size=300"], "fewer than one batch of 300"),
        (["learning_starts=10001"], "the buffer holds 10,000 transitions at most"),
        (["max_updates=20"], "20 updates end before the first screening"),
    ],
)
def test_what_cannot_be_meant_is_said(changes, told):
    with pytest.raises(TrialError) as caught:
        overridden(changes)
    assert told in str(caught.value)
    assert caught.value.hint

"""A ReLU of an earlier update, decided the other way, that shows only now."""

import copy

import numpy as np
import pytest

from grader.cartpole.gates import Followed, Gate, Gated
from grader.cartpole.hindsight import REMEMBERED, History, follow_in_hindsight
from grader.oracle.adam import Adam
from grader.oracle.dqn import Batch, Learner
from grader.oracle.models import TwoHiddenLayers
from grader.oracle.wrong_step import NoClip

SHAPES = [(6, 4), (6,), (6, 6), (6,), (2, 6), (2,)]
ROWS = 8
DOUBTFUL = Gate(0, 0, 5, 2)


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture
def batches(rng):
    return [
        Batch(
            states=rng.normal(0, 1, (ROWS, 4)).astype(np.float32),
            actions=rng.integers(0, 2, ROWS),
            rewards=np.ones(ROWS, np.float32),
            next_states=rng.normal(0, 1, (ROWS, 4)).astype(np.float32),
            dones=np.zeros(ROWS, np.float32),
        )
        for _ in range(12)
    ]


@pytest.fixture
def weights(rng, batches):
    """A sum that enters the gate in doubt is 0 within rounding in the first batch."""
    out = [rng.normal(0, 0.7, shape).astype(np.float32) for shape in SHAPES]
    sums = batches[0].states @ out[0].T
    out[1][DOUBTFUL.unit] = 1e-8 - sums[DOUBTFUL.row, DOUBTFUL.unit]
    return out


def learner(weights, kind=Learner):
    return kind(TwoHiddenLayers(), weights, weights, lr=0.01, gamma=0.9)


def distance(one, other):
    return float(np.sqrt(sum(((a - b) ** 2).sum() for a, b in zip(one, other, strict=True))))


def played(weights, batches, gates, kind=Learner):
    """The judge, which goes on from the student's weights; what it remembers; and the student, who
    has set `gates` the other way in the first update."""
    judge, student, history = learner(weights, kind), learner(weights, kind), History()
    for number, batch in enumerate(batches[:-1]):
        student.model = Gated(gates) if number == 0 else TwoHiddenLayers()
        start = copy.deepcopy(judge)
        judge.update(batch)
        judge.q = student.update(batch).q
        history.remember(start, (batch, batch))
    student.model = TwoHiddenLayers()
    return judge, history, student.update(batches[-1]).q


def looked_back(judge, history, batch, seen):
    def error_of(outcome):
        return distance(outcome.q, seen)

    other = copy.deepcopy(judge)
    outcome = other.update(batch)
    own = Followed(other, outcome, error_of(outcome))
    return own, follow_in_hindsight(judge, (batch, batch), history, own, error_of)


@pytest.mark.parametrize("updates", [2, 5, 12])
@pytest.mark.parametrize("kind", [Learner, NoClip])
def test_an_earlier_gate_is_found(weights, batches, updates, kind):
    batches = batches[:updates]
    judge, history, seen = played(weights, batches, (DOUBTFUL,), kind)
    before = [w.copy() for w in judge.q]
    own, found = looked_back(judge, history, batches[-1], seen)
    assert own.error > 1e-4
    assert found.error < own.error / 100
    assert distance(found.outcome.q, seen) == found.error
    assert all(map(np.array_equal, judge.q, before))


def test_what_follows_has_the_other_moments(weights, batches):
    judge, history, seen = played(weights, batches[:5], (DOUBTFUL,))
    _own, found = looked_back(judge, history, batches[4], seen)
    longer, _history, after = played(weights, batches[:6], (DOUBTFUL,))
    assert distance(found.learner.update(batches[5]).q, after) < 1e-5
    assert distance(longer.update(batches[5]).q, after) > 1e-5


def test_nothing_earlier_explains_another_step(weights, batches):
    judge, history, seen = played(weights, batches[:4], ())
    elsewhere = [w + np.float32(0.01) for w in seen]
    own, found = looked_back(judge, history, batches[3], elsewhere)
    assert found is own


def test_without_a_past_the_update_stays(weights, batches):
    _judge, _history, seen = played(weights, batches[:1], (DOUBTFUL,))
    own, found = looked_back(learner(weights), History(), batches[0], seen)
    assert found is own


def test_so_much_is_remembered(weights, batches):
    history = History()
    starts = [learner(weights) for _ in range(REMEMBERED + 3)]
    for start in starts:
        history.remember(start, (batches[0], batches[0]))
    assert [id(past.q) for past in history] == [id(s.q) for s in reversed(starts[3:])]


def test_moments_revised_are_those_of_the_other_gradients(rng):
    def gradients():
        return [rng.normal(0, 1, (3, 2)), rng.normal(0, 1, 3)]

    steps = [gradients() for _ in range(6)]
    for age in (1, 2, 6):
        other = gradients()
        revised, due = Adam(0.1), Adam(0.1)
        one = [np.zeros((3, 2)), np.zeros(3)]
        two = copy.deepcopy(one)
        for number, step in enumerate(steps):
            revised.step(one, step)
            due.step(two, other if number == len(steps) - age else step)
        revised.revise(age, steps[-age], other)
        one = copy.deepcopy(two)
        further = gradients()
        revised.step(one, further)
        due.step(two, further)
        for a, b in zip(one, two, strict=True):
            assert a == pytest.approx(b, rel=1e-12)


def test_second_moments_do_not_fall_below_zero():
    adam = Adam(0.1)
    weights = [np.zeros(1, np.float32)]
    adam.step(weights, [np.full(1, 1e-3, np.float32)])
    adam.revise(1, [np.full(1, 1.1e-3, np.float32)], [np.zeros(1, np.float32)])
    with np.errstate(all="raise"):
        adam.step(weights, [np.ones(1, np.float32)])
    assert np.isfinite(weights[0]).all()

"""Gates set the other way: which are in doubt, what they change, and how they are found."""

import numpy as np
import pytest

from grader.cartpole.gates import BETTER, DOUBT, Gate, Gated, follow_otherwise
from grader.oracle.dqn import Batch, Learner
from grader.oracle.models import TwoHiddenLayers
from grader.oracle.wrong_target import MaxOverBatch

SHAPES = [(6, 4), (6,), (6, 6), (6,), (2, 6), (2,)]
ROWS = 8


@pytest.fixture
def weights():
    rng = np.random.default_rng(1)
    return [rng.normal(0, 0.7, shape).astype(np.float32) for shape in SHAPES]


@pytest.fixture
def batch():
    rng = np.random.default_rng(2)
    return Batch(
        states=rng.normal(0, 1, (ROWS, 4)).astype(np.float32),
        actions=rng.integers(0, 2, ROWS),
        rewards=np.ones(ROWS, np.float32),
        next_states=rng.normal(0, 1, (ROWS, 4)).astype(np.float32),
        dones=np.zeros(ROWS, np.float32),
    )


def at_zero(weights, batch, layer, row, unit):
    """The weights, with the bias of one unit such that its sum is 0 within rounding for one row."""
    changed = [w.copy() for w in weights]
    entering = batch.states
    if layer == 1:
        entering = np.maximum(entering @ changed[0].T + changed[1], 0)
    matrix, bias = changed[2 * layer : 2 * layer + 2]
    bias[unit] = 1e-8 - (entering[row : row + 1] @ matrix.T)[0, unit]
    return changed


def learner(weights):
    return Learner(TwoHiddenLayers(), weights, weights, lr=0.01, gamma=0.9)


def distance(one, other):
    return float(np.sqrt(sum(((a - b) ** 2).sum() for a, b in zip(one, other, strict=True))))


def test_without_doubt_it_is_the_network_itself(weights, batch):
    dq = np.ones((ROWS, 2), np.float32)
    gated = Gated()
    plain = TwoHiddenLayers().backward(weights, batch.states, dq)
    assert all(map(np.array_equal, gated.backward(weights, batch.states, dq), plain))
    assert gated.doubtful == []


@pytest.mark.parametrize("layer", [0, 1])
def test_a_gate_set_the_other_way_by_hand(weights, batch, layer):
    """The gradient of a bias is the sum over the rows whose gate is open."""
    w1, _b1, w2, _b2, w3, _b3 = weights
    dq = np.zeros((ROWS, 2), np.float32)
    dq[3] = (2.0, -1.0)
    plain = TwoHiddenLayers().backward(weights, batch.states, dq)
    for unit in range(6):
        gated = Gated((Gate(0, layer, 3, unit),)).backward(weights, batch.states, dq)
        if layer == 1:
            through = dq[3] @ w3[:, unit]
        else:
            first = np.maximum(batch.states @ w1.T + weights[1], 0)
            second_open = (first @ w2.T + weights[3])[3] > 0
            through = ((dq[3] @ w3) * second_open) @ w2[:, unit]
        was_open = plain[2 * layer + 1][unit] != 0
        assert gated[2 * layer + 1][unit] == pytest.approx(0 if was_open else through, abs=1e-6)


def test_only_the_backward_pass_that_is_named(weights, batch):
    dq = np.ones((ROWS, 2), np.float32)
    plain = TwoHiddenLayers().backward(weights, batch.states, dq)
    gated = Gated((Gate(2, 1, 0, 0),))
    first, second, third = (gated.backward(weights, batch.states, dq) for _ in range(3))
    assert all(map(np.array_equal, first, plain))
    assert all(map(np.array_equal, second, plain))
    assert not all(map(np.array_equal, third, plain))


@pytest.mark.parametrize("layer", [0, 1])
def test_what_is_in_doubt(weights, batch, layer):
    gated = Gated()
    gated.backward(at_zero(weights, batch, layer, 5, 2), batch.states, np.ones((ROWS, 2)))
    ((doubt, gate),) = gated.doubtful
    assert gate == Gate(call=0, layer=layer, row=5, unit=2)
    assert 0 <= doubt <= DOUBT


def test_a_unit_that_nothing_enters_is_not_in_doubt(weights, batch):
    weights[2][1], weights[3][1] = 0, 0
    gated = Gated()
    with np.errstate(all="raise"):
        gated.backward(weights, batch.states, np.ones((ROWS, 2), np.float32))
    assert gated.doubtful == []


@pytest.mark.parametrize("layer", [0, 1])
def test_the_gate_that_explains_an_update_is_found(weights, batch, layer):
    start = learner(at_zero(weights, batch, layer, 5, 2))
    other = learner(start.q)
    other.model = Gated((Gate(0, layer, 5, 2),))
    seen = other.update(batch).q
    before = [w.copy() for w in start.q]
    own = learner(start.q).update(batch)
    error = distance(own.q, seen)
    assert error > 1e-3
    found = follow_otherwise(start, (batch, batch), error, lambda o: distance(o.q, seen))
    assert found.error == 0
    assert all(map(np.array_equal, found.outcome.q, seen))
    # What follows has the other moments, and ordinary gates.
    assert type(found.learner.model) is TwoHiddenLayers
    other.model = TwoHiddenLayers()
    assert all(map(np.array_equal, found.learner.update(batch).q, other.update(batch).q))
    assert all(map(np.array_equal, start.q, before))


def test_two_gates_of_one_update(weights, batch):
    both = at_zero(at_zero(weights, batch, 0, 5, 2), batch, 1, 1, 4)
    start = learner(both)
    other = learner(both)
    other.model = Gated((Gate(0, 0, 5, 2), Gate(0, 1, 1, 4)))
    seen = other.update(batch).q
    error = distance(learner(both).update(batch).q, seen)
    found = follow_otherwise(start, (batch, batch), error, lambda o: distance(o.q, seen))
    assert found.error == 0


def test_one_of_two_gates_in_doubt(weights, batch):
    both = at_zero(at_zero(weights, batch, 0, 5, 2), batch, 1, 1, 4)
    other = learner(both)
    other.model = Gated((Gate(0, 1, 1, 4),))
    seen = other.update(batch).q
    error = distance(learner(both).update(batch).q, seen)
    found = follow_otherwise(learner(both), (batch, batch), error, lambda o: distance(o.q, seen))
    assert found.error == 0


def test_rows_alike_are_equally_in_doubt(weights, batch):
    twice = batch.rows([0, 1, 2, 3, 4, 5, 5, 7])
    # Another unit is in doubt too, and rounding decides nothing there.
    start = learner(at_zero(at_zero(weights, twice, 0, 1, 4), twice, 1, 5, 2))
    other = learner(start.q)
    other.model = Gated((Gate(0, 1, 5, 2), Gate(0, 1, 6, 2)))
    seen = other.update(twice).q
    error = distance(learner(start.q).update(twice).q, seen)
    found = follow_otherwise(start, (twice, twice), error, lambda o: distance(o.q, seen))
    assert found.error == 0


def test_a_gate_that_helps_too_little_explains_nothing(weights, batch):
    start = learner(at_zero(weights, batch, 1, 5, 2))
    assert follow_otherwise(start, (batch, batch), 1.0, lambda _outcome: BETTER) is None
    assert follow_otherwise(start, (batch, batch), 1.0, lambda _outcome: 0.89) is not None


def test_what_no_gate_explains(weights, batch):
    start = learner(at_zero(weights, batch, 1, 5, 2))
    seen = [w + np.float32(0.1) for w in learner(start.q).update(batch).q]
    error = distance(learner(start.q).update(batch).q, seen)
    assert follow_otherwise(start, (batch, batch), error, lambda o: distance(o.q, seen)) is None


def test_nothing_in_doubt_explains_nothing(weights, batch):
    assert follow_otherwise(learner(weights), (batch, batch), 1.0, lambda _outcome: 0.0) is None


def test_an_update_that_cannot_be_followed_raises(weights, batch):
    start = MaxOverBatch(TwoHiddenLayers(), weights, weights, lr=0.01, gamma=0.9)
    with pytest.raises(ValueError, match="broadcast"):
        follow_otherwise(start, (batch, batch), 1.0, lambda _outcome: 0.0)

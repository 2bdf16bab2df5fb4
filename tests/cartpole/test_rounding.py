"""What rounding may do to gradients, and the update that follows where it decides."""

import numpy as np
import pytest

from grader.cartpole.gates import Followed, Gate, Gated
from grader.cartpole.rounding import (
    NOTICED,
    ROUNDING,
    backward_passes,
    follow_rounded,
    noise_of_gradients,
    noise_of_values,
    stands_out,
)
from grader.oracle.dqn import Batch, Learner
from grader.oracle.models import TwoHiddenLayers
from grader.oracle.wrong_target import MaxOverBatch

H, ROWS = 32, 64
SHAPES = [(H, 4), (H,), (H, H), (H,), (2, H), (2,)]
NETWORK = TwoHiddenLayers()


@pytest.fixture
def rng():
    return np.random.default_rng(1)


@pytest.fixture
def weights(rng):
    return [rng.normal(0, 0.5, shape).astype(np.float32) for shape in SHAPES]


@pytest.fixture
def batch(rng):
    return Batch(
        states=rng.normal(0, 1, (ROWS, 4)).astype(np.float32),
        actions=rng.integers(0, 2, ROWS),
        rewards=np.ones(ROWS, np.float32),
        next_states=rng.normal(0, 1, (ROWS, 4)).astype(np.float32),
        dones=np.zeros(ROWS, np.float32),
    )


def learner(weights, model=NETWORK):
    return Learner(model, weights, weights, lr=0.01, gamma=0.9)


def distance(one, other):
    return float(np.sqrt(sum(((a - b) ** 2).sum() for a, b in zip(one, other, strict=True))))


def double(arrays):
    return [a.astype(np.float64) for a in arrays]


def in_another_order(weights, rng):
    """The same network with its hidden units in another order, and how to put gradients back."""
    one, two = rng.permutation(H), rng.permutation(H)
    w1, b1, w2, b2, w3, b3 = weights
    other = [w1[one], b1[one], w2[two][:, one], b2[two], w3[:, two], b3]
    back1, back2 = np.argsort(one), np.argsort(two)

    def restored(gradients):
        g1, h1, g2, h2, g3, h3 = gradients
        return [g1[back1], h1[back1], g2[back2][:, back1], h2[back2], g3[:, back2], h3]

    return other, restored


class Nudged(Gated):
    """The network with one gradient of W2 off by a share of its own noise."""

    def __init__(self, index, share, other_way=()):
        super().__init__(other_way)
        self.index, self.share = index, share

    def backward(self, weights, states, dq):
        gradients = super().backward(weights, states, dq)
        noise = noise_of_gradients(weights, states, dq, np.zeros_like(dq))
        gradients[2][self.index] += self.share * noise[2][self.index]
        return gradients


@pytest.fixture
def at_edge(weights, batch):
    """The index of a gradient in W2 which is rounding alone: what it multiplies leaves a ReLU for
    one row only, as a sum of 0 within rounding."""
    w1, b1, w2, b2, w3, _b3 = weights
    unit = 3
    sums = (batch.states @ w1.T)[:, unit]
    row = sums.argmax()
    b1[unit] = np.float32(5e-7) - sums[row]
    first = np.maximum(batch.states @ w1.T + b1, 0)
    assert np.flatnonzero(first[:, unit]).tolist() == [row]
    open_units = (first @ w2.T + b2)[row] > 0
    return (np.abs(w3[batch.actions[row]] * open_units).argmax(), unit)


def seen_from(start, batch, model):
    other = learner(start.q, model)
    return other.update(batch).q, other


def followed(start, batch, seen):
    def error_of(outcome):
        return distance(outcome.q, seen)

    other = learner(start.q)
    outcome = other.update(batch)
    own = Followed(other, outcome, error_of(outcome))
    return own, follow_rounded(start, (batch, batch), seen, own, error_of)


def test_float32_stays_within_the_noise_in_any_order(weights, batch, rng):
    dq = rng.normal(0, 0.1, (ROWS, 2)).astype(np.float32)
    exact = NETWORK.backward(double(weights), batch.states.astype(float), dq.astype(float))
    values = NETWORK.forward(double(weights), batch.states.astype(float))
    noise = noise_of_gradients(weights, batch.states, dq, np.zeros_like(dq))
    values_noise = noise_of_values(weights, batch.states)
    for _ in range(20):
        other, restored = in_another_order(weights, rng)
        rows = rng.permutation(ROWS)
        gradients = restored(NETWORK.backward(other, batch.states[rows], dq[rows]))
        for g, e, n in zip(gradients, exact, noise, strict=True):
            assert (np.abs(g - e) <= n).all()
        assert (np.abs(NETWORK.forward(other, batch.states) - values) <= values_noise).all()


def test_the_noise_is_not_much_more_than_what_is_seen(weights, batch, rng):
    dq = rng.normal(0, 0.1, (ROWS, 2)).astype(np.float32)
    exact = NETWORK.backward(double(weights), batch.states.astype(float), dq.astype(float))
    noise = noise_of_gradients(weights, batch.states, dq, np.zeros_like(dq))
    rounded = NETWORK.backward(weights, batch.states, dq)
    for g, e, n in zip(rounded, exact, noise, strict=True):
        assert np.sqrt((n**2).mean()) < 300 * np.sqrt(((g - e) ** 2).mean())
        assert (n <= 1e-4 * np.abs(e).max()).all()


def test_noise_of_dq_is_carried_down(weights, batch, rng):
    """Of a change of dL/dQ in one row, the noise is what that row's gradients come to."""
    dq = rng.normal(0, 0.1, (ROWS, 2)).astype(np.float32)
    dq_noise = np.zeros_like(dq)
    dq_noise[5, 1] = 1e-3
    noise = noise_of_gradients(weights, batch.states, dq, dq_noise)
    changed = dq.copy()
    changed[5, 1] += 1e-3
    one = NETWORK.backward(double(weights), batch.states.astype(float), dq.astype(float))
    other = NETWORK.backward(double(weights), batch.states.astype(float), changed.astype(float))
    for g, h, n in zip(one[2:], other[2:], noise[2:], strict=True):  # one path leads to each
        assert n == pytest.approx(np.abs(g - h), rel=0.02, abs=2e-5)


def test_a_unit_that_is_surely_closed_has_no_noise(weights, batch):
    weights[1][3] = -100.0
    weights[3][7] = -1000.0
    noise = noise_of_gradients(
        weights, batch.states, np.ones((ROWS, 2), np.float32), np.ones((ROWS, 2), np.float32)
    )
    assert not noise[0][3].any()
    assert not noise[1][3]
    assert not noise[2][:, 3].any()
    assert not noise[2][7].any()
    assert not noise[4][:, 7].any()


def test_a_unit_that_may_be_open_has_noise_above_it(weights, batch):
    """Its value is 0 here, and may be a little more elsewhere."""
    w1, b1 = weights[:2]
    w1[3] = 0.5
    b1[3] = np.float32(-1e-8) - (batch.states @ w1.T)[:, 3].max()
    sums = (batch.states @ w1.T + b1)[:, 3]
    assert sums.max() <= 0
    dq = np.ones((ROWS, 2), np.float32)
    noise = noise_of_gradients(weights, batch.states, dq, np.zeros_like(dq))
    assert noise[2][:, 3].any()


@pytest.mark.parametrize("share", [-0.8, 0.3, 0.9])
def test_a_gradient_within_rounding_is_found(weights, batch, at_edge, share):
    start = learner(weights)
    seen, other = seen_from(start, batch, Nudged(at_edge, share))
    own, found = followed(start, batch, seen)
    assert own.error > 10 * NOTICED * start.lr
    assert found.error < own.error / 100
    # The learner goes on with the moments that this gradient leaves.
    other.model = NETWORK
    assert type(found.learner.model) is TwoHiddenLayers
    further = found.learner.update(batch).q
    assert distance(further, other.update(batch).q) < own.error / 100
    assert all(map(np.array_equal, start.q, weights))


def test_a_gradient_beyond_rounding_is_not(weights, batch):
    start = learner(weights)
    index = (4, 9)
    size = 2 * abs(learner(weights).update(batch).gradients[2][index])
    dq = np.full((ROWS, 2), 1.0, np.float32)
    assert size > 100 * noise_of_gradients(weights, batch.states, dq, np.zeros_like(dq))[2][index]

    class Turned(TwoHiddenLayers):
        def backward(self, weights, states, dq):
            gradients = super().backward(weights, states, dq)
            gradients[2][index] *= -1
            return gradients

    seen, _other = seen_from(start, batch, Turned())
    own, found = followed(start, batch, seen)
    assert own.error > 0.01
    assert found.error > 0.9 * own.error


def test_weights_put_elsewhere_are_not_explained(weights, batch):
    start = learner(weights)
    seen = [w + np.float32(0.001) for w in learner(weights).update(batch).q]
    own, found = followed(start, batch, seen)
    assert found.error > 0.9 * own.error


def test_what_is_as_it_should_be_stays(weights, batch):
    start = learner(weights)
    seen = learner(weights).update(batch).q
    own, found = followed(start, batch, seen)
    assert own.error == 0
    assert found is own


def test_gates_set_the_other_way_stay_so(weights, batch, at_edge):
    gate = Gate(0, 1, 5, 2)
    start = learner(weights)
    seen, _other = seen_from(start, batch, Nudged(at_edge, 0.5, (gate,)))
    with_gate = learner(weights, Gated((gate,)))
    outcome = with_gate.update(batch)

    def error_of(outcome):
        return distance(outcome.q, seen)

    own = Followed(with_gate, outcome, error_of(outcome), (gate,))
    found = follow_rounded(start, (batch, batch), seen, own, error_of)
    assert found.error < own.error / 100
    assert found.other_way == (gate,)


def test_td_errors_of_large_values_have_few_digits(weights, batch):
    """Predictions and targets may be off alike, as here, or against each other."""
    large = [w.copy() for w in weights]
    large[5] += 1000
    start, precise = learner(large), learner(double(large))
    (rounded,) = backward_passes(start, (batch, batch), ())
    (exact,) = backward_passes(precise, (batch, batch), ())
    off = np.abs(rounded.dq - exact.dq)
    assert off.max() > 1e-6
    assert (off <= rounded.dq_noise).all()
    chosen = np.arange(ROWS), batch.actions
    assert (rounded.dq_noise[chosen] > ROUNDING * 1000 * 2 / ROWS).all()
    assert (rounded.dq_noise[chosen] < 3 * ROUNDING * 1000 * 2 / ROWS).all()
    assert not rounded.dq_noise[np.arange(ROWS), 1 - batch.actions].any()
    # The weights are those that the gradients were taken at, before the step.
    assert all(map(np.array_equal, rounded.weights, large))


def test_an_update_that_cannot_be_followed_raises(weights, batch):
    start = MaxOverBatch(NETWORK, weights, weights, lr=0.01, gamma=0.9)
    own = Followed(start, learner(weights).update(batch), 1.0)
    with pytest.raises(ValueError, match="broadcast"):
        follow_rounded(start, (batch, batch), weights, own, lambda _outcome: 0.0)


def test_single_weights_stand_out(weights):
    after = [w.copy() for w in weights]
    assert not stands_out(after, weights, lr=0.01)
    after[4][1, 3] += 2 * NOTICED * 0.01
    assert stands_out(after, weights, lr=0.01)
    after[4][1, 3] = weights[4][1, 3] + 0.5 * NOTICED * 0.01
    assert not stands_out(after, weights, lr=0.01)

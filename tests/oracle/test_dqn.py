"""The contract's learner against torch: values, gradients, target, loss, clipping, Adam."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from grader.oracle.adam import Adam
from grader.oracle.dqn import Batch, Learner
from grader.oracle.models import LinearSquares, TwoHiddenLayers, global_norm

MODELS = (LinearSquares, TwoHiddenLayers)
quick = settings(max_examples=25, deadline=None, database=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 6)


def weights_for(model, rng, state_dim, action_dim, hidden_dim=5):
    """Random float64 weights in the model's order."""
    if model is LinearSquares:
        shapes = [(action_dim, state_dim), (action_dim,)] * 2
    else:
        shapes = [
            (hidden_dim, state_dim),
            (hidden_dim,),
            (hidden_dim, hidden_dim),
            (hidden_dim,),
            (action_dim, hidden_dim),
            (action_dim,),
        ]
    return [rng.normal(0, 1, shape) for shape in shapes]


def torch_forward(model, parameters, states):
    """The model's function in torch."""
    x = torch.as_tensor(states)
    if model is LinearSquares:
        a, b, c, d = parameters
        return nn.functional.linear(x, a, b) + nn.functional.linear(x * x, c, d)
    w1, b1, w2, b2, w3, b3 = parameters
    x = torch.relu(nn.functional.linear(x, w1, b1))
    x = torch.relu(nn.functional.linear(x, w2, b2))
    return nn.functional.linear(x, w3, b3)


def leaves(weights):
    return [torch.tensor(w, requires_grad=True) for w in weights]


def batch_of(rng, rows, state_dim, action_dim, spread=3.0):
    return Batch(
        states=rng.normal(0, 1, (rows, state_dim)),
        actions=rng.integers(0, action_dim, rows),
        rewards=rng.uniform(-spread, spread, rows),
        next_states=rng.normal(0, 1, (rows, state_dim)),
        dones=(rng.random(rows) < 0.4).astype(np.float64),
    )


def one_state(q, target, *, gamma=0.99, lr=1e-3):
    """A learner with constant values Q(s, ·) = q and Q(s, ·; θ⁻) = target, one-dimensional s."""

    def constant(values):
        column = np.asarray(values, np.float64)
        zeros = np.zeros((len(column), 1))
        return [zeros, column, zeros.copy(), np.zeros(len(column))]

    return Learner(LinearSquares(), constant(q), constant(target), lr=lr, gamma=gamma)


def transition(action=0, reward=1.0, done=0.0):
    return Batch(
        np.zeros((1, 1)),
        np.array([action]),
        np.array([reward]),
        np.zeros((1, 1)),
        np.array([done]),
    )


# --- by hand ---


@pytest.mark.parametrize(
    ("best_next", "target"),
    [(8.0, 8.92), (4.0, 4.96)],
    ids=["before the jump", "after the jump"],
)
def test_the_course_pages_example(best_next, target):
    learner = one_state([5.0, 2.0], [best_next, best_next - 3])
    assert learner.td_target(transition()) == pytest.approx([target])


def test_the_course_pages_error_is_the_loss_root_and_drives_the_gradient():
    outcome = one_state([5.0, 2.0], [8.0, 7.0]).update(transition())
    assert outcome.prediction == pytest.approx([5.0])
    assert outcome.targets - outcome.prediction == pytest.approx([3.92])
    assert outcome.returned == pytest.approx(3.92**2)
    # dL/dQ(s, 0) = −2 · 3.92 reaches both biases of action 0 and nothing of action 1.
    for bias in (outcome.gradients[1], outcome.gradients[3]):
        expected = -7.84 if np.sqrt(2) * 7.84 <= 10 else -10 / np.sqrt(2)
        assert bias == pytest.approx([expected, 0.0])


@pytest.mark.parametrize(
    ("reward", "done", "gamma", "best", "target"),
    [
        (1.0, 1.0, 0.99, 8.0, 1.0),
        (-2.5, 1.0, 0.9, 100.0, -2.5),
        (1.0, 0.0, 0.0, 8.0, 1.0),
        (1.0, 0.0, 1.0, 8.0, 9.0),
        (0.0, 0.0, 0.5, -4.0, -2.0),
    ],
)
def test_targets_by_hand(reward, done, gamma, best, target):
    learner = one_state([0.0, 0.0], [best, best - 1], gamma=gamma)
    assert learner.td_target(transition(reward=reward, done=done)) == pytest.approx([target])


def test_first_adam_step_has_the_size_of_the_rate():
    weights = [np.array([1.0, -2.0, 3.0])]
    Adam(0.1).step(weights, [np.array([5.0, -0.001, 0.0])])
    assert weights[0] == pytest.approx([0.9, -1.9, 3.0], rel=1e-4)


def test_norm_is_over_all_arrays():
    assert global_norm([np.array([3.0]), np.array([[0.0, 4.0]])]) == 5.0


def test_learner_works_on_copies():
    q, target = ([np.ones((2, 1)), np.ones(2), np.ones((2, 1)), np.ones(2)] for _ in range(2))
    learner = Learner(LinearSquares(), q, target, lr=0.1, gamma=0.9)
    outcome = learner.update(transition(reward=30.0))
    learner.update(transition(reward=-30.0))
    assert all((w == 1).all() for w in (*q, *target))
    assert not np.array_equal(outcome.q[1], learner.q[1])


def test_sync_is_a_copy():
    learner = one_state([5.0, 2.0], [8.0, 7.0])
    learner.sync()
    assert all(map(np.array_equal, learner.target, learner.q))
    learner.q[1][0] = 99.0
    assert learner.target[1][0] == 5.0


# --- against torch ---


@pytest.mark.parametrize("model", MODELS)
@quick
@given(seed=seeds, rows=sizes, state_dim=sizes, action_dim=sizes, hidden_dim=sizes)
def test_forward_and_backward(model, seed, rows, state_dim, action_dim, hidden_dim):
    rng = np.random.default_rng(seed)
    weights = weights_for(model, rng, state_dim, action_dim, hidden_dim)
    states = rng.normal(0, 2, (rows, state_dim))
    dq = rng.normal(0, 1, (rows, action_dim))
    parameters = leaves(weights)
    values = torch_forward(model, parameters, states)
    gradients = torch.autograd.grad((values * torch.as_tensor(dq)).sum(), parameters)
    np.testing.assert_allclose(
        model().forward(weights, states), values.detach(), rtol=1e-10, atol=1e-10
    )
    for got, expected in zip(model().backward(weights, states, dq), gradients, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-10)


@quick
@given(seed=seeds, scale=st.sampled_from([1e-3, 0.1, 1.0, 9.9, 1e4]))
def test_clip_is_clip_grad_norm(seed, scale):
    rng = np.random.default_rng(seed)
    gradients = [scale * rng.normal(0, 1, shape) for shape in ((3, 4), (3,), (2, 3), (1,))]
    parameters = [torch.zeros(g.shape, dtype=torch.float64, requires_grad=True) for g in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = torch.tensor(gradient)
    before = nn.utils.clip_grad_norm_(parameters, 10.0)
    assert global_norm(gradients) == pytest.approx(float(before))
    clipped = Learner(LinearSquares(), [], [], lr=0, gamma=0).clip(gradients)
    for got, parameter in zip(clipped, parameters, strict=True):
        np.testing.assert_allclose(got, parameter.grad, rtol=1e-6)
    assert global_norm(clipped) <= 10.0 + 1e-9


@quick
@given(
    seed=seeds,
    lr=st.sampled_from([1e-4, 1e-3, 0.02, 0.5]),
    steps=st.integers(1, 6),
    scale=st.sampled_from([1e-4, 1.0, 100.0]),
)
def test_adam(seed, lr, steps, scale):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(0, 1, shape) for shape in ((3, 2), (4,))]
    parameters = leaves(weights)
    theirs = torch.optim.Adam(parameters, lr=lr)
    ours = Adam(lr)
    for _ in range(steps):
        gradients = [scale * rng.normal(0, 1, w.shape) for w in weights]
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = torch.tensor(gradient)
        theirs.step()
        ours.step(weights, gradients)
    assert ours.t == steps
    for got, expected in zip(weights, parameters, strict=True):
        np.testing.assert_allclose(got, expected.detach(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("model", MODELS)
@quick
@given(
    seed=seeds,
    rows=sizes,
    state_dim=sizes,
    action_dim=sizes,
    gamma=st.sampled_from([0.0, 0.5, 0.9, 0.99, 1.0]),
    lr=st.sampled_from([1e-4, 1e-3, 0.05]),
    spread=st.sampled_from([0.1, 3.0, 200.0]),
    steps=st.lists(st.sampled_from(["update", "sync"]), min_size=1, max_size=6),
)
def test_whole_updates(model, seed, rows, state_dim, action_dim, gamma, lr, spread, steps):
    rng = np.random.default_rng(seed)
    q, target = (weights_for(model, rng, state_dim, action_dim) for _ in range(2))
    learner = Learner(model(), q, target, lr=lr, gamma=gamma)
    theta, theta_minus = leaves(q), leaves(target)
    optimizer = torch.optim.Adam(theta, lr=lr)
    for step in steps:
        if step == "sync":
            learner.sync()
            theta_minus = [p.detach().clone() for p in theta]
            continue
        b = batch_of(rng, rows, state_dim, action_dim, spread)
        outcome = learner.update(b)
        values = torch_forward(model, theta, b.states)
        prediction = values.gather(1, torch.as_tensor(b.actions)[:, None]).squeeze(1)
        with torch.no_grad():
            best = torch_forward(model, theta_minus, b.next_states).max(dim=1).values
            y = torch.as_tensor(b.rewards) + gamma * (1 - torch.as_tensor(b.dones)) * best
        loss = nn.functional.mse_loss(prediction, y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(theta, 10.0)
        optimizer.step()
        np.testing.assert_allclose(outcome.targets, y, rtol=1e-7, atol=1e-6 * lr)
        assert outcome.returned == pytest.approx(loss.item(), rel=1e-6)
        assert outcome.steps == 1
        for got, p in zip(outcome.gradients, theta, strict=True):
            np.testing.assert_allclose(got, p.grad, rtol=1e-5, atol=1e-7)
        for got, p in zip(outcome.q, theta, strict=True):
            np.testing.assert_allclose(got, p.detach(), rtol=1e-6, atol=2e-5 * lr)
        for got, p in zip(outcome.target, theta_minus, strict=True):
            np.testing.assert_array_equal(got.shape, p.shape)
            np.testing.assert_allclose(got, p.detach(), rtol=1e-6, atol=2e-5 * lr)


@quick
@given(seed=seeds, rows=sizes)
def test_order_of_the_rows_does_not_matter(seed, rows):
    rng = np.random.default_rng(seed)
    q, target = (weights_for(LinearSquares, rng, 3, 4) for _ in range(2))
    b = batch_of(rng, rows, 3, 4)
    one, two = (Learner(LinearSquares(), q, target, lr=0.01, gamma=0.9) for _ in range(2))
    first, second = one.update(b), two.update(b.rows(slice(None, None, -1)))
    assert first.returned == pytest.approx(second.returned)
    for g, h in zip(first.gradients, second.gradients, strict=True):
        np.testing.assert_allclose(g, h, rtol=1e-9, atol=1e-12)

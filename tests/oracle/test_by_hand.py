"""Variations on numbers worked out by hand, where running their torch code leaves room.

That code compares after clipping and in float64, on a model whose gradient does not depend on its
weights, and draws once per call.
"""

import numpy as np
import pytest

from grader.oracle import wrong_loss
from grader.oracle.catalogue import combine, variations
from grader.oracle.dqn import Batch, Learner, Outcome, without_motion
from grader.oracle.models import LinearSquares, Table, TwoHiddenLayers
from grader.oracle.wrong_given import PlainGradientDescent, RMSProp
from grader.oracle.wrong_loss import Huber
from grader.oracle.wrong_prediction import (
    Broadcast,
    BroadcastNextValues,
    BroadcastNextValuesColumn,
    GatherWrongDim,
    GatherWrongDimRow,
    MaxOverBatchKept,
    SumOverBatch,
    SumOverBatchActions,
)
from grader.oracle.wrong_report import (
    ReturnsLossAfter,
    SamplesTwice,
    SamplesTwiceUsesSecond,
    SamplesTwiceWholly,
)
from grader.oracle.wrong_step import (
    ClipAlways,
    NewOptimizer,
    NoStep,
    StepsTwice,
    UpdatesTwice,
    UpdatesTwiceFirstLoss,
)
from grader.oracle.wrong_target import TargetNotDetached

KINDS = variations()
LR, GAMMA = 0.05, 0.8


def named(kind):
    return kind.__name__


def weights_of(model, rng, actions=3, dtype=np.float64):
    """Random weights for three-dimensional states, with two hidden units where there are any."""
    shapes = [(actions, 3), (actions,)] * 2
    if model is TwoHiddenLayers:
        shapes = [(2, 3), (2,), (2, 2), (2,), (actions, 2), (actions,)]
    return [rng.normal(0, 0.7, shape).astype(dtype) for shape in shapes]


def batch_of(rng, rows=4, actions=3, dtype=np.float64):
    return Batch(
        rng.normal(0, 1, (rows, 3)).astype(dtype),
        rng.permutation(np.arange(rows) % actions),
        rng.uniform(-2, 2, rows).astype(dtype),
        rng.normal(0, 1, (rows, 3)).astype(dtype),
        (np.arange(rows) % 3 == 0).astype(dtype),
    )


def learner_of(kind, model=LinearSquares, actions=3, dtype=np.float64):
    rng = np.random.default_rng(5)
    q, target = (weights_of(model, rng, actions, dtype) for _ in range(2))
    return kind(model(), q, target, lr=LR, gamma=GAMMA)


# --- a table of values: three actions, two states ---


def test_a_table_has_a_column_for_each_state():
    table, weights = Table(), [np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])]
    assert table.forward(weights, np.eye(2)).tolist() == [[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]
    assert table.forward(weights, np.array([[2.0, -1.0]])).tolist() == [[0.0, 2.0, 4.0]]
    dq = np.array([[7.0, 0.0, 0.0], [0.0, 8.0, 9.0], [0.0, 0.0, 1.0]])
    (gradient,) = table.backward(weights, np.eye(2)[[0, 1, 1]], dq)
    assert gradient.tolist() == [[7.0, 0.0], [0.0, 8.0], [0.0, 10.0]]


# --- the loss and its derivative: q = (3, 1), y = (1, 1.5), so δ = (2, −0.5) ---

LOSSES = {
    "Learner": (2.125, [2.0, -0.5]),
    "Huber": (0.8125, [0.5, -0.25]),
    "HuberDoubled": (1.625, [1.0, -0.5]),
    "LossSum": (4.25, [4.0, -1.0]),
    "LossSumQuietly": (4.25, [4.0, -1.0]),
    "LossHalved": (1.0625, [1.0, -0.25]),
    "LossHalvedQuietly": (1.0625, [1.0, -0.25]),
    "LossL1": (1.25, [0.5, -0.5]),
    "LossUnsquared": (-0.75, [-0.5, -0.5]),
    "LossUnsquaredReversed": (0.75, [0.5, 0.5]),
    "LossSquaredMean": (0.5625, [0.75, 0.75]),
    "Maximises": (-2.125, [-2.0, 0.5]),
    "MaximisesQuietly": (-2.125, [-2.0, 0.5]),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name):
    kind = Learner if name == "Learner" else getattr(wrong_loss, name)
    loss, slope = learner_of(kind).loss(np.array([3.0, 1.0]), np.array([1.0, 1.5]))
    assert isinstance(loss, float)
    assert (loss, slope.tolist()) == LOSSES[name]


def test_every_loss_is_worked_out():
    with_loss = {kind.__name__ for kind in KINDS if kind.__module__ == wrong_loss.__name__}
    assert with_loss == set(LOSSES) - {"Learner"}


# --- steps ---


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        (Learner, 1),
        (NoStep, 0),
        (StepsTwice, 2),
        (UpdatesTwice, 2),
        (UpdatesTwiceFirstLoss, 2),
        (NewOptimizer, 1),
        (PlainGradientDescent, 1),
        (RMSProp, 1),
    ],
)
def test_steps_are_counted(kind, steps):
    batch = batch_of(np.random.default_rng(1))
    assert learner_of(kind).update(batch).steps == steps


def test_without_motion_the_weights_are_those_before_and_no_gradient_was_used():
    outcome = Outcome(1.5, [np.ones(2)], 1, [np.full(2, 3.0)], [np.full(2, 4.0)])
    before = [np.zeros(2)]
    still = without_motion(outcome, before)
    before[0][:] = 9.0
    assert still.gradients is None
    assert [w.tolist() for w in still.q] == [[0.0, 0.0]]
    assert (still.returned, still.steps, still.target) == (1.5, 1, outcome.target)


def test_no_step_tells_of_no_gradient():
    outcome = learner_of(NoStep).update(batch_of(np.random.default_rng(1)))
    assert outcome.gradients is None
    for got, kept in zip(outcome.q, learner_of(Learner).q, strict=True):
        np.testing.assert_array_equal(got, kept)


def test_a_gradient_of_zero_is_not_scaled():
    clipped = learner_of(ClipAlways).clip([np.zeros(2), np.zeros((1, 2))])
    assert [g.tolist() for g in clipped] == [[0.0, 0.0], [[0.0, 0.0]]]


def test_plain_gradient_descent():
    learner = learner_of(PlainGradientDescent)
    before = [w.copy() for w in learner.q]
    learner.step([np.full(w.shape, 2.0) for w in learner.q])
    for w, b in zip(learner.q, before, strict=True):
        np.testing.assert_allclose(w, b - LR * 2.0)


# --- columns that are counted ---


def test_actions_that_do_not_occur_count_zero_times():
    batch = batch_of(np.random.default_rng(1)).rows([0, 1])
    batch.actions[:] = 0
    chosen = learner_of(SumOverBatchActions).selection(batch, np.zeros((2, 3)))
    assert chosen.tolist() == [[2.0, 0.0, 0.0]] * 2


# --- float32, the arithmetic of the audit ---


@pytest.mark.parametrize("kind", [Learner, *KINDS], ids=named)
def test_arithmetic_keeps_the_dtype(kind):
    rng = np.random.default_rng(2)
    learner = learner_of(kind, actions=4, dtype=np.float32)
    for _ in range(2):
        batch, other = (batch_of(rng, 4, 4, np.float32) for _ in range(2))
        outcome = learner.update(batch, other)
        for arrays in (outcome.gradients or [], outcome.q, outcome.target):
            assert {array.dtype for array in arrays} <= {np.dtype(np.float32)}
        assert outcome.prediction.dtype == np.float32
        assert outcome.targets.dtype == np.float32


# --- gradients of a network whose gradient depends on its weights ---


@pytest.mark.parametrize(
    "kind",
    [
        Learner,
        Huber,
        SumOverBatch,
        GatherWrongDim,
        GatherWrongDimRow,
        Broadcast,
        BroadcastNextValues,
        BroadcastNextValuesColumn,
        MaxOverBatchKept,
        TargetNotDetached,
    ],
    ids=named,
)
def test_gradients_are_the_slopes_of_the_loss(kind):
    batch = batch_of(np.random.default_rng(3), rows=3)
    learner = learner_of(kind, TwoHiddenLayers)
    gradients = learner.gradients(batch, batch)[1]
    for weight, gradient in zip(learner.q, gradients, strict=True):
        assert np.abs(gradient).max() > 1e-3
        for place in np.ndindex(weight.shape):
            kept, losses = weight[place], []
            for way in (-1e-6, 1e-6):
                weight[place] = kept + way
                losses.append(learner.gradients(batch, batch)[0])
            weight[place] = kept
            slope = (losses[1] - losses[0]) / 2e-6
            assert gradient[place] == pytest.approx(slope, rel=1e-4, abs=1e-7)


# --- a second draw ---


@pytest.mark.parametrize(
    ("kind", "predicted", "aimed"),
    [
        (Learner, "b", "b"),
        (SamplesTwice, "b", "o"),
        (SamplesTwiceUsesSecond, "o", "b"),
        (SamplesTwiceWholly, "o", "o"),
    ],
    ids=["contract", "target", "prediction", "both"],
)
def test_which_draw_enters_where(kind, predicted, aimed):
    rng = np.random.default_rng(4)
    draws = {"b": batch_of(rng), "o": batch_of(rng)}
    outcome = learner_of(kind).update(draws["b"], draws["o"])
    np.testing.assert_array_equal(
        outcome.prediction, learner_of(Learner).update(draws[predicted]).prediction
    )
    np.testing.assert_array_equal(outcome.targets, learner_of(Learner).update(draws[aimed]).targets)


@pytest.mark.parametrize("kind", [k for k in KINDS if k.code != SamplesTwice.code], ids=named)
def test_beside_another_misconception_the_target_still_comes_from_the_second_draw(kind):
    rng = np.random.default_rng(4)
    b, o = (batch_of(rng, 4, 4) for _ in range(2))
    outcome = learner_of(combine(kind, SamplesTwice), actions=4).update(b, o)
    alone = learner_of(kind, actions=4).update(o)
    np.testing.assert_array_equal(outcome.targets, alone.targets)


@pytest.mark.parametrize(("kind", "n"), [(UpdatesTwice, 1), (UpdatesTwiceFirstLoss, 0)])
def test_both_rounds_have_both_draws(kind, n):
    rng = np.random.default_rng(4)
    b, o = (batch_of(rng) for _ in range(2))
    single = learner_of(SamplesTwice)
    outcomes = [single.update(b, o) for _ in range(2)]
    outcome = learner_of(combine(kind, SamplesTwice)).update(b, o)
    assert outcome.returned == outcomes[n].returned
    for got, expected in zip(outcome.q, outcomes[1].q, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_the_loss_after_the_step_is_of_the_same_draws():
    rng = np.random.default_rng(4)
    b, o = (batch_of(rng) for _ in range(2))
    for other in (o, None):
        learner = learner_of(combine(ReturnsLossAfter, SamplesTwice))
        returned = learner.update(b, other).returned
        assert returned == learner.gradients(b, other or b)[0]

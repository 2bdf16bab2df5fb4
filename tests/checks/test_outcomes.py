"""Traces against what was due, on numbers worked out by hand.

Most scenarios here are stand-ins that say themselves what is expected, so that each tolerance can
be approached from both sides.
"""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from grader.checks.agents import Learning, Scenario
from grader.checks.outcomes import (
    EVERYTHING,
    GRADIENTS,
    RETURNED,
    TARGET,
    WEIGHTS,
    Difference,
    difference,
    updates_of,
    weight_difference,
)
from grader.oracle.dqn import Batch, Outcome
from grader.oracle.wrong_target import GammaMissing
from grader.protocol.arrays import from_numpy
from grader.protocol.messages import AgentState, AgentTrace, Raised, Synced, Updated, Value

ONES = [np.ones(2)]
RAISED = Raised(type="RuntimeError", message="shapes", frames=[], during="update")


def encoded(arrays):
    return [from_numpy(np.asarray(a, np.float64)) for a in arrays]


def state(q=ONES, target=ONES):
    return AgentState(
        q_weights=encoded(q),
        target_weights=encoded(target),
        same_object=False,
        shared_storage=False,
        gamma=0.9,
        lr=0.5,
        target_training=False,
        optimizer_owns_target=False,
        q_trainable=True,
        buffer_intact=True,
    )


def updated(returned=0.0, gradients=None, q=ONES, target=ONES):
    """One call as the worker tells it."""
    return Updated(
        returned=Value(type="float", text="…", number=returned),
        steps=1,
        backward=True,
        reached=True,
        gradients=None if gradients is None else encoded(gradients),
        sample_calls=[1],
        target_has_gradient=False,
        draws=[0.0, 0.0, 0.0],
        state=state(q, target),
    )


def due(returned=0.0, gradients=None, q=ONES, target=ONES, prediction=None, targets=None):
    """One call as it should have been."""

    def arrays(values):
        return [np.asarray(v, np.float64) for v in values]

    return Outcome(
        returned=returned,
        gradients=None if gradients is None else arrays(gradients),
        steps=1,
        q=arrays(q),
        target=arrays(target),
        prediction=None if prediction is None else np.array(prediction),
        targets=None if targets is None else np.array(targets),
    )


def trace(*results, raised=None):
    return AgentTrace(initial=state(), results=list(results), raised=raised)


def compared(expected, got, aspects=EVERYTHING, q=ONES, lr=0.5, raised=None):
    """The difference of calls that went from `q`, none where they agree."""
    scenario = SimpleNamespace(expected=lambda kind: expected, q=q, lr=lr)
    return difference(scenario, trace(*got, raised=raised), aspects=aspects)


# --- the scenario of the course page: Q(s, ·) = (5, 2), Q(s', ·; θ⁻) = (8, 7), r = 1 ---


def constant(values):
    column = np.float32(values)
    zeros = np.zeros((2, 1), np.float32)
    return [zeros, column, zeros, np.zeros(2, np.float32)]


def page():
    batch = Batch(np.zeros((1, 1)), np.array([0]), np.ones(1), np.zeros((1, 1)), np.zeros(1))
    return Scenario(
        q=constant([5, 2]),
        target=constant([8, 7]),
        lr=0.5,
        gamma=0.99,
        steps=[Learning(batch, 1)],
    )


#: y = 1 + 0.99 · 8 = 8.92: the error is −3.92, its gradient −7.84 in two biases, of norm 11.1 that
#: is clipped to 10; Adam's first step is the rate.
PAGE = updated(
    returned=15.3664,
    gradients=[
        np.zeros((2, 1)),
        [-10 / np.sqrt(2), 0],
        np.zeros((2, 1)),
        [-10 / np.sqrt(2), 0],
    ],
    q=[np.zeros((2, 1)), [5.5, 2], np.zeros((2, 1)), [0.5, 0]],
    target=constant([8, 7]),
)


def test_the_course_pages_update_is_the_contracts():
    assert difference(page(), trace(PAGE)) is None


def test_the_course_pages_update_is_not_the_one_without_gamma():
    # y = 1 + 8 = 9, so that the loss is 16.
    found = difference(page(), trace(PAGE), GammaMissing)
    assert found == Difference(0, RETURNED, "it returned 15.3664, expected 16")


def test_updates_are_the_results_of_update_alone():
    synced = Synced(state=state(), draws=[0.0, 0.0, 0.0])
    one, two = updated(1.0), updated(2.0)
    assert updates_of(trace(one, synced, two)) == [one, two]


# --- raising ---


@pytest.mark.parametrize(
    ("expected", "results", "raised", "found"),
    [
        ([due()], 0, RAISED, (0, "it raised")),
        ([due(), due()], 1, None, (1, "it raised")),
        ([None], 0, RAISED, None),
        ([due(), None], 1, RAISED, None),
        ([None], 1, None, (0, "it did not raise")),
        ([due(), None], 2, RAISED, (1, "it did not raise")),
        ([due(), None], 1, None, (1, "it did not raise")),
        ([], 0, RAISED, None),
    ],
)
def test_raising(expected, results, raised, found):
    got = compared(expected, [updated()] * results, raised=raised)
    assert got == (found and Difference(found[0], "raised", found[1]))


def test_calls_behind_the_first_difference_are_not_looked_at():
    found = compared([due(0.0), due(1.0), due(2.0)], [updated(0.0), updated(5.0), updated(5.0)])
    assert found == Difference(1, RETURNED, "it returned 5, expected 1")


def test_a_learner_that_overflows_is_no_reason_to_warn():
    def expected(kind):
        np.array([1e308]) * 10
        return [due(2.0)]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scenario = SimpleNamespace(expected=expected, q=ONES, lr=0.5)
        assert difference(scenario, trace(updated(1.0))).what == RETURNED


# --- the loss: 1e-4 of it, and 1e-6 of the terms that cancel in it ---


@pytest.mark.parametrize(
    ("got", "expected", "terms", "same"),
    [
        (2.00019, 2.0, {}, True),
        (2.00021, 2.0, {}, False),
        (-2.00019, -2.0, {}, True),
        (-2.00021, -2.0, {}, False),
        (0.9e-9, 0.0, {}, True),
        (1.1e-9, 0.0, {}, False),
        (4.9e-4, 0.0, {"prediction": [3.0], "targets": [1.0, -500.0]}, True),
        (5.1e-4, 0.0, {"prediction": [3.0], "targets": [1.0, -500.0]}, False),
        (2.9e-6, 0.0, {"prediction": [-3.0]}, True),
        (3.1e-6, 0.0, {"prediction": [-3.0]}, False),
        (0.9e-9, 0.0, {"prediction": [], "targets": []}, True),
        (1.1e-9, 0.0, {"prediction": [], "targets": []}, False),
        (float("nan"), 0.0, {}, False),
        (7.0, None, {}, True),
    ],
)
def test_the_returned_number(got, expected, terms, same):
    found = compared([due(expected, **terms)], [updated(got)])
    assert (found is None) is same
    if not same:
        assert found.what == RETURNED
        assert compared([due(expected, **terms)], [updated(got)], (GRADIENTS, WEIGHTS)) is None


def test_words_for_a_wrong_number():
    assert compared([due(2.0)], [updated(None)]) == Difference(
        0, RETURNED, "it returned nothing that is a number, expected 2"
    )
    assert compared([due(1 / 3)], [updated(2 / 3)]) == Difference(
        0, RETURNED, "it returned 0.666667, expected 0.333333"
    )


# --- gradients: 1e-4 of the largest entry of all, or of a thousandth of the terms ---


def of_gradients(expected, got, **terms):
    """What is said of these gradients."""
    q = [np.ones(np.shape(g)) for g in expected or [[0.0]]]
    outcome = due(gradients=expected, q=q, **terms)
    found = compared([outcome], [updated(gradients=got)], (GRADIENTS,), q=q)
    assert found is None or (found.call, found.what) == (0, GRADIENTS)
    return found and found.observed


@pytest.mark.parametrize(
    ("entry", "terms", "same"),
    [
        (0.00099, {}, True),
        (0.00101, {}, False),
        # 1e-3 · 20,000 is more than the 10 of the other array.
        (0.00199, {"prediction": [1.0], "targets": [-20_000.0]}, True),
        (0.00201, {"prediction": [1.0], "targets": [-20_000.0]}, False),
        (0.00199, {"prediction": [-20_000.0]}, True),
        (0.00101, {"prediction": [5000.0], "targets": []}, False),
    ],
)
def test_the_gradients(entry, terms, same):
    told = of_gradients([[0.0, 0.0], [-10.0]], [[0.0, entry], [-10.0]], **terms)
    assert (told is None) is same


def test_words_for_wrong_gradients():
    assert of_gradients([[3.0], [4.0]], [[6.0], [8.0]]) == (
        "the gradient's norm was 10, expected 5 (entries 6, expected 3)"
    )
    assert of_gradients([[3.0], [4.0]], None) == "no optimizer step with gradients was seen"
    assert of_gradients([[3.0], [4.0]], [[3.0], [np.nan]]) == (
        "no optimizer step with gradients was seen"
    )
    assert of_gradients([[3.0]], [[3.0, 3.0]]) is not None


def test_a_small_gradient_has_a_scale_of_its_own():
    assert of_gradients([[1e-5]], [[1e-5 + 0.9e-7]]) is None
    assert of_gradients([[1e-5]], [[1e-5 + 1.1e-7]]) is not None
    assert of_gradients([[1e-5]], [[1e-5 + 1.1e-7]], prediction=[0.0]) is not None


def test_a_parameter_may_be_empty():
    assert of_gradients([[], [3.0]], [[], [3.0]]) is None
    assert of_gradients([[], [3.0]], [[], [6.0]]) is not None


@pytest.mark.parametrize("got", [None, [[0.0, 0.0]], [[], [0.0]]], ids=str)
def test_no_gradient_is_due_and_none_is_used(got):
    assert of_gradients(None, got) is None


@pytest.mark.parametrize("got", [[[0.0, -1e-9]], [[0.0], [1.0]]], ids=str)
def test_no_gradient_is_due_and_one_is_used(got):
    assert of_gradients(None, got) == "a gradient was used where none moves anything"


def test_parameters_behind_the_last_one_due_are_passed_over():
    assert of_gradients([[3.0]], [[3.0], [99.0]]) is None


# --- weights: 2 % of the step, which is about the rate, and float32's rounding ---


def told(weight, expected=1.5, before=1.0, lr=0.5, trusted=None):
    masks = None if trusted is None else [np.array([trusted])]
    return weight_difference(
        updated(q=[[weight]]), [np.array([expected])], [np.array([before])], lr, masks
    )


@pytest.mark.parametrize(
    ("numbers", "same"),
    [
        # 0.02 · 0.5 + 3e-6 · 2.5 = 0.0100075
        ({"weight": 1.510007}, True),
        ({"weight": 1.489993}, True),
        ({"weight": 1.510008}, False),
        ({"weight": 1.489992}, False),
        ({"weight": -1.510007, "expected": -1.5, "before": -1.0}, True),
        ({"weight": -1.510008, "expected": -1.5, "before": -1.0}, False),
        # No step: 0.02 · 0.02 · 0.5 + 3e-6 · 2 = 2.06e-4
        ({"weight": 1.000205, "expected": 1.0}, True),
        ({"weight": 1.000207, "expected": 1.0}, False),
        # At rate 0 rounding alone: 3e-6 · 1001
        ({"weight": 1000.003, "expected": 1000.0, "before": 1000.0, "lr": 0.0}, True),
        ({"weight": 1000.0031, "expected": 1000.0, "before": 1000.0, "lr": 0.0}, False),
        ({"weight": 9.0, "trusted": False}, True),
        ({"weight": 9.0, "trusted": True}, False),
    ],
)
def test_a_weight(numbers, same):
    assert (told(**numbers) is None) is same


def test_words_for_a_wrong_weight():
    assert told(1.25) == "a weight of q_net moved by 0.25, expected 0.5"
    q = [np.zeros(2), np.zeros((2, 2))]
    moved = [np.zeros(2), np.array([[1.0, 1.0], [4.0, 5.0]])]
    assert (
        weight_difference(updated(q=moved), [q[0], np.ones((2, 2))], q, 1.0)
        == "a weight of q_net moved by 4, expected 1"
    )


@pytest.mark.parametrize(
    ("got", "words"),
    [
        ([[np.nan, 1.0], [1.0]], "q_net's weights are not all finite numbers"),
        ([[1.0, 1.0]], "q_net's weights are not all finite numbers"),
        ([[1.0, 1.0], [1.0], [1.0]], "q_net's weights are not all finite numbers"),
        ([[1.0, 1.0], [[1.0]]], "q_net's weights have another shape, (1, 1)"),
    ],
    ids=["NaN", "too few", "too many", "shape"],
)
def test_weights_that_cannot_be_compared(got, words):
    expected = [np.ones(2), np.ones(1)]
    assert weight_difference(updated(q=got), expected, expected, 0.5) == words


def test_the_second_calls_step_starts_where_the_first_was_due_to_end():
    found = compared(
        [due(q=[[1.5]]), due(q=[[2.0]])],
        [updated(q=[[1.5]]), updated(q=[[2.25]])],
        q=[np.float32([1])],
    )
    assert found == Difference(1, WEIGHTS, "a weight of q_net moved by 0.75, expected 0.5")


def test_the_first_calls_step_starts_at_the_scenarios_weights():
    found = compared([due(q=[[1.5]])], [updated(q=[[1.75]])], q=[np.float32([1])])
    assert found == Difference(0, WEIGHTS, "a weight of q_net moved by 0.75, expected 0.5")


# --- weights whose gradient is tiny beside the largest ---


@pytest.mark.parametrize(
    ("gradient", "same"),
    [(-0.0101, False), (0.0101, False), (0.0099, True), (-0.0099, True), (0.0, False)],
)
@pytest.mark.parametrize("aspect", [WEIGHTS, TARGET])
def test_a_tiny_gradient_takes_its_weight_out(gradient, same, aspect):
    """A thousandth of the largest entry, which is −10; where it is exactly 0, nothing moves."""
    expected = due(gradients=[[gradient, 1.0], [-10.0]], q=[[1, 1], [1]], target=[[1, 1], [1]])
    off = [[1.5, 1], [1]]
    got = updated(gradients=[[gradient, 1.0], [-10.0]], **{"q": off, "target": off})
    found = compared([expected], [got], (aspect,), q=[np.ones(2), np.ones(1)])
    assert (found is None) is same
    assert found is None or found.what == aspect


def test_all_gradients_may_be_small():
    gradients = [[1e-4, 1e-4]]
    found = compared([due(gradients=gradients)], [updated(gradients=gradients, q=[[1.5, 1.0]])])
    assert found is not None
    assert found.what == WEIGHTS


def test_a_weight_once_taken_out_stays_out():
    tiny, large = [[1e-3, 1.0]], [[1.0, 1.0]]
    expected = [due(gradients=tiny), due(gradients=large), due()]
    off = [[1.5, 1.0]]
    got = [updated(gradients=tiny, q=off), updated(gradients=large, q=off), updated(q=off)]
    assert compared(expected, got) is None
    wrong = [*got[:2], updated(q=[[1.5, 1.5]])]
    assert compared(expected, wrong).call == 2


# --- the target network ---


@pytest.mark.parametrize(
    ("target", "same"),
    [
        # 1e-5 · (|1| + 1)
        ([[1.000019, 1.0]], True),
        ([[0.999981, 1.0]], True),
        ([[1.0, 1.000021]], False),
        ([[1.0, 0.999979]], False),
        ([[1.0, np.nan]], False),
        ([[1.0]], False),
        ([[[1.0], [1.0]]], False),
    ],
)
def test_the_target_networks_weights(target, same):
    found = compared([due()], [updated(target=target)])
    assert found == (None if same else Difference(0, TARGET, "the target network's weights differ"))
    assert compared([due()], [updated(target=target)], (RETURNED, GRADIENTS, WEIGHTS)) is None


def test_the_tolerance_of_the_target_grows_with_the_weight():
    expected = [due(target=[[-9.0, 1.0]])]
    assert compared(expected, [updated(target=[[-9.00009, 1.0]])]) is None
    assert compared(expected, [updated(target=[[-9.00011, 1.0]])]) is not None


# --- what is asked about ---


@pytest.mark.parametrize("aspect", EVERYTHING)
def test_only_what_is_asked_about_is_compared(aspect):
    wrong = updated(returned=9.0, gradients=[[9.0, 9.0]], q=[[9.0, 9.0]], target=[[9.0, 9.0]])
    assert compared([due(gradients=[[1.0, 1.0]])], [wrong], [aspect]).what == aspect
    assert compared([due(gradients=[[1.0, 1.0]])], [wrong], []) is None


def test_the_first_difference_is_told_in_the_order_of_the_aspects():
    seen = []
    wrong = updated(returned=9.0, gradients=[[9.0, 9.0]], q=[[9.0, 9.0]], target=[[9.0, 9.0]])
    left = list(EVERYTHING)
    while left:
        seen.append(compared([due(gradients=[[1.0, 1.0]])], [wrong], iter(left)).what)
        left.remove(seen[-1])
    assert tuple(seen) == EVERYTHING == ("returned", "gradients", "weights", "target")

"""Networks recognised by their effect: any order, orientation and shape of the six parameters."""

import itertools
import warnings

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from grader.oracle.models import TwoHiddenLayers
from grader.oracle.network import (
    OTHER_HIDDEN,
    OUTPUTS,
    Layout,
    _leaky,
    close,
    forward,
    layouts,
    miscounted,
    recognise,
)

STATE_DIM, ACTION_DIM, HIDDEN_DIM = 5, 3, 7
DIMENSIONS = (STATE_DIM, ACTION_DIM, HIDDEN_DIM)
SHAPES = [(7, 5), (7,), (7, 7), (7,), (3, 7), (3,)]

TORCH_HIDDEN = {
    "no activation": lambda x: x,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "leaky ReLU": F.leaky_relu,
    "leaky ReLU (0.1)": lambda x: F.leaky_relu(x, 0.1),
    "leaky ReLU (0.2)": lambda x: F.leaky_relu(x, 0.2),
    "ELU": F.elu,
    "SELU": F.selu,
    "SiLU": F.silu,
    "GELU": lambda x: F.gelu(x, approximate="tanh"),
    "Mish": F.mish,
    "Hardswish": F.hardswish,
    "softsign": F.softsign,
    "hard tanh": F.hardtanh,
    "softplus": F.softplus,
    "ReLU6": F.relu6,
    "absolute value": torch.abs,
    "softmax": lambda x: torch.softmax(x, dim=1),
}
TORCH_OUTPUT = {
    "ReLU": torch.relu,
    "softmax": lambda x: torch.softmax(x, dim=1),
    "log-softmax": lambda x: torch.log_softmax(x, dim=1),
    "softmax over the batch": lambda x: torch.softmax(x, dim=0),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "leaky ReLU": F.leaky_relu,
    "softplus": F.softplus,
    "absolute value": torch.abs,
}


@pytest.fixture
def weights():
    rng = np.random.default_rng(3)
    return [rng.normal(0, 0.8, shape).astype(np.float32) for shape in SHAPES]


@pytest.fixture
def states():
    return np.random.default_rng(4).normal(0, 2.5, (16, STATE_DIM)).astype(np.float32)


def run(weights, states, first=torch.relu, second=torch.relu, output=lambda x: x):
    """The network in torch, float32."""
    w1, b1, w2, b2, w3, b3 = map(torch.tensor, weights)
    x = first(F.linear(torch.tensor(states), w1, b1))
    x = second(F.linear(x, w2, b2))
    return output(F.linear(x, w3, b3)).numpy().astype(np.float64)


def scattered(weights, order, transposed, columns=False):
    """Parameters as a student might keep them: W1 … b3 at the positions of `order`."""
    parameters = [None] * 6
    for position, index in enumerate(order):
        array = weights[position]
        if array.ndim == 2 and transposed[position]:
            array = np.ascontiguousarray(array.T)
        if array.ndim == 1 and columns:
            array = array[None, :]
        parameters[index] = array
    return parameters


@pytest.mark.parametrize(
    "order",
    [(0, 1, 2, 3, 4, 5), (5, 4, 3, 2, 1, 0), (0, 3, 1, 4, 2, 5), (2, 0, 1, 5, 3, 4)],
    ids=str,
)
@pytest.mark.parametrize("turned", list(itertools.product((False, True), repeat=3)), ids=str)
@pytest.mark.parametrize("columns", [False, True], ids=["(n,)", "(1, n)"])
def test_finds_permuted_and_transposed_parameters(weights, states, order, turned, columns):
    flags = (turned[0], False, turned[1], False, turned[2], False)
    parameters = scattered(weights, order, flags, columns)
    found = recognise(parameters, DIMENSIONS, states.astype(np.float64), run(weights, states))
    assert found is not None
    assert found.hidden_is_relu
    assert (found.output, found.output_code) == ("none", None)
    assert found.layout.order == order
    assert found.layout.transposed == flags
    assert all(map(np.array_equal, found.layout.arrange(parameters), weights))


@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("turned", [False, True])
def test_restore_inverts_arrange(weights, turned, columns):
    flags = (turned, False, turned, False, turned, False)
    parameters = scattered(weights, (3, 5, 0, 1, 2, 4), flags, columns)
    shapes = [p.shape for p in parameters]
    for layout in layouts(shapes, *DIMENSIONS):
        back = layout.restore(layout.arrange(parameters), shapes)
        assert all(map(np.array_equal, back, parameters))
        assert [b.shape for b in back] == shapes


@pytest.mark.parametrize("kernel", [(1,), (1, 1)], ids=["1-d", "2-d"])
@pytest.mark.parametrize("turned", [False, True])
def test_matrices_may_be_convolutions_over_one_position(weights, states, kernel, turned):
    flags = (turned, False, False, False, turned, False)
    parameters = scattered(weights, (3, 5, 0, 1, 2, 4), flags)
    parameters = [p.reshape(*p.shape, *kernel) if p.ndim == 2 else p for p in parameters]
    shapes = [p.shape for p in parameters]
    found = recognise(parameters, DIMENSIONS, states.astype(np.float64), run(weights, states))
    assert found is not None
    assert (found.layout.order, found.layout.transposed) == ((3, 5, 0, 1, 2, 4), flags)
    arranged = found.layout.arrange(parameters)
    assert all(map(np.array_equal, arranged, weights))
    back = found.layout.restore(arranged, shapes)
    assert [b.shape for b in back] == shapes
    assert all(map(np.array_equal, back, parameters))


@pytest.mark.parametrize("shape", [(1, 1, -1), (1, -1, 1), (-1, 1)], ids=str)
def test_biases_may_have_dimensions_of_one(weights, states, shape):
    parameters = [p.reshape(shape) if p.ndim == 1 else p for p in weights]
    found = recognise(parameters, DIMENSIONS, states.astype(np.float64), run(weights, states))
    assert found is not None
    assert all(map(np.array_equal, found.layout.arrange(parameters), weights))


@pytest.mark.parametrize(
    ("passes", "code"),
    [(0, "NET_ONE_HIDDEN_LAYER"), (1, None), (2, "NET_EXTRA_HIDDEN_LAYER"), (3, None)],
)
@pytest.mark.parametrize("turned", [False, True])
def test_the_second_layer_may_be_passed_by_or_run_twice(weights, states, passes, code, turned):
    w1, b1, w2, b2, w3, b3 = map(torch.tensor, weights)
    x = torch.relu(F.linear(torch.tensor(states), w1, b1))
    for _ in range(passes):
        x = torch.relu(F.linear(x, w2, b2))
    outputs = F.linear(x, w3, b3).numpy().astype(np.float64)
    flags = (turned, False, turned, False, turned, False)
    parameters = scattered(weights, (2, 0, 1, 5, 3, 4), flags)
    assert miscounted(parameters, DIMENSIONS, states.astype(np.float64), outputs) == code


def test_arranged_weights_are_the_oracles_network(weights, states):
    flags = (True, False, True, False, False, False)
    parameters = scattered(weights, (1, 0, 3, 2, 5, 4), flags)
    layout = Layout((1, 0, 3, 2, 5, 4), flags)
    got = TwoHiddenLayers().forward(layout.arrange(parameters), states)
    np.testing.assert_allclose(got, run(weights, states), rtol=1e-4, atol=1e-4)


def test_shapes_leave_few_layouts_and_equal_ones_stay_apart():
    found = list(layouts(SHAPES, *DIMENSIONS))
    # The two hidden biases may be exchanged, and the square matrix may be stored transposed.
    assert len(found) == 4
    assert len(set(found)) == 4


@pytest.mark.parametrize(
    "shapes",
    [
        SHAPES[:4],
        [*SHAPES, (7,)],
        [(7, 5), (7,), (7, 7), (7,), (3, 7), (4,)],
        [(7, 5), (7,), (7, 6), (7,), (3, 7), (3,)],
        [(7, 5), (7, 7), (3, 7), (7, 7), (7,), (3,)],
        [(7, 5), (7, 7), (3, 7), (7, 7), (7,), (7,)],
        [(), (7,), (7, 7), (7,), (3, 7), (3,)],
    ],
    ids=["four", "seven", "bias", "width", "matrices", "two biases", "scalar"],
)
def test_other_shapes_have_no_layout(shapes, states):
    assert list(layouts(shapes, *DIMENSIONS)) == []
    parameters = [np.zeros(shape) for shape in shapes]
    assert recognise(parameters, DIMENSIONS, states, np.zeros((16, ACTION_DIM))) is None


@pytest.mark.parametrize(
    ("passes", "code"), [(0, "NET_ONE_HIDDEN_LAYER"), (1, None), (2, "NET_EXTRA_HIDDEN_LAYER")]
)
def test_names_a_hidden_layer_passed_by_or_run_twice(weights, states, passes, code):
    w1, b1, w2, b2, w3, b3 = (torch.tensor(w) for w in weights)
    hidden = torch.relu(torch.tensor(states) @ w1.T + b1)
    for _ in range(passes):
        hidden = torch.relu(hidden @ w2.T + b2)
    outputs = (hidden @ w3.T + b3).double().numpy()
    assert miscounted(weights, DIMENSIONS, states.astype(np.float64), outputs) == code
    assert miscounted(weights[:4], DIMENSIONS, states.astype(np.float64), outputs) is None


@pytest.mark.parametrize("name", OTHER_HIDDEN)
@pytest.mark.parametrize("where", ["both", "first", "second"])
def test_names_hidden_activations(weights, states, name, where):
    other = TORCH_HIDDEN[name]
    first = other if where != "second" else torch.relu
    second = other if where != "first" else torch.relu
    found = recognise(
        weights, DIMENSIONS, states.astype(np.float64), run(weights, states, first, second)
    )
    assert found is not None
    assert (found.first, found.second) == (
        name if where != "second" else "ReLU",
        name if where != "first" else "ReLU",
    )
    assert found.output_code is None
    assert not found.hidden_is_relu


@pytest.mark.parametrize(("code", "name"), [output[:2] for output in OUTPUTS])
@pytest.mark.parametrize("hidden", ["ReLU", "tanh"])
def test_names_output_activations(weights, states, code, name, hidden):
    inner = torch.relu if hidden == "ReLU" else torch.tanh
    outputs = run(weights, states, inner, inner, TORCH_OUTPUT[name])
    found = recognise(weights, DIMENSIONS, states.astype(np.float64), outputs)
    assert found is not None
    assert (found.first, found.second, found.output) == (hidden, hidden, name)
    assert found.output_code == code


@pytest.mark.parametrize("name", OTHER_HIDDEN)
def test_hidden_activations_are_torchs(name):
    x = np.linspace(-8, 8, 60).reshape(4, 15)
    expected = TORCH_HIDDEN[name](torch.tensor(x))
    np.testing.assert_allclose(OTHER_HIDDEN[name](x), expected, rtol=1e-7, atol=1e-7)


def test_leaky_relu_by_hand():
    assert _leaky(0.25)(np.array([-4.0, -0.5, 0.0, 0.5, 4.0])).tolist() == [-1, -0.125, 0, 0.5, 4]


def test_softmax_of_rows_far_apart():
    x = np.array([[1000.0, 1000.0], [-1000.0, -1000.0]])
    outputs = {name: function for _code, name, function in OUTPUTS}
    assert OTHER_HIDDEN["softmax"](x).tolist() == [[0.5, 0.5]] * 2
    assert outputs["softmax"](x).tolist() == [[0.5, 0.5]] * 2
    assert outputs["softmax over the batch"](x.T).tolist() == [[0.5, 0.5]] * 2
    np.testing.assert_allclose(outputs["log-softmax"](x), np.full((2, 2), -np.log(2)))


@pytest.mark.parametrize(
    ("got", "expected", "verdict"),
    [
        # 1e-4 of the largest expected value, which is 10, and 1e-6 beside it.
        ([0.0010009, -10.0], [0.0, -10.0], True),
        ([0.0010011, -10.0], [0.0, -10.0], False),
        ([0.0, -10.0010009], [0.0, -10.0], True),
        ([1e-6], [0.0], True),
        ([-1.1e-6], [0.0], False),
        ([1e-3 + 5e-6], [1e-3], False),
        ([], [], True),
        ([1.0], [[1.0]], False),
        ([np.nan], [1.0], False),
        ([1.0], [np.nan], False),
        ([np.inf], [1.0], False),
    ],
)
def test_close(got, expected, verdict):
    assert close(np.array(got), np.array(expected)) is verdict


def test_values_that_overflow_are_no_reason_to_warn(weights, states):
    huge = [w.astype(np.float64) * 1e200 for w in weights]
    nothing = np.full((len(states), ACTION_DIM), np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert recognise(huge, DIMENSIONS, states.astype(np.float64), nothing) is None


@pytest.mark.parametrize(
    ("change", "output"),
    [
        (lambda x: torch.sin(x), lambda x: x),
        (torch.relu, lambda x: 2 * x),
        (torch.relu, lambda x: x + 1),
        (torch.relu, lambda x: x - x.mean(dim=1, keepdim=True)),
        (lambda x: torch.relu(F.layer_norm(x, x.shape[1:])), lambda x: x),
        (lambda x: torch.relu(x).pow(2), lambda x: x),
    ],
    ids=["sine", "doubled", "shifted", "dueling", "layer norm", "squared"],
)
def test_other_networks_are_not_recognised(weights, states, change, output):
    outputs = run(weights, states, change, change, output)
    assert recognise(weights, DIMENSIONS, states.astype(np.float64), outputs) is None


@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_not_finite_outputs_are_not_recognised(weights, states, poison):
    outputs = run(weights, states)
    outputs[3, 1] = poison
    assert recognise(weights, DIMENSIONS, states.astype(np.float64), outputs) is None


def test_forward_of_what_was_recognised(weights, states):
    outputs = run(weights, states, torch.tanh, torch.tanh)
    found = recognise(weights, DIMENSIONS, states.astype(np.float64), outputs)
    again = np.random.default_rng(5).normal(0, 1, (4, STATE_DIM))
    expected = forward(weights, again, (np.tanh, np.tanh, lambda x: x))
    np.testing.assert_allclose(found.forward(weights, again), expected)

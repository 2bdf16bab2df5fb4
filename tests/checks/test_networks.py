"""The name of a network that is built another way, by what its parameters and outputs give away."""

import numpy as np
import pytest

from grader.checks.feedback import Failure
from grader.checks.shapes import PROBE, Shape, bounded, parameter_code

#: 5 states, two hidden layers of 7, 3 actions.
RIGHT = PROBE.expected_shapes()


def without(*places):
    """The right shapes but for those at these places."""
    return [shape for n, shape in enumerate(RIGHT) if n not in places]


def wider(first, second):
    """Three layers with hidden layers of these widths."""
    return [(first, 5), (first,), (second, first), (second,), (3, second), (3,)]


@pytest.mark.parametrize(
    ("got", "code"),
    [
        (RIGHT, None),
        (RIGHT[::-1], None),
        ([shape[::-1] for shape in RIGHT], None),
        ([], "NET_LAYERS_NOT_REGISTERED"),
        ([(7,), (7,), (3,)], "NET_LAYERS_NOT_REGISTERED"),
        # The first or the last layer is missing: what is left does not reach both ends.
        (without(0, 1), "NET_LAYERS_NOT_REGISTERED"),
        (without(4, 5), "NET_LAYERS_NOT_REGISTERED"),
        (without(2, 3, 4, 5), "NET_LAYERS_NOT_REGISTERED"),
        (without(2, 3), "NET_ONE_HIDDEN_LAYER"),
        ([*RIGHT, (7, 7), (7,)], "NET_EXTRA_HIDDEN_LAYER"),
        ([*RIGHT[:2], (9, 7), (9,), *wider(7, 9)[2:]], "NET_EXTRA_HIDDEN_LAYER"),
        (without(1), "NET_NO_BIAS"),
        (without(5), "NET_NO_BIAS"),
        (without(1, 3, 5), "NET_NO_BIAS"),
        # Scale and shift of a normalisation.
        ([*RIGHT, (7,), (7,)], "NET_BATCH_STATISTICS"),
        (wider(128, 128), "NET_HIDDEN_DIM_IGNORED"),
        # One layer alone of another width.
        (wider(7, 64), "NET_HIDDEN_DIM_IGNORED"),
        (wider(64, 7), "NET_HIDDEN_DIM_IGNORED"),
        (wider(7, 14), "NET_HIDDEN_DIM_IGNORED"),
        # A width is ignored before a bias is missing.
        ([s for s in wider(64, 64) if s != (3,)], "NET_HIDDEN_DIM_IGNORED"),
    ],
)
def test_shapes_of_parameters(got, code):
    assert parameter_code(got, PROBE) == code


def test_widths_like_the_ends_are_no_ignored_width():
    # 7 units were asked for, and 5 are as many as states.
    assert parameter_code(wider(7, 5), PROBE) is None


def test_a_default_width_may_be_asked_for():
    shape = Shape(5, 3, None)
    assert parameter_code(shape.expected_shapes(), shape) is None
    assert parameter_code(RIGHT, shape) == "NET_HIDDEN_DIM_IGNORED"


@pytest.mark.parametrize(
    ("got", "low"), [([1.0, -4.9], True), ([5.1, 1.0], False), ([0.0], True), ([-20.0], False)]
)
def test_bounded_is_less_than_half_of_what_is_due(got, low):
    assert bounded(np.array(got), np.array([-10.0, 3.0])) is low


# --- in torch ---

LAYERS = "        self.hidden_2 = nn.Linear(hidden_dim, hidden_dim)\n"
SECOND = "        x = torch.relu(self.hidden_2(x))\n"
OUT = "return self.output(x)"
#: changes in the solution's network, the check that fails, its name
WRONG = {
    # What is left looks like one hidden layer, but the outputs depend on more.
    "the second layer kept in a list": (
        (
            LAYERS,
            "        layers = [nn.Linear(hidden_dim, hidden_dim)]\n"
            "        self.hidden_2 = lambda x: layers[0](x)\n",
        ),
        ("parameters", "hidden_layers"),
        "NET_LAYERS_NOT_REGISTERED",
    ),
    "no second layer": (
        (LAYERS, "", SECOND, ""),
        ("parameters", "hidden_layers"),
        "NET_ONE_HIDDEN_LAYER",
    ),
    "six parameters and one more layer": (
        (
            LAYERS,
            LAYERS + "        self.more = [nn.Linear(hidden_dim, hidden_dim)]\n",
            SECOND,
            SECOND + "        x = torch.relu(self.more[0](x))\n",
        ),
        ("hidden_layers",),
        "NET_LAYERS_NOT_REGISTERED",
    ),
    "the second layer passed by": (
        (SECOND, ""),
        ("hidden_layers",),
        "NET_ONE_HIDDEN_LAYER",
    ),
    "the second layer twice": (
        (SECOND, SECOND * 2),
        ("hidden_layers",),
        "NET_EXTRA_HIDDEN_LAYER",
    ),
    "the second layer of another width": (
        (
            "nn.Linear(hidden_dim, hidden_dim)",
            "nn.Linear(hidden_dim, 64)",
            "nn.Linear(hidden_dim, action_dim)",
            "nn.Linear(64, action_dim)",
        ),
        ("parameters",),
        "NET_HIDDEN_DIM_IGNORED",
    ),
    "noise": (
        (SECOND, SECOND + "        x = x + torch.randn_like(x)\n"),
        ("hidden_layers",),
        None,
    ),
    "another function of the same weights": (
        (SECOND, "        x = torch.relu(self.hidden_2(torch.sin(x)))\n"),
        ("hidden_layers",),
        None,
    ),
}


@pytest.fixture
def judged(source_worker, runner, solution):
    """`judged(check, old, new, …)` is the outcome for the solution's network, changed."""

    def judge(check, *changes):
        source = solution["q_network"]
        for old, new in zip(changes[::2], changes[1::2], strict=True):
            assert old in source
            source = source.replace(old, new)
        return runner(source_worker(q_network=source), "q_network").run(f"q_network.{check}")

    return judge


@pytest.mark.usefixtures("few_examples")
@pytest.mark.parametrize(("changes", "checks", "code"), WRONG.values(), ids=WRONG)
def test_structures_are_named(judged, changes, checks, code):
    for check in checks:
        outcome = judged(check, *changes)
        assert isinstance(outcome, Failure)
        assert outcome.code == code


@pytest.mark.usefixtures("few_examples")
@pytest.mark.parametrize(
    ("new", "code"),
    [
        # Bounded, but too far out to be seen at ordinary weights.
        ("return 3e4 * torch.tanh(self.output(x) / 3e4)", "NET_OUTPUT_BOUNDED"),
        ("return self.output(x).clamp(-500, 500)", "NET_OUTPUT_BOUNDED"),
        ("return self.output(x).clamp(max=500)", None),
        # Wrong at large values, and not bounded.
        ("x = self.output(x)\n        return torch.where(x.abs() > 50, 2 * x, x)", None),
    ],
)
def test_outputs_that_stay_small_are_named(judged, new, code):
    outcome = judged("output_layer", OUT, new)
    assert isinstance(outcome, Failure)
    assert outcome.code == code

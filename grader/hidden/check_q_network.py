"""QNetwork at sizes and numbers of calls that the public checks do not come to."""

from __future__ import annotations

import numpy as np

from grader.checks.compare import apart, close, doubles, list_of_doubles
from grader.checks.feedback import Blocked, Failure
from grader.checks.networks import Networks
from grader.checks.shapes import Shape
from grader.oracle.network import Recognised

PART = "q_network"
SHAPES = 6
CALLS = 300


def check_hidden_sizes(networks: Networks) -> None:
    """The contract's function for larger dimensions and batches."""
    rng = networks.part.rng()
    for _ in range(SHAPES):
        shape = Shape(
            *(int(rng.integers(low, high)) for low, high in ((10, 60), (7, 20), (21, 300)))
        )
        networks.require_parameters(shape)
        rows = int(rng.integers(10, 500))
        networks.require_forward(shape, _recognised(networks, shape), rows=rows)


def check_hidden_many_calls(networks: Networks) -> None:
    """The same function after hundreds of calls, on batches of all sizes."""
    rng = networks.part.rng()
    shape = Shape(6, 5, 9)
    found, weights = _recognised(networks, shape), networks.weights(shape)
    batches = [
        rng.normal(0, 2, (int(rng.integers(1, 40)), shape.state_dim)).astype(np.float32)
        for _ in range(CALLS)
    ]
    trace = networks.play(shape, batches, weights=weights, training=False)
    values = list_of_doubles(weights)
    assert values is not None
    for call, (states, out) in enumerate(zip(batches, trace.outputs, strict=True), start=1):
        expected = found.forward(values, states.astype(np.float64))
        got = doubles(out.array)
        if got is not None and got.size == expected.size:
            got = got.reshape(expected.shape)
        if got is None or not close(got, expected):
            raise Failure(
                f"In call {call} of one network, on {len(states)} states: {apart(got, expected)}.",
                why="The values depend on the weights and the states alone, at every call.",
            )


def _recognised(networks: Networks, shape: Shape) -> Recognised:
    """What the network computes; another check has failed where that is not the contract's."""
    found = networks.recognised(shape)
    if found is None:
        raise Failure(
            f"`{shape.call()}` computes something else than two hidden layers with ReLU.",
            why="Two hidden layers, each followed by a ReLU, then a linear output layer.",
        )
    if networks.layout(shape) is None:
        raise Blocked("q_network.hidden_layers")
    return found

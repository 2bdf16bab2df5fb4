"""Lines that show a fault of `QNetwork` in a Python prompt, with the student's own file."""

from __future__ import annotations

import numpy as np

from grader.checks.prompt import pasted
from grader.checks.shapes import Shape
from grader.oracle.models import TwoHiddenLayers

#: What every weight and bias is set to: positive and negative, so that each ReLU shows.
_VALUES = (0.25, -0.25)
#: States of one number throughout.
_STATES = (1.0, -2.0, 0.5)
_IMPORTS = ("import torch", "from q_network import QNetwork")


def shape_snippet(shape: Shape, rows: int, expected: str) -> str:
    """Lines that call the network on `rows` states and show dtype and shape."""
    return pasted(
        *_IMPORTS,
        f"out = {shape.call()}(torch.randn({rows}, {shape.state_dim}))",
        "print(out.dtype, tuple(out.shape))",
        f"# expected: {expected}",
    )


def parameters_snippet(shape: Shape) -> str:
    """Lines that list the shapes of the parameters."""
    return pasted(
        "from q_network import QNetwork",
        f"print([tuple(p.shape) for p in {shape.call()}.parameters()])",
        f"# expected, in any order: {shape.expected_shapes()}",
    )


def values_snippet(shape: Shape, rows: int) -> str:
    """Lines that set all weights and biases to one value, so that the outputs can be worked out."""
    shown = min(rows, len(_STATES))
    repeats = -(-rows // len(_STATES))
    return pasted(
        *_IMPORTS,
        f"net = {shape.call()}.eval()",
        f"states = torch.tensor({[[x] for x in _STATES[:shown]]}).repeat({repeats}, "
        f"{shape.state_dim})",
        f"for value in {_VALUES}:",
        "    for p in net.parameters():",
        "        p.data[...] = value",
        f"    print(net(states)[:{shown}, 0].tolist())",
        *(f"# expected: {_first_outputs(shape, value)[:shown]}" for value in _VALUES),
    )


def twice_snippet() -> str:
    """Lines that call the network twice on the same states."""
    return pasted(
        *_IMPORTS,
        "net, x = QNetwork(4, 2), torch.randn(3, 4)",
        "print(net(x) - net(x))",
        "# expected: zeros",
    )


def alone_snippet() -> str:
    """Lines that give the network a state in a batch and alone."""
    return pasted(
        *_IMPORTS,
        "net, x = QNetwork(4, 2), torch.randn(6, 4)",
        "print(net(x)[:1] - net(x[:1]))",
        "# expected: zeros, up to 1e-6",
    )


def gradients_snippet() -> str:
    """Lines that run a backward pass and look which parameters it reached."""
    return pasted(
        *_IMPORTS,
        "net = QNetwork(4, 2)",
        "net(torch.randn(8, 4)).sum().backward()",
        "print([p.grad is not None for p in net.parameters()])",
        "# expected: True, six times",
    )


def _first_outputs(shape: Shape, value: float) -> list[float]:
    """The first Q-value of each of the states."""
    weights = [np.full(s, value) for s in shape.expected_shapes()]
    states = np.repeat(np.asarray(_STATES)[:, None], shape.state_dim, axis=1)
    out = TwoHiddenLayers().forward(weights, states)
    return [float(f"{x:.6g}") for x in out[:, 0].tolist()]

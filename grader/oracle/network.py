"""Recognise a student's network by its effect: which parameter is which layer, which activation.

The arrays of `parameters()` are fitted to layers by their shapes and by what the network computes
with known values in them, never by their names.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from grader.oracle.models import Floats, Weights

Activation = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Layout:
    """Where W1, b1, W2, b2, W3, b3 are among the parameters, and which are stored transposed."""

    order: tuple[int, ...]
    transposed: tuple[bool, ...]

    def fits(
        self, shapes: Sequence[tuple[int, ...]], state_dim: int, action_dim: int, hidden_dim: int
    ) -> bool:
        """Whether parameters of these shapes can be read so; for any dimensions."""
        if len(shapes) != 6:
            return False
        wide = (hidden_dim, state_dim), (hidden_dim, hidden_dim), (action_dim, hidden_dim)
        for position, (index, turned) in enumerate(zip(self.order, self.transposed, strict=True)):
            rows, columns = wide[position // 2]
            due = (rows,) if position % 2 else (columns, rows) if turned else (rows, columns)
            if _squeeze(shapes[index]) != _squeeze(due):
                return False
        return True

    def arrange(self, parameters: Sequence[Floats]) -> Weights:
        """The six arrays in the oracle's order and orientation: (out, in) and (out,)."""
        arranged: Weights = []
        for index, transposed in zip(self.order, self.transposed, strict=True):
            array = _without_kernel(parameters[index])
            if array.ndim == 2 and transposed:
                array = array.T
            arranged.append(array)
        return [
            array.reshape(-1) if position % 2 else array for position, array in enumerate(arranged)
        ]

    def restore(self, weights: Weights, shapes: Sequence[tuple[int, ...]]) -> Weights:
        """The inverse of `arrange`: arrays as the student's parameters have them."""
        out: Weights = [np.zeros(0)] * len(shapes)
        for position, (index, transposed) in enumerate(
            zip(self.order, self.transposed, strict=True)
        ):
            array = weights[position]
            if not position % 2 and transposed:
                array = array.T
            out[index] = np.ascontiguousarray(array).reshape(shapes[index])
        return out


def layouts(
    shapes: Sequence[tuple[int, ...]], state_dim: int, action_dim: int, hidden_dim: int
) -> Iterator[Layout]:
    """Every way to read six parameters as three layers; none when their shapes do not allow it.

    The three dimensions must differ from each other and from 1.
    """
    if len(shapes) != 6:
        return
    matrices = [i for i, shape in enumerate(shapes) if len(_squeeze(shape)) == 2]
    vectors = [i for i, shape in enumerate(shapes) if len(_squeeze(shape)) == 1]
    wanted = ((hidden_dim, state_dim), (hidden_dim, hidden_dim), (action_dim, hidden_dim))
    lengths = (hidden_dim, hidden_dim, action_dim)
    for w in itertools.permutations(matrices, 3):
        plain = [_without_kernel(np.empty(shapes[i])).shape for i in w]
        orientations = [_orientations(s, want) for s, want in zip(plain, wanted, strict=True)]
        for turned in itertools.product(*orientations):
            for b in itertools.permutations(vectors, 3):
                if all(shapes[i] and max(shapes[i]) == n for i, n in zip(b, lengths, strict=True)):
                    order = (w[0], b[0], w[1], b[1], w[2], b[2])
                    flags = (turned[0], False, turned[1], False, turned[2], False)
                    yield Layout(order, flags)


def _without_kernel(array: Floats) -> Floats:
    """A matrix kept as a convolution over one position, (out, in, 1), as (out, in)."""
    while array.ndim > 2 and array.shape[-1] == 1:
        array = array[..., 0]
    return array


def _squeeze(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for n in shape if n != 1)


def _orientations(shape: tuple[int, ...], want: tuple[int, int]) -> tuple[bool, ...]:
    plain, turned = shape == want, shape == want[::-1]
    return (False, True) if plain and turned else (False,) if plain else (True,) if turned else ()


# --- activations -----------------------------------------------------------------------------


def relu(x: Floats) -> Floats:
    """max(x, 0)"""
    return np.maximum(x, 0)


def identity(x: Floats) -> Floats:
    """x"""
    return x


def _sigmoid(x: Floats) -> Floats:
    return 0.5 * (1 + np.tanh(x / 2))


def _softmax(x: Floats) -> Floats:
    shifted = np.exp(x - x.max(axis=1, keepdims=True))
    out: Floats = shifted / shifted.sum(axis=1, keepdims=True)
    return out


def _softmax_over_batch(x: Floats) -> Floats:
    return _softmax(x.T).T


def _log_softmax(x: Floats) -> Floats:
    shifted = x - x.max(axis=1, keepdims=True)
    out: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return out


def _elu(x: Floats) -> Floats:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def _selu(x: Floats) -> Floats:
    return 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))


def _softplus(x: Floats) -> Floats:
    out: Floats = np.logaddexp(x, 0)
    return out


def _gelu(x: Floats) -> Floats:
    out: Floats = 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    return out


def _leaky(slope: float) -> Activation:
    def leaky(x: Floats) -> Floats:
        out: Floats = np.where(x > 0, x, slope * x)
        return out

    return leaky


#: Hidden activations other than ReLU, by the name under which they are shown.
OTHER_HIDDEN: dict[str, Activation] = {
    "no activation": identity,
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "leaky ReLU": _leaky(0.01),
    "leaky ReLU (0.1)": _leaky(0.1),
    "leaky ReLU (0.2)": _leaky(0.2),
    "ELU": _elu,
    "SELU": _selu,
    "SiLU": lambda x: x * _sigmoid(x),
    # The tanh form; the one with the error function is as close as rounding.
    "GELU": _gelu,
    "softplus": _softplus,
    "Mish": lambda x: x * np.tanh(_softplus(x)),
    "Hardswish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "hard tanh": lambda x: np.clip(x, -1, 1),
    "ReLU6": lambda x: np.clip(x, 0, 6),
    "absolute value": np.abs,
    "softmax": _softmax,
}
#: Output activations, by the misconception's code.
OUTPUTS: tuple[tuple[str, str, Activation], ...] = (
    ("NET_OUTPUT_RELU", "ReLU", relu),
    ("NET_OUTPUT_SOFTMAX", "softmax", _softmax),
    ("NET_OUTPUT_SOFTMAX", "log-softmax", _log_softmax),
    ("NET_OUTPUT_SOFTMAX", "softmax over the batch", _softmax_over_batch),
    ("NET_OUTPUT_BOUNDED", "sigmoid", _sigmoid),
    ("NET_OUTPUT_BOUNDED", "tanh", np.tanh),
    ("NET_OUTPUT_RELU", "leaky ReLU", _leaky(0.01)),
    ("NET_OUTPUT_RELU", "softplus", _softplus),
    ("NET_OUTPUT_RELU", "absolute value", np.abs),
)


@dataclass(frozen=True)
class Recognised:
    """A network whose outputs are explained: its layout and its activations, by name."""

    layout: Layout
    first: str
    second: str
    output: str
    output_code: str | None
    activations: tuple[Activation, Activation, Activation]

    @property
    def hidden_is_relu(self) -> bool:
        """Both hidden activations are ReLU."""
        return self.first == self.second == "ReLU"

    def forward(self, parameters: Sequence[Floats], states: Floats) -> Floats:
        """The recognised function of states (N, S), giving (N, A)."""
        return forward(self.layout.arrange(parameters), states, self.activations)


def forward(
    weights: Weights, states: Floats, activations: tuple[Activation, Activation, Activation]
) -> Floats:
    """Three layers with an activation after each."""
    w1, b1, w2, b2, w3, b3 = weights
    first, second, last = activations
    hidden = second(first(states @ w1.T + b1) @ w2.T + b2)
    return last(hidden @ w3.T + b3)


def close(got: Floats, expected: Floats) -> bool:
    """Equal up to float32's rounding of sums of this size; NaN is close to nothing."""
    if got.shape != expected.shape:
        return False
    scale = float(np.max(np.abs(expected), initial=0.0))
    return bool(np.all(np.abs(got - expected) <= 1e-4 * scale + 1e-6))


def recognise(
    parameters: Sequence[Floats],
    dimensions: tuple[int, int, int],
    states: Floats,
    outputs: Floats,
) -> Recognised | None:
    """The layout and activations under which `parameters` turn `states` into `outputs`.

    Parameters
    ----------
    parameters : arrays as loaded, in the order of `parameters()`
    dimensions : state_dim, action_dim, hidden_dim, all different and above 1
    states : (N, S)
    outputs : (N, A)

    The contract's network is tried first; None when nothing known fits.
    """
    state_dim, action_dim, hidden_dim = dimensions
    found = list(layouts([p.shape for p in parameters], state_dim, action_dim, hidden_dim))
    doubles = [p.astype(np.float64) for p in parameters]
    for first, second, output in _combinations():
        activations = (first[1], second[1], output[2])
        for layout in found:
            with np.errstate(over="ignore", invalid="ignore"):
                computed = forward(layout.arrange(doubles), states, activations)
            if close(outputs, computed):
                return Recognised(
                    layout, first[0], second[0], output[1], output[0] or None, activations
                )
    return None


def miscounted(
    parameters: Sequence[Floats],
    dimensions: tuple[int, int, int],
    states: Floats,
    outputs: Floats,
) -> str | None:
    """The misconception of a network with six parameters that passes the second hidden layer by, or
    runs through it twice; None when neither fits. Arguments as in `recognise`."""
    codes = {0: "NET_ONE_HIDDEN_LAYER", 2: "NET_EXTRA_HIDDEN_LAYER"}
    state_dim, action_dim, hidden_dim = dimensions
    for layout in layouts([p.shape for p in parameters], state_dim, action_dim, hidden_dim):
        w1, b1, w2, b2, w3, b3 = layout.arrange([p.astype(np.float64) for p in parameters])
        for passes, code in codes.items():
            hidden = relu(states @ w1.T + b1)
            for _ in range(passes):
                hidden = relu(hidden @ w2.T + b2)
            if close(outputs, hidden @ w3.T + b3):
                return code
    return None


def _combinations() -> Iterator[
    tuple[tuple[str, Activation], tuple[str, Activation], tuple[str, str, Activation]]
]:
    """The contract first, then one difference, then two."""
    plain_hidden = ("ReLU", relu)
    plain_output = ("", "none", identity)
    others = list(OTHER_HIDDEN.items())
    yield plain_hidden, plain_hidden, plain_output
    for output in OUTPUTS:
        yield plain_hidden, plain_hidden, output
    for other in others:
        yield other, other, plain_output
        yield other, plain_hidden, plain_output
        yield plain_hidden, other, plain_output
    for output in OUTPUTS:
        for other in others:
            yield other, other, output

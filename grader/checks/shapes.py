"""Shapes of networks and their parameters, and what wrong ones give away."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from grader.checks.compare import Doubles

DEFAULT_HIDDEN = 128


@dataclass(frozen=True)
class Shape:
    """Arguments of `QNetwork`; hidden_dim None leaves the default of 128."""

    state_dim: int
    action_dim: int
    hidden_dim: int | None

    @property
    def hidden(self) -> int:
        """The width of the hidden layers."""
        return DEFAULT_HIDDEN if self.hidden_dim is None else self.hidden_dim

    def call(self) -> str:
        """As Python."""
        hidden = "" if self.hidden_dim is None else f", hidden_dim={self.hidden_dim}"
        return f"QNetwork({self.state_dim}, {self.action_dim}{hidden})"

    def expected_shapes(self) -> list[tuple[int, ...]]:
        """Weights and biases of the three layers, (out, in) and (out,)."""
        s, a, h = self.state_dim, self.action_dim, self.hidden
        return [(h, s), (h,), (h, h), (h,), (a, h), (a,)]


#: Different from each other and from 1, so that every shape belongs to one layer only.
PROBE = Shape(state_dim=5, action_dim=3, hidden_dim=7)


def sized(scale: float) -> str:
    """How many times as large weights are, in words."""
    return "ordinary" if scale == 1 else f"{scale:g} times as large"


def squeeze(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without dimensions of size 1."""
    return tuple(n for n in shape if n != 1)


def width(parameters: list[Doubles], shape: Shape) -> int:
    """The width that the hidden layers really have: another check asks whether it is right."""
    sizes = Counter(n for p in parameters if p.ndim == 2 for n in p.shape)
    for end in (shape.state_dim, shape.action_dim):
        sizes.pop(end, None)
    return sizes.most_common(1)[0][0] if sizes else shape.hidden


def census(shapes: list[tuple[int, ...]]) -> Counter[tuple[int, ...]]:
    """Shapes regardless of order and of the orientation of matrices."""
    return Counter(tuple(sorted(shape)) for shape in shapes)


def parameter_code(got: list[tuple[int, ...]], shape: Shape) -> str | None:
    """The misconception that the shapes of the parameters give away."""
    matrices = [s for s in got if len(s) == 2]
    vectors = [s for s in got if len(s) == 1]
    if not got or len(matrices) == 0:
        return "NET_LAYERS_NOT_REGISTERED"
    widths = {n for s in matrices for n in s} - {shape.state_dim, shape.action_dim}
    if len(matrices) == 3 and widths - {shape.hidden}:
        return "NET_HIDDEN_DIM_IGNORED"
    if len(matrices) == 3 and len(vectors) < 3:
        return "NET_NO_BIAS"
    ends = {shape.state_dim, shape.action_dim}
    reached = {n for s in matrices for n in s} & ends
    if len(matrices) < 3 and reached != ends:
        return "NET_LAYERS_NOT_REGISTERED"
    if len(matrices) == 2:
        return "NET_ONE_HIDDEN_LAYER"
    if len(matrices) > 3:
        return "NET_EXTRA_HIDDEN_LAYER"
    if len(matrices) == 3 and len(vectors) == 5:
        return "NET_BATCH_STATISTICS"
    return None


def bounded(got: Doubles, expected: Doubles) -> bool:
    """Whether outputs stay far below what they should reach."""
    return float(np.abs(got).max()) < 0.5 * float(np.abs(expected).max())


def plural(count: int, noun: str) -> str:
    """A count with its noun."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def listed(shapes: list[tuple[int, ...]]) -> str:
    """Some shapes, as they are shown."""
    return ", ".join(str(s) for s in shapes[:12]) or "none"

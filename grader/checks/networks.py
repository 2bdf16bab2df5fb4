"""Questions about `QNetwork` and what its answers mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, TypeVar

import numpy as np
import numpy.typing as npt

from grader.checks.compare import Doubles, apart, close, doubles, list_of_doubles, show, shown
from grader.checks.feedback import Failure, code_of, failure_of
from grader.checks.network_snippets import (
    gradients_snippet,
    parameters_snippet,
    shape_snippet,
    values_snippet,
)
from grader.checks.part import Part
from grader.checks.seeds import generator
from grader.checks.shapes import (
    Shape,
    bounded,
    census,
    listed,
    parameter_code,
    plural,
    sized,
    squeeze,
    width,
)
from grader.oracle.models import TwoHiddenLayers, Weights
from grader.oracle.network import Layout, Recognised, miscounted, recognise
from grader.protocol.arrays import Array, from_numpy
from grader.protocol.messages import NetworkTrace, PlayNetwork, Value

Dimensions = tuple[int, int, int]
T = TypeVar("T")
Floats32 = npt.NDArray[np.float32]


def batch_of(rows: int, state_dim: int) -> Floats32:
    """Plain states to look at shapes with: (rows, state_dim), from −1 to 1."""
    return np.linspace(-1, 1, rows * state_dim, dtype=np.float32).reshape(rows, state_dim)


_BOUNDED = "NET_OUTPUT_BOUNDED"


class Networks:
    """Plays network scenarios of one part and interprets them.

    What was recognised is kept per shape, since several checks ask for it.
    """

    def __init__(self, part: Part) -> None:
        self.part = part
        self._recognised: dict[Shape, Recognised | None] = {}
        self._shapes: dict[Shape, list[tuple[int, ...]]] = {}

    def play(
        self,
        shape: Shape,
        inputs: list[Floats32],
        *,
        weights: list[Array] | None = None,
        training: bool = True,
        gradient: bool = False,
        rebuild: bool = False,
        positional: bool = False,
        then: list[Array] | None = None,
        any_size: bool = False,
    ) -> NetworkTrace:
        """The trace; `Failure` when student code raised, or when an output has not one number per
        state and action (unless `any_size`). With `rebuild`, the network is built twice over."""
        request = PlayNetwork(
            state_dim=shape.state_dim,
            action_dim=shape.action_dim,
            hidden_dim=shape.hidden_dim,
            weights=weights,
            inputs=[from_numpy(x) for x in inputs],
            training=training,
            gradient=gradient,
            earlier=int(rebuild),
            positional=positional,
            then=then,
        )
        trace = self.part.ask(request, NetworkTrace)
        if trace.raised is not None:
            code = code_of(trace.raised, "NET_")
            also = trace.forward_raised
            if also is not None and also.type == "NotImplementedError":
                raise Failure(
                    f"{failure_of(trace.raised).observed} So did `{also.during}`: {also.message}.",
                    why="These parts of the assignment are TODOs in the starter.",
                    location=failure_of(trace.raised).location,
                )
            raise failure_of(
                trace.raised,
                code=code,
                reproduce=shape_snippet(shape, len(inputs[0]), "no exception"),
            )
        if not any_size:
            for x, out in zip(inputs, trace.outputs, strict=True):
                self._require_size(shape, len(x), out)
        return trace

    def _require_size(self, shape: Shape, rows: int, out: Value) -> None:
        if out.array is not None and int(np.prod(out.array.shape)) == rows * shape.action_dim:
            return
        raise Failure(
            f"`{shape.call()}` on a batch of {rows} gave {out.text or out.type}, expected "
            f"({rows}, {shape.action_dim}) numbers.",
            why="The network gives every action's Q-value for every state of the batch, (B, A).",
            code=self.shape_code(out, rows, shape),
        )

    def parameters(self, shape: Shape) -> list[Doubles]:
        """The initial parameters; `Failure` when a value is not finite."""
        trace = self.play(shape, [batch_of(2, shape.state_dim)])
        values = list_of_doubles([p.value for p in trace.parameters])
        if values is None:
            raise Failure(
                f"The initial weights of `{shape.call()}` are not all finite numbers.",
                why="Training starts from small random weights.",
            )
        return values

    def weights(self, shape: Shape, scale: float = 1.0) -> list[Array]:
        """Random values for every parameter, in the student's order and shapes."""
        if shape not in self._shapes:
            self._shapes[shape] = [p.shape for p in self.parameters(shape)]
        rng = generator(self.part.key, "network", shape.call())
        return [
            from_numpy((scale * rng.normal(0, 0.8, s)).astype(np.float32))
            for s in self._shapes[shape]
        ]

    def recognised(self, shape: Shape) -> Recognised | None:
        """What the network computes with known weights, in evaluation mode; None if unknown."""
        if shape not in self._recognised:
            self._recognised[shape] = self._recognise(shape)
        return self._recognised[shape]

    def _recognise(self, shape: Shape) -> Recognised | None:
        return self._known_outputs(shape, recognise)

    def _known_outputs(
        self, shape: Shape, explain: Callable[[Weights, Dimensions, Doubles, Doubles], T | None]
    ) -> T | None:
        """What `explain` makes of the outputs with known weights, in evaluation mode."""
        rng = generator(self.part.key, "network", "states")
        states = rng.normal(0, 2.5, (16, shape.state_dim)).astype(np.float32)
        weights = self.weights(shape)
        trace = self.play(shape, [states], weights=weights, training=False)
        outputs = doubles(trace.outputs[0].array)
        values = list_of_doubles(weights)
        if outputs is None or values is None or outputs.shape != (16, shape.action_dim):
            return None
        dimensions = (shape.state_dim, shape.action_dim, width(values, shape))
        return explain(values, dimensions, states.astype(np.float64), outputs)

    # --- judgements ---

    def shape_code(self, out: Value, rows: int, shape: Shape) -> str | None:
        """The misconception that an output of this shape gives away."""
        if out.array is None:
            return None
        got, a = out.array.shape, shape.action_dim
        if len(got) < 2 and int(np.prod(got)) == rows * a:
            return "NET_SQUEEZES_BATCH"
        if a > 1 and got in ((rows,), (rows, 1)):
            return "NET_RETURNS_ACTION"
        return None

    def require_parameters(self, shape: Shape) -> None:
        """`Failure` unless `parameters()` holds what three layers with biases hold."""
        trace = self.play(shape, [batch_of(3, shape.state_dim)])
        got = [squeeze(p.value.shape) for p in trace.parameters]
        wanted = shape.expected_shapes()
        frozen = [p.name for p in trace.parameters if not p.requires_grad]
        if frozen and len(got) == len(wanted):
            raise Failure(
                f"Parameter `{frozen[0]}` does not require a gradient.",
                why="Every weight and bias of the network is trained.",
            )
        if census(got) == census([squeeze(s) for s in wanted]):
            return
        total = sum(int(np.prod(p.value.shape)) for p in trace.parameters)
        due = sum(int(np.prod(s)) for s in wanted)
        raise Failure(
            f"`{shape.call()}` has {total:,} trainable numbers in "
            f"{plural(len(got), 'parameter')} ({listed(got)}), expected {due:,}: "
            f"three weight matrices and three biases ({listed(wanted)}).",
            why="Two hidden layers of `hidden_dim` units and one output layer, each with a bias.",
            code=self._structure_code(got, shape),
            reproduce=parameters_snippet(shape),
        )

    def require_forward(
        self, shape: Shape, found: Recognised, rows: int = 5, spread: float = 2.0
    ) -> None:
        """`Failure` unless the network computes what was recognised; `spread` is the states'
        standard deviation."""
        rng = generator(self.part.key, "forward", shape.call(), str(rows))
        states = rng.normal(0, spread, (rows, shape.state_dim)).astype(np.float32)
        weights = self.weights(shape)
        trace = self.play(shape, [states], weights=weights, training=False)
        got, values = doubles(trace.outputs[0].array), list_of_doubles(weights)
        if values is None or len(values) != 6:
            self.require_parameters(shape)
            raise Failure(f"`{shape.call()}` has {len(trace.parameters)} parameters, not six.")
        expected = found.forward(values, states.astype(np.float64))
        if got is not None and got.size == expected.size:
            got = got.reshape(expected.shape)  # shapes are judged by a check of their own
        if got is None or not close(got, expected):
            raise Failure(
                f"With known weights, `{shape.call()}` on {rows} states of about ±{spread:g}: "
                f"{apart(got, expected)}.",
                why="The network is Linear, ReLU, Linear, ReLU, Linear, for any dimensions.",
                reproduce=values_snippet(shape, rows),
            )

    def fail_hidden(self, shape: Shape) -> NoReturn:
        """Say what the hidden layers compute instead."""
        found = self.recognised(shape)
        if found is not None:
            told = " and ".join(dict.fromkeys((found.first, found.second)))
            code = "NET_NO_ACTIVATION" if "no activation" in told else "NET_WRONG_ACTIVATION"
            raise Failure(
                f"Between the linear layers, the outputs fit {told}; expected ReLU after both.",
                why="Two hidden layers, each followed by a ReLU.",
                code=code,
                reproduce=values_snippet(shape, 4),
            )
        trace = self.play(shape, [batch_of(2, shape.state_dim)])
        got = [squeeze(p.value.shape) for p in trace.parameters]
        raise Failure(
            "With known weights, the outputs are not those of Linear, ReLU, Linear, ReLU, Linear.",
            why="Two hidden layers, each followed by a ReLU, then a linear output layer.",
            code=self._structure_code(got, shape),
            reproduce=values_snippet(shape, 4),
        )

    def _structure_code(self, got: list[tuple[int, ...]], shape: Shape) -> str | None:
        """The misconception that the shapes of the parameters give away; `parameters()` misses some
        where the outputs depend on something else."""
        code = parameter_code(got, shape)
        if self._has_more_weights(shape):
            return "NET_LAYERS_NOT_REGISTERED"
        return self._known_outputs(shape, miscounted) if code is None else code

    def _has_more_weights(self, shape: Shape) -> bool:
        """Whether two networks with the same parameters, each of them steady, differ."""
        weights = self.weights(shape)
        states = [batch_of(4, shape.state_dim)]
        one, two = (
            self.play(shape, states, weights=weights, training=False, rebuild=second)
            for second in (False, True)
        )
        first, second = doubles(one.outputs[0].array), doubles(two.outputs[0].array)
        again = doubles(one.again[0].array)
        if first is None or second is None or again is None:
            return False
        return close(again, first) and not close(second, first)

    def fail_output(self, shape: Shape, found: Recognised) -> NoReturn:
        """Say which activation sits on the output."""
        states = batch_of(3, shape.state_dim)
        trace = self.play(shape, [states], weights=self.weights(shape), training=False)
        got = doubles(trace.outputs[0].array)
        raise Failure(
            f"The outputs fit {found.output} after the last layer: with known weights they are "
            f"{shown(got)}, where the linear layer alone gives values of both signs.",
            why="A Q-value is an expected return: it can have any sign and size.",
            code=found.output_code,
            reproduce=values_snippet(shape, 4),
        )

    def require_unbounded(self, shape: Shape, found: Recognised | None) -> None:
        """`Failure` unless outputs reach far beyond CartPole's range on both sides."""
        rng = generator(self.part.key, "far")
        states = rng.normal(0, 3, (32, shape.state_dim)).astype(np.float32)
        for scale in (1.0, 6.0, 40.0):
            weights = self.weights(shape, scale)
            trace = self.play(shape, [states], weights=weights, training=False)
            got, values = doubles(trace.outputs[0].array), list_of_doubles(weights)
            if got is None:
                raise Failure(
                    f"With {sized(scale)} weights the outputs are not finite numbers.",
                    why="A Q-value is an expected return: it can have any sign and size.",
                )
            if found is not None and values is not None and found.hidden_is_relu:
                expected = found.forward(values, states.astype(np.float64))
                if not close(got.reshape(expected.shape), expected):
                    raise Failure(
                        f"With {sized(scale)} weights: "
                        f"{apart(got.reshape(expected.shape), expected)}.",
                        why="Q-values may lie far outside the range that CartPole shows.",
                        code=self._bounded_code(shape, found),
                    )
            # Whatever the hidden layers do: a linear output has both signs and keeps growing.
            elif got.min() >= 0 or got.max() <= 0 or (scale > 5 and np.abs(got).max() < 5):
                raise Failure(
                    f"With {sized(scale)} weights the outputs stay between "
                    f"{show(got.min())} and {show(got.max())}.",
                    why="A Q-value is an expected return: it can have any sign and size.",
                    # What is not registered keeps its own weights.
                    code=_BOUNDED if np.abs(got).max() <= 1 and len(weights) == 6 else None,
                )

    def _bounded_code(self, shape: Shape, found: Recognised) -> str | None:
        """The misconception of outputs that stay far below what huge weights should give."""
        states = batch_of(8, shape.state_dim)
        weights = self.weights(shape, 400.0)
        trace = self.play(shape, [states], weights=weights, training=False)
        got, values = doubles(trace.outputs[0].array), list_of_doubles(weights)
        if got is None or values is None:
            return None
        return _BOUNDED if bounded(got, found.forward(values, states.astype(np.float64))) else None

    def require_gradients(self, shape: Shape) -> None:
        """`Failure` unless the gradient of the summed outputs is that of the function."""
        rng = generator(self.part.key, "gradient")
        states = rng.normal(0, 2, (8, shape.state_dim)).astype(np.float32)
        weights = self.weights(shape)
        trace = self.play(shape, [states], weights=weights, gradient=True, training=False)
        names = [p.name for p in trace.parameters]
        without = [n for n, g in zip(names, trace.gradients or [], strict=False) if g is None] or (
            [] if trace.gradients else ["(none)"]
        )
        if without:
            raise Failure(
                f"No gradient reached the parameter `{without[0]}`.",
                why="Training changes only what the loss depends on through the forward pass.",
                reproduce=gradients_snippet(),
            )
        found = self.recognised(shape)
        got = list_of_doubles(trace.gradients)
        values = list_of_doubles(weights)
        if found is None or got is None or values is None:
            if got is None or all(float(np.abs(g).max(initial=0)) == 0 for g in got):
                raise Failure("The gradients are zero or not finite.")
            return
        if not found.hidden_is_relu or found.output_code is not None:
            return  # a wrong function has another gradient; its own check tells so
        canonical = found.layout.arrange(values)
        ones = np.ones((8, shape.action_dim))
        expected = TwoHiddenLayers().backward(canonical, states.astype(np.float64), ones)
        arranged = found.layout.arrange(got)
        for name, g, e in zip(
            ("W1", "b1", "W2", "b2", "W3", "b3"), arranged, expected, strict=True
        ):
            if not close(g, e):
                raise Failure(
                    f"The gradient of the summed outputs is {show(g)} for {name}, "
                    f"expected {show(e)}.",
                    why="Nothing in the forward pass may be detached or change its gradient.",
                )

    def require_current_weights(self, shape: Shape) -> None:
        """`Failure` unless the outputs follow the weights when these change."""
        rng = generator(self.part.key, "changed")
        states = rng.normal(0, 2, (6, shape.state_dim)).astype(np.float32)
        weights, others = self.weights(shape), self.weights(shape, 0.5)
        changed = self.play(shape, [states], weights=weights, training=False, then=others)
        fresh = self.play(shape, [states], weights=others, training=False)
        got, expected = doubles(changed.after[0].array), doubles(fresh.outputs[0].array)
        if got is None or expected is None or not close(got, expected):
            raise Failure(
                "After the weights were changed, the same states gave "
                f"{shown(got)}, and a network built with those weights gives {shown(expected)}.",
                why="Training changes the weights at every update: nothing may be remembered "
                "from earlier calls.",
            )

    def layout(self, shape: Shape) -> Layout | None:
        """Which parameter is which layer, when the network is the contract's."""
        found = self.recognised(shape)
        if found is None or not found.hidden_is_relu or found.output_code is not None:
            return None
        return found.layout

"""QNetwork: shapes for any dimensions, structure by effect, no output activation."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from grader.checks.compare import Doubles, close, doubles, shown, tensor_problem
from grader.checks.explore import explore
from grader.checks.feedback import Failure
from grader.checks.network_snippets import alone_snippet, shape_snippet, twice_snippet
from grader.checks.networks import Networks, batch_of
from grader.checks.shapes import PROBE, Shape

PART = "q_network"

EXAMPLES = 25


def check_builds(networks: Networks) -> None:
    """Builds with any dimensions and takes a batch of states."""
    for shape in (PROBE, Shape(4, 2, None), Shape(8, 4, 16), Shape(2, 6, 3)):
        trace = networks.play(shape, [batch_of(4, shape.state_dim)], any_size=True)
        out = trace.outputs[0]
        if out.type == "NoneType":
            raise Failure(
                f"`{shape.call()}` on a batch of 4 returned None.",
                why="A function without `return` gives None; forward gives the Q-values.",
            )
        if out.array is None:
            raise Failure(
                f"`{shape.call()}` on a batch of 4 returned {out.text}, expected a tensor.",
                why="The network gives every action's Q-value for every state, (B, A).",
            )
    # The given signature has no names that must be spelled out.
    networks.play(Shape(8, 4, 16), [batch_of(4, 8)], positional=True, any_size=True)


def check_output_shape(networks: Networks) -> None:
    """One Q-value per action for every state, float32."""

    def judge(case: tuple[Shape, int]) -> None:
        shape, rows = case
        trace = networks.play(shape, [batch_of(rows, shape.state_dim)], any_size=True)
        out = trace.outputs[0]
        problem = tensor_problem(
            out, f"the output for {rows} state(s)", (rows, shape.action_dim), "float32"
        )
        if problem is None:
            return
        raise Failure(
            f"With `{shape.call()}`, {problem}",
            why="The network gives every action's Q-value for every state of the batch, (B, A).",
            code=networks.shape_code(out, rows, shape),
            reproduce=shape_snippet(shape, rows, f"torch.float32 and ({rows}, {shape.action_dim})"),
        )

    judge((PROBE, 4))
    explore(
        _cases(), judge, seeded=networks.part.seed(), examples=EXAMPLES, recall=networks.part.recall
    )


def check_parameters(networks: Networks) -> None:
    """Three layers with biases, registered, as wide as asked."""
    for shape in (PROBE, Shape(3, 4, 11), Shape(4, 2, None), Shape(4, 2, 200)):
        networks.require_parameters(shape)


def check_initial_weights(networks: Networks) -> None:
    """Random initial weights that differ from network to network.

    Independent weights with no value likelier than 1/2: the 5 · 7 of the first matrix are all alike
    with probability 2^-34 at most, the 7 · 7 of the second with 2^-48, and all 105 in both networks
    with 2^-105. Together below 6e-11, and far below that for `nn.Linear`, whose values are many.
    Power: one value in a hidden matrix, fixed weights, and a seed in the constructor always fail.
    """
    one, two = (networks.play(PROBE, [batch_of(2, 5)], rebuild=second) for second in (False, True))
    arrays = [doubles(p.value) for p in one.parameters]
    others = [doubles(p.value) for p in two.parameters]
    matrices = [a for a in arrays if a is not None and np.sum(np.asarray(a.shape) > 1) >= 2]
    if not matrices or any(a is None for a in arrays):
        raise Failure(
            "`QNetwork.parameters()` gives no finite weight matrices to start from.",
            why="Training starts from small random weights.",
        )
    # An output layer that starts at zero is a choice: its units are told apart by their targets.
    hidden = [a for a in matrices if PROBE.action_dim not in a.shape]
    if any(np.ptp(a) == 0 for a in hidden):
        raise Failure(
            "The weight matrix of a hidden layer starts with the same value everywhere.",
            why="Units that start equal stay equal: their gradients are the same.",
        )
    same = all(
        a is not None and b is not None and np.array_equal(a, b)
        for a, b in zip(arrays, others, strict=False)
    )
    if same:
        raise Failure(
            "Two networks built one after the other start with identical weights.",
            why="Something fixes the initial weights or re-seeds a global generator.",
        )


def check_hidden_layers(networks: Networks) -> None:
    """Two hidden layers with ReLU between the linear layers."""
    found = networks.recognised(PROBE)
    if found is None or not found.hidden_is_relu:
        networks.fail_hidden(PROBE)
    assert found is not None
    networks.require_forward(PROBE, found)
    networks.require_forward(PROBE, found, rows=700)
    networks.require_forward(PROBE, found, spread=500.0)
    networks.require_forward(Shape(20, 12, 150), found)

    def judge(case: tuple[Shape, int]) -> None:
        networks.require_forward(case[0], found, rows=case[1])

    explore(
        _cases(), judge, seeded=networks.part.seed(), examples=EXAMPLES, recall=networks.part.recall
    )


def check_output_layer(networks: Networks) -> None:
    """No activation on the output: Q-values of any sign and size."""
    found = networks.recognised(PROBE)
    if found is not None and found.output_code is not None:
        networks.fail_output(PROBE, found)
    networks.require_unbounded(PROBE, found)


def check_rows_independent(networks: Networks) -> None:
    """The same state gives the same values: alone, in any batch, at any time."""
    states = networks.part.rng("states").normal(0, 2, (6, 5)).astype(np.float32)
    weights = networks.weights(PROBE)
    inputs = [states, states[2:3], states[::-1].copy(), states[1:4]]
    _require_states_kept(networks, states)
    for training in (True, False):
        trace = networks.play(PROBE, inputs, weights=weights, training=training)
        for out, again in zip(trace.outputs, trace.again, strict=True):
            first, second = doubles(out.array), doubles(again.array)
            if first is None or second is None or not close(second, first, rel=1e-5):
                raise Failure(
                    f"The same states gave {shown(first)} and then {shown(second)}.",
                    why="Acting greedily and the TD target need one value per state and action.",
                    code=None if first is None or second is None else "NET_STOCHASTIC_LAYER",
                    reproduce=twice_snippet(),
                )
        whole, alone, turned, part = (doubles(out.array) for out in trace.outputs)
        pairs = (
            (alone, None if whole is None else whole[2:3], "alone"),
            (turned, None if whole is None else whole[::-1], "in another order"),
            (part, None if whole is None else whole[1:4], "in a smaller batch"),
        )
        for got, expected, where in pairs:
            if got is not None and expected is not None and got.size == expected.size:
                got = got.reshape(expected.shape)  # a dropped batch dimension is told elsewhere
            if got is None or expected is None or not close(got, expected, rel=1e-4):
                raise Failure(
                    f"A state's Q-values change when it is given {where}: "
                    f"{shown(expected)} became {shown(got)}.",
                    why="Every row of the batch is a state for itself.",
                    code="NET_BATCH_STATISTICS",
                    reproduce=alone_snippet(),
                )
    networks.require_current_weights(PROBE)


def _require_states_kept(networks: Networks, states: Doubles) -> None:
    """`Failure` when `forward` writes to the states."""
    for spread in (1, 1000):
        seen = networks.play(PROBE, [(spread * states).astype(np.float32)])
        if seen.inputs_changed:
            raise Failure(
                "`forward` changed the states it was given.",
                why="The batch is used again afterwards; a forward pass only reads it.",
            )


def check_gradients(networks: Networks) -> None:
    """Gradients reach every parameter and are those of the network's function."""
    networks.require_gradients(PROBE)


def _cases() -> st.SearchStrategy[tuple[Shape, int]]:
    dimensions = st.builds(Shape, st.integers(1, 9), st.integers(1, 6), st.integers(1, 20))
    return st.tuples(dimensions, st.integers(1, 9))

"""ReplayBuffer.sample at sizes that the public checks do not come to."""

from __future__ import annotations

from collections import Counter

import numpy as np

from grader.checks import wrong_draws
from grader.checks.chance import count_bounds
from grader.checks.compare import tensor_problem
from grader.checks.draws import FIELDS, Draws, distinct_transitions, identify
from grader.checks.feedback import Failure

PART = "sample"
SIZES = 3
STORED, DRAWN, TIMES, PUSHED = 40, 17, 400, 211


def check_hidden_sizes(draws: Draws) -> None:
    """Exact fields for larger states, buffers and batches."""
    rng = draws.part.rng()
    for n in range(SIZES):
        state_dim, batch_size = int(rng.integers(6, 40)), int(rng.integers(151, 260))
        count = batch_size + int(rng.integers(0, 100))
        stored = distinct_transitions(count, draws.part.rng(str(n)), state_dim)
        for name, item in zip(FIELDS, draws.items(stored, batch_size), strict=True):
            shape = (batch_size, state_dim) if name.endswith("states") else (batch_size,)
            dtype = "int64" if name == "actions" else "float32"
            problem = tensor_problem(item, name, shape, dtype)
            if problem is not None:
                raise Failure(
                    f"`sample({batch_size})` of {count} states with {state_dim} numbers: {problem}",
                    why="Shapes and dtypes are the same whatever the sizes.",
                )
        fields = draws.fields(stored, batch_size, 2)
        found = identify(stored, fields)
        wrong_draws.require_values(stored, fields, found, draws.blame)
        wrong_draws.require_alignment(stored, fields, found, draws.blame)


def check_hidden_uniform(draws: Draws) -> None:
    """Each of the newest transitions is in as many batches as chance allows, and no other is.

    400 draws of 17 from the newest 40 of 211. Without replacement each row is in a batch with
    probability 17/40, with replacement with 1 − (39/40)^17: 40 counts, each at 1/40 of 1e-9.
    Which of the two it is, the batches say: with replacement a batch repeats no row with
    probability below 0.02, so all 400 with 0.02^400.
    Power: a row that never comes, or always, is found for certain; one that comes a third as often
    as it should with more than 1 − 3e-6.
    """
    pushed = distinct_transitions(PUSHED, draws.part.rng())
    rows = draws.identified(pushed, DRAWN, TIMES, capacity=STORED).rows
    if rows is None:
        raise Failure("The draws cannot be told apart: no field holds only what was pushed.")
    batches = [set(draw) for draw in rows.tolist()]
    replaced = any(len(batch) < DRAWN for batch in batches)
    p = 1 - (1 - 1 / STORED) ** DRAWN if replaced else DRAWN / STORED
    low, high = count_bounds(TIMES, p, STORED)
    counts = Counter(row for batch in batches for row in batch)
    for row in np.arange(PUSHED).tolist():
        least, most = (low, high) if row >= PUSHED - STORED else (0, 0)
        if not least <= counts[row] <= most:
            raise Failure(
                f"Of {PUSHED} transitions pushed into a buffer for {STORED}, number {row + 1} was "
                f"in {counts[row]} of {TIMES} batches of {DRAWN}; expected {least} to {most}.",
                why="Each of the stored transitions is equally likely, in each batch.",
            )

"""Are the actions ε-greedy in the weights that the judge knows?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from grader.cartpole.environment import Floats
from grader.cartpole.evidence import Evidence
from grader.oracle.models import TwoHiddenLayers, Weights

#: Values closer than this, relative to their size, may be rounded either way.
TIE = 1e-4
#: A policy that keeps the pole up: whoever acts by some rule of this kind agrees with it often.
RULE = np.array([0.02, 0.1, 1.0, 0.4], np.float32)

Actions = npt.NDArray[np.int64]


class Acting:
    """Follows the actions of one attempt.

    With probability ε an action is either one at random, otherwise it is the greedy one: so the
    probability of each is known, and whatever one guesses of the next action from what came before
    comes true as often as that says.
    """

    def __init__(self, environments: int) -> None:
        self._evidence = Evidence(
            (
                "q_net's greedy action",
                "action 1",
                "towards the side to which the pole leans",
                "towards the side to which the pole turns",
                "those of a balancing rule",
                "the action taken before in the same environment",
                "the action taken in the environment before",
            )
        )
        self._before: Actions = np.zeros(environments, np.int64)

    def check(
        self, states: Floats, actions: Actions, epsilon: float, weights: Weights
    ) -> str | None:
        """What speaks against the actions (N,) in `states` (N, 4), if anything does."""
        values = TwoHiddenLayers().forward(weights, states)
        greedy = values.argmax(axis=1)
        clear = np.abs(values[:, 1] - values[:, 0]) > TIE * np.abs(values).sum(axis=1)
        p_right = epsilon / 2 + (1 - epsilon) * greedy
        guesses = np.stack(
            [
                greedy,
                np.ones_like(greedy),
                states[:, 2] > 0,
                states[:, 3] > 0,
                states @ RULE > 0,
                self._before,
                np.roll(actions, 1),
            ]
        )
        # The first row has no row before it.
        counts = np.broadcast_to(clear, guesses.shape).astype(np.float64)
        counts[-1, 0] = 0
        hits = (guesses == actions) * counts
        self._evidence.add(hits, counts, np.where(guesses == 1, p_right, 1 - p_right))
        self._before = actions
        return self._evidence.against()

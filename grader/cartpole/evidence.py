"""Evidence, collected over a whole run, that something is not as random as it should be."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.floating]

#: A correct submission fails by chance with at most this probability, over a whole grading. In it,
#: three attempts have one `Evidence` for the actions and one for the draws each.
FALSE_FAILURE = 1e-9
SHARES = 6
#: Stakes of the bets: the small ones notice a slight bias in the long run, the large ones a strong
#: bias at once.
STAKES = np.array([s * sign for s in (0.02, 0.06, 0.2, 0.6, 1.8) for sign in (-1, 1)])


class Evidence:
    """Counts of hits whose probabilities are known before they are seen, one row for each claim.

    For a hit x that comes with probability p, and any stake λ, M = Π exp(λ x) / (1 − p + p exp(λ))
    is a martingale with mean 1: at no time of the run does it exceed 1/α but with probability α
    (Ville, 1939). So every claim can be looked at after every update. Each of `claims` × stakes has
    an equal share of `FALSE_FAILURE`, by the union bound. Drawing without replacement has smaller
    moment generating functions than drawing with it (Hoeffding, 1963, theorem 4), so M is then a
    supermartingale and the bound holds too.
    """

    def __init__(self, claims: Sequence[str]) -> None:
        self.claims = list(claims)
        self._log_m = np.zeros((len(claims), len(STAKES)))
        self._hits = np.zeros(len(claims))
        self._expected = np.zeros(len(claims))
        self._trials = np.zeros(len(claims))
        self._threshold = math.log(self._log_m.size * SHARES / FALSE_FAILURE)

    def add(self, hits: Numbers, trials: Numbers, p: Numbers) -> None:
        """So many hits of so many trials with probability `p`; all (claims, n) for n groups."""
        moment = np.log1p(p[..., None] * np.expm1(STAKES))
        self._log_m += (STAKES * hits[..., None] - trials[..., None] * moment).sum(axis=1)
        self._hits += hits.sum(axis=1)
        self._trials += trials.sum(axis=1)
        self._expected += (trials * p).sum(axis=1)

    def against(self) -> str | None:
        """The claim that is refuted, with its numbers; None while chance explains everything."""
        strength = self._log_m.max(axis=1)
        worst = int(strength.argmax())
        if strength[worst] <= self._threshold:
            return None
        return (
            f"of {self._trials[worst]:,.0f}, {self._hits[worst]:,.0f} were "
            f"{self.claims[worst]}, {self._expected[worst]:,.0f} expected"
        )

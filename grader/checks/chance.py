"""What chance allows: bounds for counts, and generators that seem to have been seeded again.

Every random check states the probability with which it fails a correct submission, and its power
against the mistakes it is there for. `tests/checks/test_statistics.py` works them out again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

#: Every random check of the grader fails a correct submission with at most this probability.
FALSE_FAILURE = 1e-9
#: The part of it that is left to rounding: sums of `_probability` are off by a factor within
#: 1 ± 1e-10 (three logarithms of up to 1e4, each to 16 digits).
_ROUNDING = 1e-9

GENERATORS = ("random", "numpy.random", "torch")


def count_bounds(trials: int, p: float, cells: int) -> tuple[int, int]:
    """The smallest and the largest count to accept, of `trials` with probability `p`.

    P(any of `cells` counts outside) ≤ `FALSE_FAILURE`, whatever their dependence: the union bound
    gives each of them an equal share, and each side half of it. The bounds come from the exact
    binomial distribution, and are the tightest that do.
    """
    if p <= 0:
        return 0, 0
    if p >= 1:
        return trials, trials
    share = FALSE_FAILURE * (1 - _ROUNDING) / (2 * cells)
    low = 0
    mass = 0.0
    for k in range(trials + 1):
        mass += _probability(k, trials, p)
        if mass > share:
            low = k
            break
    high = trials
    mass = 0.0
    for k in range(trials, -1, -1):
        mass += _probability(k, trials, p)
        if mass > share:
            high = k
            break
    return low, high


def reseeded(draws_after: Callable[[int], Sequence[float]]) -> str | None:
    """The global generator, if any, whose next number does not depend on an earlier seed.

    `draws_after(seed)` has the generators seeded, the submission's method called, and one number
    drawn from each. Unrelated numbers agree with probability 2^-53, but torch's with 2^-24 > 1e-9:
    a third seed is tried when two agree. Correct code fails with 2^-48 + 2 · 2^-106 < 4e-15, code
    that seeds always.
    """
    seen = [draws_after(101), draws_after(202)]
    if any(one == two for one, two in zip(*seen, strict=True)):
        seen.append(draws_after(303))
        for i, name in enumerate(GENERATORS):
            if len({numbers[i] for numbers in seen}) == 1:
                return name
    return None


def _probability(k: int, n: int, p: float) -> float:
    log = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return math.exp(log + k * math.log(p) + (n - k) * math.log1p(-p))

"""Bounds for counts, from the exact binomial distribution.

A correct submission leaves the bounds with at most the probability that the caller names; the
derivation is the union bound: each of `cells` counts gets an equal share, each side half of it.
"""

from __future__ import annotations

import math

#: Every random check of the grader fails a correct submission with at most this probability.
FALSE_FAILURE = 1e-9


def count_bounds(trials: int, p: float, cells: int) -> tuple[int, int]:
    """The smallest and the largest count to accept, of `trials` with probability `p`.

    P(any of `cells` counts outside) ≤ `FALSE_FAILURE`, whatever their dependence.
    """
    if p <= 0:
        return 0, 0
    if p >= 1:
        return trials, trials
    share = FALSE_FAILURE / (2 * cells)
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


def _probability(k: int, n: int, p: float) -> float:
    log = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return math.exp(log + k * math.log(p) + (n - k) * math.log1p(-p))

"""The statistics of the study: exact binomial bounds, and rank correlation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from grader.trials.statistics import ranks


def upper_bound(failures: int, runs: int, confidence: float = 0.99) -> float:
    """One-sided upper bound for a probability, from so many failures in independent runs.

    Exact (Clopper & Pearson, 1934): the p at which so few failures, or fewer, have probability
    1 − confidence. No failure at all gives 1 − (1 − confidence)^(1/n).
    """
    if not 0 <= failures <= runs or runs < 1:
        raise ValueError(f"{failures} failures in {runs} runs")
    if failures == runs:
        return 1.0
    low, high = failures / runs, 1.0
    for _ in range(200):
        middle = (low + high) / 2
        if _at_most(failures, runs, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def _at_most(count: int, runs: int, p: float) -> float:
    """P(X ≤ count) for X binomial, 0 < p < 1 or 0; summed from logarithms."""
    if p <= 0:
        return 1.0
    if p >= 1:
        return 0.0
    total = 0.0
    for k in range(count + 1):
        ways = math.lgamma(runs + 1) - math.lgamma(k + 1) - math.lgamma(runs - k + 1)
        total += math.exp(ways + k * math.log(p) + (runs - k) * math.log1p(-p))
    return total


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Spearman's ρ, ties sharing their mean rank; None when a side does not vary."""
    if len(first) != len(second):
        raise ValueError("pairs have two sides")
    x, y = ranks(first), ranks(second)
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return float(np.corrcoef(x, y)[0, 1])


def chance_correlation(pairs: int) -> float:
    """What |ρ| of so many independent pairs stays below 99 times in 100.

    ρ is then about normal with standard deviation 1/√(n − 1).
    """
    return min(1.0, 2.5758 / math.sqrt(pairs - 1)) if pairs > 1 else 1.0

"""Whether two groups of runs differ by more than chance: rank sums, and many of them at once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from grader.trials.statistics import ranks

#: Exact up to so many values in all; beyond, the normal approximation is as good.
EXACT_UP_TO = 100


def rank_sum_p(first: Sequence[float], second: Sequence[float]) -> float:
    """Two-sided p-value of the rank-sum test (Wilcoxon, 1945; Mann & Whitney, 1947).

    The probability that labels dealt out at random to these values give the first group a rank sum
    at least as far from its expectation; ties share their mean rank. Exact for up to
    `EXACT_UP_TO` values.
    """
    # Twice the mean ranks are whole numbers.
    doubled = np.rint(2 * ranks([*first, *second])).astype(np.int64)
    n, total = len(first), len(doubled)
    if not 0 < n < total:
        raise ValueError("two groups, and none of them empty")
    expected = n * (total + 1)
    distance = abs(int(doubled[:n].sum()) - expected)
    if distance == 0:
        return 1.0
    if total > EXACT_UP_TO:
        # Variance of a sum of n draws without replacement.
        variance = n * (total - n) / (total - 1) * float(np.var(doubled))
        return math.erfc((distance - 0.5) / math.sqrt(2 * variance))
    sums = _sums(doubled, n)
    far = np.abs(np.arange(len(sums)) - expected) >= distance
    return min(1.0, float(np.sum(sums[far])))


def _sums(values: npt.NDArray[np.int64], n: int) -> npt.NDArray[np.float64]:
    """Probability of each sum of n of these whole numbers, drawn without replacement."""
    # chances[k, s]: k of the values seen so far were drawn, and add up to s
    chances = np.zeros((n + 1, int(values.sum()) + 1))
    chances[0, 0] = 1.0
    for seen, value in enumerate(values):
        missing = n - np.arange(n + 1)
        drawn = chances * np.clip(missing / (len(values) - seen), 0, 1)[:, None]
        chances -= drawn
        chances[1:, value:] += drawn[:-1, : drawn.shape[1] - value]
    sums: npt.NDArray[np.float64] = chances[n]
    return sums


def superiority(first: Sequence[float], second: Sequence[float]) -> float:
    """P(X > Y) + P(X = Y)/2 for one value of each group (Vargha & Delaney's A, 2000)."""
    x, y = np.asarray(first)[:, None], np.asarray(second)[None, :]
    return float(np.mean((x > y) + 0.5 * (x == y)))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """p-values that keep their meaning when all are looked at (Holm, 1979)."""
    adjusted: dict[str, float] = {}
    highest = 0.0
    for place, (name, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        highest = max(highest, min(1.0, (len(p_values) - place) * p))
        adjusted[name] = highest
    return adjusted


def sign_p(positive: int, count: int) -> float:
    """Two-sided p-value of so many positive signs of `count`, if both are equally likely."""
    fewer = min(positive, count - positive)
    tail = sum(math.comb(count, k) for k in range(fewer + 1))
    return min(1.0, 2 * tail * 0.5**count)

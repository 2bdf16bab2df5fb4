"""Quantiles that may hold runs without end, and ranks with ties."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values does not exceed; infinities are values like others.

    The inverse of the empirical distribution, averaged where it jumps (type 2 of Hyndman & Fan,
    1996), so that a share of 0.5 gives the usual median.
    """
    ordered = sorted(values)
    if not ordered or not 0 < share < 1:
        raise ValueError("no values, or a share that is not between 0 and 1")
    position = len(ordered) * share
    whole = math.floor(position + 1e-9)
    if abs(position - whole) < 1e-9:
        return (ordered[whole - 1] + ordered[whole]) / 2
    return ordered[whole]


def ranks(values: Sequence[float]) -> npt.NDArray[np.float64]:
    """Ranks (n,) from 1; values that are equal share the mean of theirs."""
    array = np.asarray(values, float)
    _distinct, where, counts = np.unique(array, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean_rank: npt.NDArray[np.float64] = (last - (counts - 1) / 2)[where]
    return mean_rank

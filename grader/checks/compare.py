"""Comparing what came back with what was due, in the order in which it is best told.

First whether it is a tensor at all, then shape, dtype and values.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from grader.oracle.models import Floats
from grader.protocol.arrays import Array, to_numpy
from grader.protocol.errors import ProtocolError
from grader.protocol.messages import Value

#: Values as float64.
Doubles = Floats

#: Relative to the largest expected value; float32 sums of the sizes used here stay far below.
TOLERANCE = 1e-4


def tensor_problem(value: Value, name: str, shape: tuple[int, ...], dtype: str) -> str | None:
    """What keeps `value` from being a tensor of this shape and dtype, or None."""
    wanted = Array(dtype, shape, None).describe()
    if value.array is None or value.type.startswith("numpy."):
        return f"{name} must be a tensor {wanted}, got {value.text or value.type}."
    if value.type == "ndarray":
        return f"{name} must be a tensor {wanted}, got a NumPy array."
    if value.array.shape != shape:
        return f"{name} must have shape {shape}, got {value.array.shape}."
    if value.array.dtype != dtype:
        return f"{name} must be {dtype}, got {value.array.dtype}."
    return None


def doubles(array: Array | None) -> Doubles | None:
    """The values as float64, or None when they were not sent or are not all finite."""
    if array is None:
        return None
    try:
        values = to_numpy(array).astype(np.float64)
    except (ProtocolError, TypeError, ValueError):
        return None
    return values if bool(np.isfinite(values).all()) else None


def close(got: Any, expected: Any, *, scale: float | None = None, rel: float = TOLERANCE) -> bool:
    """Equal shapes and, entry by entry, values within `rel` of the scale; NaN is never close.

    `scale` is the size of the terms that were added up; by default the largest expected value.
    """
    got = np.asarray(got, np.float64)
    expected = np.asarray(expected, np.float64)
    if got.shape != expected.shape:
        return False
    if scale is None:
        scale = float(np.max(np.abs(expected), initial=0.0))
    with np.errstate(invalid="ignore", over="ignore"):
        return bool(np.all(np.abs(got - expected) <= rel * scale + 1e-7))


def list_of_doubles(arrays: list[Array] | list[Array | None] | None) -> list[Doubles] | None:
    """All arrays as float64, or None when one is missing or not finite."""
    if arrays is None:
        return None
    values = [doubles(array) for array in arrays]
    return None if any(v is None for v in values) else [v for v in values if v is not None]


def apart(got: Doubles | None, expected: Doubles) -> str:
    """`got …, expected …` for the entry that differs most, with digits enough to tell."""
    if got is None or got.shape != expected.shape:
        if got is not None:
            return f"got shape {got.shape}, expected {expected.shape}"
        return f"got {shown(got)}, expected {show(expected)}"
    worst = np.unravel_index(np.abs(got - expected).argmax(), expected.shape)
    a, b = float(got[worst]), float(expected[worst])
    digits = next((n for n in range(4, 12) if f"{a:.{n}g}" != f"{b:.{n}g}"), 12)
    return f"got {a:.{digits}g}, expected {b:.{digits}g}"


def shown(numbers: Doubles | None) -> str:
    """`show`, or what to call something that is not made of finite numbers."""
    return "something that is not all finite numbers" if numbers is None else show(numbers)


def show(numbers: Any, digits: int = 4) -> str:
    """A number, or a short row of them, as a student reads them."""
    flat = np.asarray(numbers, np.float64).ravel()
    if flat.size == 1:
        return f"{flat[0]:.{digits}g}"
    shown = ", ".join(f"{x:.{digits}g}" for x in flat[:6])
    return f"[{shown}{', …' if flat.size > 6 else ''}]"

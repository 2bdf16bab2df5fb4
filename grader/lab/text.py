"""Numbers as text."""

from __future__ import annotations

import math


def number(value: float, sign: str = "") -> str:
    """Rounded to whole numbers, or to a tenth of a million; `sign` is `+` to show it always."""
    if math.isinf(value):
        return "∞"
    if abs(value) >= 1e6:
        return f"{value / 1e6:{sign},.1f} million"
    return f"{value:{sign},.0f}".replace("-", "−")


def p_value(p: float) -> str:
    """With the relation that belongs to it: `= 0.04`, `< 0.001`."""
    return "< 0.001" if p < 0.001 else f"= {p:.2g}"

"""A curve in one line of text."""

from __future__ import annotations

from collections.abc import Sequence

_BLOCKS = "▁▂▃▄▅▆▇█"
_ASCII = "_.-~=+*#"


def sparkline(values: Sequence[float], *, top: float, width: int, ascii_only: bool) -> str:
    """At most `width` characters for values from 0 to `top`; the last value is always shown."""
    if not values:
        return ""
    symbols = _ASCII if ascii_only else _BLOCKS
    count = min(width, len(values))
    picked = [values[round((i + 1) * len(values) / count) - 1] for i in range(count)]
    steps = len(symbols) - 1
    return "".join(symbols[round(steps * min(max(v / top, 0.0), 1.0))] for v in picked)

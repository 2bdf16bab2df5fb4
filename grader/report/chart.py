"""The curves of the CartPole run as shapes for the HTML report.

Drawn by the page itself, they follow its colours by day and by night, keep a size of letters that
can be read on a phone, and cost a class nothing: the picture of `curve.py` takes a good part of a
second each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from grader.report.model import SolveEntry

WIDTH, HEIGHT = 440, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 10, 14, 34
#: Values above the bound are cut off at this multiple of it: a line would flatten all others.
_HEADROOM = 3.0
_RETURNS_TOP = 520.0


@dataclass(frozen=True)
class Tick:
    """A place on an axis, in pixels, and what stands there."""

    at: float
    label: str


@dataclass(frozen=True)
class Chart:
    """One pair of axes; `lines` hold an SVG path per attempt, empty where nothing is drawn.

    `limit` is the line that values are held against.
    """

    title: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    limit: Tick
    lines: list[str]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM


def charts(solve: SolveEntry) -> list[Chart]:
    """Greedy return with the threshold, and mean max-Q with its bound; none without a curve."""
    if not any(attempt.curve for attempt in solve.attempts):
        return []
    end = max(u for a in solve.attempts for u, _v in [*a.curve, *a.max_q, (1, 0.0)])
    returns = [[(u, mean) for u, mean in a.curve] for a in solve.attempts]
    values = [[(u, q) for u, q in a.max_q if q is not None] for a in solve.attempts]
    bound = solve.max_q_bound
    seen = [q for line in values for _u, q in line]
    top = min(max([bound, *seen]) * 1.08, _HEADROOM * bound)
    bottom = max(min([0.0, *seen]), -top)
    return [
        _chart(
            "Greedy return, mean over the episodes",
            returns,
            (0.0, _RETURNS_TOP),
            end,
            (solve.threshold, f"threshold {solve.threshold:.0f}"),
        ),
        _chart(
            "Mean max-Q: what the agent expects",
            values,
            (bottom, top),
            end,
            (bound, f"1/(1 − γ) = {bound:.0f}: more is impossible"),
        ),
    ]


def _chart(
    title: str,
    lines: Sequence[Sequence[tuple[int, float]]],
    span: tuple[float, float],
    end: int,
    limit: tuple[float, str],
) -> Chart:
    low, high = span

    def x(updates: float) -> float:
        return round(_LEFT + updates / end * (WIDTH - _LEFT - _RIGHT), 1)

    def y(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return round(HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM), 1)

    return Chart(
        title=title,
        x_ticks=[Tick(x(n), f"{n:,.0f}") for n in _ticks(0, end)],
        y_ticks=[Tick(y(n), f"{n:,.4g}".replace("-", "−")) for n in _ticks(low, high)],
        limit=Tick(y(limit[0]), limit[1]),
        lines=[
            " ".join(f"{'L' if n else 'M'}{x(u)} {y(v)}" for n, (u, v) in enumerate(line))
            for line in lines
        ],
    )


def _ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers from `low` to `high`."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    return [n * step for n in range(math.ceil(low / step), math.floor(high / step + 1e-9) + 1)]

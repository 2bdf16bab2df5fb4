"""The curve of the CartPole run as a picture."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grader.cartpole.schedule import MAX_EPISODE_STEPS
from grader.figures import BLUE, GREEN, VERMILION, image, styled
from grader.report.model import SolveEntry
from grader.report.words import outcome

#: Values drawn above the bound, as a multiple of it; beyond, a line would flatten all others.
_HEADROOM = 3.0
_STYLES = ((BLUE, "-"), (VERMILION, "--"), (GREEN, "-."))


def curve_svg(solve: SolveEntry) -> bytes:
    """Greedy return and mean max-Q over updates, a line per attempt, as SVG.

    The first has the threshold beside it, the second the bound 1/(1 − γ): with rewards of at most 1
    no policy earns more, so that what lies above is overestimation. A run without a screening gives
    a picture that says so.
    """
    with styled("curve"):
        figure = Figure(figsize=(7, 5.5), layout="constrained")
        returns, values = figure.subplots(2, 1, sharex=True)
        _draw_returns(returns, solve)
        _draw_values(values, solve)
        if not any(attempt.curve for attempt in solve.attempts):
            figure.suptitle("The agent was not trained, or not for long enough to be looked at.")
        return image(figure, "svg")


def _draw_returns(axes: Axes, solve: SolveEntry) -> None:
    for n, attempt in enumerate(solve.attempts):
        points = [(float(updates), mean) for updates, mean in attempt.curve]
        _line(axes, n, points, f"attempt {n + 1}: {outcome(attempt)}")
    _limit(axes, solve.threshold, f"threshold {solve.threshold:.0f}")
    axes.set_ylim(0, MAX_EPISODE_STEPS * 1.04)
    axes.set_ylabel("greedy return, mean")
    axes.set_title("CartPole-v1: the greedy policy during training")
    if solve.attempts:
        axes.legend(loc="lower right", fontsize=9)


def _draw_values(axes: Axes, solve: SolveEntry) -> None:
    for n, attempt in enumerate(solve.attempts):
        _line(axes, n, [(float(u), q) for u, q in attempt.max_q if q is not None])
    bound = solve.max_q_bound
    _limit(axes, bound, f"1/(1 − γ) = {bound:.0f}")
    seen = [q for a in solve.attempts for _u, q in a.max_q if q is not None]
    axes.set_ylim(min([0.0, *seen]), min(max([bound, *seen]) * 1.08, _HEADROOM * bound))
    axes.set_xlim(left=0)
    axes.set_ylabel("max Q(s, ·), mean")
    axes.set_xlabel("updates")


def _line(axes: Axes, n: int, points: list[tuple[float, float]], label: str | None = None) -> None:
    xs, ys = [x for x, _y in points], [y for _x, y in points]
    colour, dashes = _STYLES[n % len(_STYLES)]
    axes.plot(xs, ys, dashes, color=colour, marker=".", label=label)


def _limit(axes: Axes, height: float, name: str) -> None:
    axes.axhline(height, color="black", linewidth=1, linestyle=":")
    axes.annotate(
        name,
        (0.01, height),
        xycoords=("axes fraction", "data"),
        xytext=(0, -3),
        textcoords="offset points",
        va="top",
        fontsize=9,
    )

"""The study's figure: learning curves, and how soon runs were solved, in updates and in seconds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from grader.cartpole.schedule import MAX_EPISODE_STEPS, THRESHOLD
from grader.figures import BLUE, GREEN, VERMILION, draw_band, rendered, styled
from grader.study.plan import Recipe
from grader.study.rows import Row
from grader.study.summary import updates_to_solve
from grader.trials.statistics import quantile


@dataclass(frozen=True)
class Style:
    """How one recipe is drawn."""

    label: str
    colour: str
    dashes: str


STYLES: Mapping[Recipe, Style] = {
    "kit": Style("the kit's run", BLUE, "-"),
    "page": Style("the page's recipe", VERMILION, "--"),
    "sb3": Style("Stable-Baselines3, tuned", GREEN, "-."),
}


def draw(rows: Mapping[Recipe, Sequence[Row]]) -> dict[str, bytes]:
    """The figure by file ending, `svg` and `png`; `rows` holds at least one row per recipe."""
    with styled("study"):
        figure = Figure(figsize=(14, 5.2), layout="constrained")
        curves, updates, seconds = figure.subplots(1, 3)
        _draw_curves(curves, rows)
        _draw_solved(updates, rows, updates_to_solve, "updates to solve", "updates", "{:,.0f}")
        _draw_solved(seconds, rows, _seconds_to_solve, "wall time to solve", "seconds", "{:,.3g} s")
        return rendered(figure)


def _draw_curves(axes: Axes, rows: Mapping[Recipe, Sequence[Row]]) -> None:
    axes.axhline(THRESHOLD, color="black", linewidth=1, linestyle=":")
    axes.annotate(
        f"threshold {THRESHOLD:.0f}",
        (0.01, THRESHOLD),
        xycoords=("axes fraction", "data"),
        xytext=(0, -3),
        textcoords="offset points",
        ha="left",
        va="top",
        fontsize=9,
    )
    for recipe, mine in rows.items():
        style = STYLES[recipe]
        curves = [row.result.curve for row in mine if row.result.curve]
        if not curves:
            continue
        label = f"{style.label}, {len(curves):,} runs"
        draw_band(axes, curves, style.colour, style.dashes, label)
    if len(rows) > 1:
        axes.set_xscale("log")
        _plain_ticks(axes)
    axes.set_ylim(0, MAX_EPISODE_STEPS * 1.03)
    axes.set_xlabel("updates")
    axes.set_ylabel("greedy return, mean over episodes")
    axes.set_title("Learning curves: median and 10–90 % band")
    _name_curves(axes)


def _draw_solved(
    axes: Axes,
    rows: Mapping[Recipe, Sequence[Row]],
    value: Callable[[Row], float],
    title: str,
    unit: str,
    form: str,
) -> None:
    """Share of all runs that were solved by then; runs that never were keep it below 1."""
    highest = max((v for m in rows.values() for r in m if math.isfinite(v := value(r))), default=1)
    for recipe, mine in rows.items():
        style = STYLES[recipe]
        values = [value(row) for row in mine]
        ended = sorted(v for v in values if math.isfinite(v))
        median = quantile(values, 0.5)
        told = "not reached" if math.isinf(median) else form.format(median)
        shares = [(n + 1) / len(mine) for n in range(len(ended))]
        if ended:
            x = [ended[0], *ended, highest]
            axes.step(
                x,
                [0.0, *shares, shares[-1]],
                style.dashes,
                where="post",
                color=style.colour,
                linewidth=2,
                label=f"{style.label}: median {told}",
            )
        if math.isfinite(median):
            axes.plot([median], [0.5], "o", color=style.colour, markersize=6)
    if len(rows) > 1:
        axes.set_xscale("log")
        _plain_ticks(axes)
    else:
        axes.set_xlim(left=0)
    axes.set_ylim(0, 1.03)
    axes.set_xlabel(unit)
    axes.set_ylabel("share of runs solved")
    axes.set_title(f"Distribution of {title}")
    _name_curves(axes)


def _name_curves(axes: Axes) -> None:
    """A legend below, where no curve can run through it."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14))


def _plain_ticks(axes: Axes) -> None:
    """1, 10, 1,000 rather than powers of ten; 2 and 5 between them where there is room."""
    low, high = axes.get_xlim()
    steps = (1.0,) if high > 300 * low else (1.0, 2.0, 5.0)
    axes.xaxis.set_major_locator(LogLocator(subs=steps))
    axes.xaxis.set_major_formatter(lambda x, _position: f"{x:,.10g}")
    axes.xaxis.set_minor_formatter(NullFormatter())


def _seconds_to_solve(row: Row) -> float:
    return row.result.seconds if row.solved else math.inf

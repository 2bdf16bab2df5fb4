"""The lab's figures: what each change does to the return, and to the values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from grader.cartpole.schedule import MAX_EPISODE_STEPS, THRESHOLD
from grader.figures import (
    BLUE,
    GREEN,
    VERMILION,
    Curve,
    band,
    draw_band,
    rendered,
    styled,
)
from grader.lab.experiments import BASELINE, EXPERIMENTS
from grader.lab.result import Evaluation
from grader.lab.rows import Row
from grader.lab.setting import Setting

_COLUMNS = 3
_PANEL = (3.3, 2.6)
Rows = Mapping[str, Sequence[Row]]
Panel = Callable[[Axes, str], None]


def draw_returns(rows: Rows) -> dict[str, bytes]:
    """Greedy return by updates, a panel per experiment, by file ending."""

    def panel(axes: Axes, name: str) -> None:
        draw_band(axes, _curves(rows[BASELINE.id], _return), BLUE, "--", "baseline")
        if name != BASELINE.id:
            draw_band(axes, _curves(rows[name], _return), VERMILION, "-", "with the change")
        _draw_level(axes, THRESHOLD, f"threshold {THRESHOLD:.0f}")
        axes.set_ylim(0, MAX_EPISODE_STEPS * 1.03)

    return _draw(rows, panel, "greedy return", same_scale=True)


def draw_values(rows: Rows, setting: Setting) -> dict[str, bytes]:
    """Values of the states visited by updates, and what they were worth."""

    def panel(axes: Axes, name: str) -> None:
        draw_band(axes, _curves(rows[BASELINE.id], _value), BLUE, "--", "max Q, baseline")
        if name != BASELINE.id:
            draw_band(axes, _curves(rows[name], _value), VERMILION, "-", "max Q, with the change")
        grid, _low, worth, _high = band(_curves(rows[name], _worth))
        axes.plot(grid, worth, ":", color=GREEN, linewidth=2, label="worth, in this panel's runs")
        _draw_level(axes, setting.value_bound, f"bound {setting.value_bound:.0f}")
        axes.set_yscale("log")
        axes.yaxis.set_minor_locator(NullLocator())
        # Values begin near 0, of which a logarithm makes too much.
        axes.set_ylim(bottom=1)

    return _draw(rows, panel, "value, log scale", same_scale=False)


def _draw(rows: Rows, panel: Panel, y_label: str, *, same_scale: bool) -> dict[str, bytes]:
    shown = [e for e in EXPERIMENTS if e.id in rows]
    columns = min(_COLUMNS, len(shown))
    lines = -(-len(shown) // columns)
    with styled("lab"):
        size = (max(6.0, _PANEL[0] * columns), _PANEL[1] * lines + 0.5)
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=same_scale)
        named: dict[str, Artist] = {}
        for number, (axes, experiment) in enumerate(zip(grid.flat, shown, strict=False)):
            panel(axes, experiment.id)
            axes.set_title(experiment.title, fontsize=10)
            if number + columns >= len(shown):
                axes.set_xlabel("updates")
                axes.tick_params(labelbottom=True)
            handles, labels = axes.get_legend_handles_labels()
            named |= zip(labels, handles, strict=True)
        for axes in grid.flat[len(shown) :]:
            axes.set_axis_off()
        for axes in grid[:, 0]:
            axes.set_ylabel(y_label)
        figure.legend(named.values(), named.keys(), loc="outside upper center", ncols=len(named))
        return rendered(figure)


def _draw_level(axes: Axes, value: float, label: str) -> None:
    axes.axhline(value, color="black", linewidth=1, linestyle=":", label=label)


def _curves(rows: Sequence[Row], value: Callable[[Evaluation], float]) -> list[Curve]:
    return [[(e.updates, value(e)) for e in row.result.evaluations] for row in rows]


def _return(evaluation: Evaluation) -> float:
    return evaluation.mean_return


def _value(evaluation: Evaluation) -> float:
    return evaluation.max_q


def _worth(evaluation: Evaluation) -> float:
    return evaluation.worth

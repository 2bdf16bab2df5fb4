"""The lab's figures: what each change does to the return, and to the values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

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

_COLUMNS = 4
_PANEL = (3.1, 2.6)
Rows = Mapping[str, Sequence[Row]]


def draw_returns(rows: Rows) -> dict[str, bytes]:
    """Greedy return by updates, a panel per experiment, by file ending."""

    def panel(axes: Axes, mine: Sequence[Row], label: str) -> None:
        draw_band(axes, _curves(rows[BASELINE.id], _return), BLUE, "--", "baseline")
        draw_band(axes, _curves(mine, _return), VERMILION, "-", label)
        _draw_level(axes, THRESHOLD, f"threshold {THRESHOLD:.0f}")
        axes.set_ylim(0, MAX_EPISODE_STEPS * 1.03)

    return _draw(rows, panel, "greedy return", same_scale=True)


def draw_values(rows: Rows, setting: Setting) -> dict[str, bytes]:
    """Values of the states visited by updates, and what they were worth."""

    def panel(axes: Axes, mine: Sequence[Row], label: str) -> None:
        draw_band(axes, _curves(rows[BASELINE.id], _value), BLUE, "--", "baseline: mean max Q")
        draw_band(axes, _curves(mine, _value), VERMILION, "-", f"{label}: mean max Q")
        grid, _low, worth, _high = band(_curves(mine, _worth))
        axes.plot(grid, worth, ":", color=GREEN, linewidth=2, label=f"{label}: what followed")
        _draw_level(axes, setting.value_bound, f"bound {setting.value_bound:.0f}")
        axes.set_yscale("log")
        # Values begin near 0, of which a logarithm makes too much.
        axes.set_ylim(bottom=1)

    return _draw(rows, panel, "value, log scale", same_scale=False)


def _draw(
    rows: Rows,
    panel: Callable[[Axes, Sequence[Row], str], None],
    y_label: str,
    *,
    same_scale: bool,
) -> dict[str, bytes]:
    shown = [e for e in EXPERIMENTS if e.id in rows and e != BASELINE] or [BASELINE]
    columns = min(_COLUMNS, len(shown))
    lines = -(-len(shown) // columns)
    with styled("lab"):
        size = (max(6.0, _PANEL[0] * columns), _PANEL[1] * lines + 0.5)
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=same_scale)
        for axes, experiment in zip(grid.flat, shown, strict=False):
            panel(axes, rows[experiment.id], "with the change")
            axes.set_title(experiment.title, fontsize=10)
        for axes in grid.flat[len(shown) :]:
            axes.set_axis_off()
        for axes in grid[:, 0]:
            axes.set_ylabel(y_label)
        for number, axes in enumerate(grid.flat):
            if number < len(shown) <= number + columns:
                axes.set_xlabel("updates")
                axes.tick_params(labelbottom=True)
        handles, labels = grid.flat[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
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

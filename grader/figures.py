"""How every figure of the kit looks: settings, colours, bands, and the files that are made."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]
#: A learning curve: (updates, value) in order.
Curve = Sequence[tuple[int, float]]

#: Okabe & Ito's (2008), which colour-blind readers can tell apart; dashes tell curves apart too.
BLUE, VERMILION, GREEN = "#0072B2", "#D55E00", "#009E73"
_SETTINGS = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    # Text stays text, and the same rows give the same file.
    "svg.fonttype": "none",
}


@contextmanager
def styled(salt: str) -> Iterator[None]:
    """Draw and render within. Equal figures with equal salts are equal files."""
    settings = {**_SETTINGS, "svg.hashsalt": salt}
    with matplotlib.rc_context(settings):  # type: ignore[arg-type]
        yield


def image(figure: Figure, kind: str) -> bytes:
    """The figure as `svg` or `png`."""
    file = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    figure.savefig(file, format=kind, dpi=150, metadata=metadata)
    return file.getvalue()


def rendered(figure: Figure) -> dict[str, bytes]:
    """The figure by file ending, `svg` and `png`."""
    return {kind: image(figure, kind) for kind in ("svg", "png")}


def band(curves: Sequence[Curve]) -> tuple[Floats, Floats, Floats, Floats]:
    """Updates (n,), and the 10 %, 50 % and 90 % quantiles (n,) of the values there.

    A run that ended keeps its last value: leaving it out would show the slow ones only. The band
    begins where every run has a value.
    """
    points = sorted({updates for curve in curves for updates, _value in curve})
    first = max(curve[0][0] for curve in curves)
    grid = np.array([p for p in points if p >= first], float)
    values = np.empty((len(curves), len(grid)))
    for row, curve in enumerate(curves):
        updates = np.array([u for u, _value in curve])
        mine = np.array([value for _u, value in curve])
        values[row] = mine[np.searchsorted(updates, grid, side="right") - 1]
    low, middle, high = (np.quantile(values, share, axis=0) for share in (0.1, 0.5, 0.9))
    return grid, low, middle, high


def draw_band(axes: Axes, curves: Sequence[Curve], colour: str, dashes: str, label: str) -> None:
    """The median of these curves within their 10–90 % band."""
    grid, low, middle, high = band(curves)
    axes.fill_between(grid, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.plot(grid, middle, dashes, color=colour, linewidth=2, label=label)

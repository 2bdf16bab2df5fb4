"""How all figures look, and how they become files."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

import matplotlib
from matplotlib.figure import Figure

#: Colours that are told apart by readers with any colour vision (Okabe & Ito, 2008).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_SETTINGS: Mapping[str, object] = MappingProxyType(
    {
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.alpha": 0.3,
        "legend.frameon": False,
        # Text stays text, and the same numbers give the same file.
        "svg.fonttype": "none",
        "svg.hashsalt": "dqn",
    }
)


@contextmanager
def styled() -> Iterator[None]:
    """Figures that are made and saved within have the project's look."""
    with matplotlib.rc_context(dict(_SETTINGS)):  # type: ignore[arg-type]
        yield


def image(figure: Figure, kind: str) -> bytes:
    """The figure as `svg` or `png`; the same figure gives the same bytes."""
    file = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    figure.savefig(file, format=kind, dpi=150, metadata=metadata)
    return file.getvalue()

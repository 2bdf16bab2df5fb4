"""Pages out of templates, in which every text is harmless."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from grader.report.safe import excerpt, printable

#: Of anything that is told of a check, so much is shown; the JSON report holds the rest.
MAX_SLOT, MAX_SLOT_LINES = 4_000, 60


@functools.cache  # a template is compiled once, however many pages a class has
def environment(*folders: Path) -> jinja2.Environment:
    """Templates of this room and of further `folders`.

    Whatever a template prints is escaped, and freed before of what steers or hides; the filter
    `prose` keeps line breaks and sets what stands between backticks as code, `verbatim` keeps line
    breaks only, `short` is for names, and `breakable` lets those of Python break at a dot.
    """
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader([Path(__file__).with_name("templates"), *folders]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_shown,
    )
    made.filters |= {"prose": prose, "verbatim": verbatim, "short": short, "breakable": breakable}
    return made


def _shown(value: Any) -> Any:
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def prose(text: str) -> Markup:
    """Text of several lines, with `code` between backticks."""
    pieces = excerpt(text, MAX_SLOT, MAX_SLOT_LINES).split("`")
    if len(pieces) % 2 == 0:  # one backtick too many: nobody knows which
        return escape("`".join(pieces))
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if n % 2 else escape(piece)
        for n, piece in enumerate(pieces)
    )


def verbatim(text: str, lines: int = MAX_SLOT_LINES) -> Markup:
    """Text as it is, line by line."""
    return escape(excerpt(text, MAX_SLOT, lines))


def short(name: str) -> str:
    """A name, cut where it goes on for ever."""
    return name if len(name) <= 200 else f"{name[:200]}…"


def breakable(name: str) -> Markup:
    """A dotted name which a narrow page may break after a dot."""
    return Markup(".<wbr>").join(printable(piece) for piece in name.split("."))

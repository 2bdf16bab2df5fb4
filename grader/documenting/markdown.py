"""What the pages are written with: tables, names in backticks, and where they come from."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

#: How the pages are written anew; the tests name it where one is stale.
RENEW = "make docs"


def page(title: str, source: str, *blocks: str) -> str:
    """A page as Markdown, which says at its beginning how to renew it.

    source : what it is made from
    """
    comment = f"<!-- Written by `{RENEW}` from {source}: change that, not this page. -->"
    return "\n\n".join([comment, f"# {title}", *blocks]) + "\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; no cell ends it."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell(text) for text in line) + " |" for line in lines)


def cell(text: str) -> str:
    """Text on one line, in which `|` separates nothing."""
    return " ".join(text.split()).replace("|", "\\|")


def code(text: object) -> str:
    """A name as it is typed."""
    return f"`{text}`"


def codes(names: Iterable[object], otherwise: str = "–") -> str:
    """Names as they are typed, or a dash."""
    return ", ".join(code(name) for name in names) or otherwise


def linked(names: Iterable[str], target: str) -> str:
    """Names that lead to their headings on the page `target`, or a dash."""
    return ", ".join(f"[{code(name)}]({target}#{anchor(name)})" for name in names) or "–"


def anchor(name: str) -> str:
    """What a heading that is a check's id or a code has as its address."""
    return name.lower().replace(".", "")


def paragraphs(text: str) -> str:
    """A docstring's text with a line for each of its paragraphs; what is indented stays."""
    blocks = textwrap.dedent(text).strip().split("\n\n")
    return "\n\n".join(b if b.startswith(" ") else " ".join(b.split()) for b in blocks)

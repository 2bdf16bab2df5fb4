"""Lines of the student's code to show beside what is said of them."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping

from grader.report.model import ExcerptEntry, LocationEntry

BEFORE, AFTER = 3, 3
#: Of a function or class that is named as a whole, so much is shown.
MAX_LINES = 40
MAX_CHARACTERS = 160
_OPENS = re.compile(r"\s*(?:def|async|class|@)")


def lines_around(files: Mapping[str, bytes], place: LocationEntry | None) -> ExcerptEntry | None:
    """The lines around a place in `files`; None where there is no such place.

    Where a definition begins, the whole of it follows.
    """
    if place is None or place.file not in files:
        return None
    # As Python counts lines: other characters that break them are part of one.
    text = io.StringIO(files[place.file].decode("utf-8-sig", "replace"), newline=None).read()
    lines = text.split("\n")
    at = place.line - 1
    if not 0 <= at < len(lines):
        return None
    first = max(0, at - BEFORE)
    end = min(_end(lines, at), first + MAX_LINES)
    while end > at + 1 and not lines[end - 1].strip():
        end -= 1
    return ExcerptEntry(first=first + 1, lines=[_cut(line) for line in lines[first:end]])


def _end(lines: list[str], at: int) -> int:
    """The line after the last one to show."""
    if not _OPENS.match(lines[at]):
        return min(at + AFTER + 1, len(lines))
    end = at + 1
    while end < len(lines) and (not lines[end].strip() or _indent(lines[end]) > _indent(lines[at])):
        end += 1
    return end


def _indent(line: str) -> int:
    expanded = line.expandtabs(8)
    return len(expanded) - len(expanded.lstrip())


def _cut(line: str) -> str:
    return line if len(line) <= MAX_CHARACTERS else f"{line[:MAX_CHARACTERS]}…"

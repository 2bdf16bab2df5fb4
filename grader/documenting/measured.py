"""Which checks fail on which misconception, as `make validity` has measured it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_CODE = re.compile(r"\| `(?P<code>[A-Z][A-Z0-9_]*)` \|.*\| (?P<checks>[^|]*) \|$")
_CHECK = re.compile(r"`([a-z_]+\.[a-z0-9_]+)` [0-9]+")


class Unreadable(Exception):
    """The page of `make validity` does not have the tables that it should have."""


def failing_checks(validity_page: str) -> dict[str, list[str]]:
    """The checks that fail on submissions with one misconception, by its code.

    Raises:
        Unreadable: there is no such table on the page.
    """
    _before, heading, rest = validity_page.partition("\n## Misconceptions\n")
    rows = filter(None, map(_CODE.fullmatch, rest.partition("\n## ")[0].splitlines()))
    found = {row["code"]: _CHECK.findall(row["checks"]) for row in rows}
    if not heading or not any(found.values()):
        raise Unreadable(
            "docs/validity.md has no tables of misconceptions\nhint: write it with `make validity`"
        )
    return found


def by_check(failing: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """The same the other way round: codes by check."""
    turned: dict[str, list[str]] = {}
    for code, checks in failing.items():
        for check in checks:
            turned.setdefault(check, []).append(code)
    return turned

"""The isolation tiers that the corpus is run against.

A new tier is one line in `TIERS`. What it does not promise against a deed is said in that case, as
`open.<tier>`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from grader.sandbox.plain import start_plain

StartHost = Callable[[Mapping[str, bytes]], Any]

TIERS: dict[str, StartHost] = {"plain": start_plain}


def available() -> list[str]:
    """The tiers that can be tried on this machine, by name."""
    return list(TIERS)

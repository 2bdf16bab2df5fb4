"""What each misconception's code means, read from `misconceptions.toml`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

MISCONCEPTIONS_FILE = Path(__file__).with_name("misconceptions.toml")
HANDOUT = "docs/assignment.md"


class Explanation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a misconception is one, and where to look; never the line of code."""

    part: str
    severity: Literal["fails", "advice"]
    title: str
    why: str
    hint: str
    section: str

    @property
    def full_hint(self) -> str:
        """The hint with the section of the handout that it points to."""
        return f"{self.hint} See {HANDOUT}#{self.section}."


def load_explanations(path: Path = MISCONCEPTIONS_FILE) -> dict[str, Explanation]:
    """Explanations by code; msgspec's errors when the file is not as it should be."""
    return msgspec.toml.decode(path.read_bytes(), type=dict[str, Explanation])

"""Why nothing can be graded."""

from __future__ import annotations

import os

from grader.protocol.messages import MODULES

#: What a submission consists of.
FILES = tuple(f"{module}.py" for module in MODULES)


class IntakeError(Exception):
    """Nothing gradable at the path: what is wrong, and what would help."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(readable(message))
        self.hint = hint


def readable(name: str) -> str:
    """A file name as text that any report can hold, whatever bytes it is made of."""
    return os.fsencode(name).decode("utf-8", "replace")


def spoken(names: tuple[str, ...] | list[str]) -> str:
    """Names in a sentence."""
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def expected() -> str:
    """What would have been graded."""
    return f"name a folder (or a .zip or .tar.gz of one) that holds {spoken(FILES)}"

"""Why a class cannot be graded, or not for now."""

from __future__ import annotations

from grader.sandbox.errors import readable


class ClassError(Exception):
    """Wrong usage: what is wrong, and what would help."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(readable(message))
        self.hint = readable(hint)


class ClassFault(Exception):
    """The machine or the grader failed; the verdicts so far are in the journal."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(readable(message))
        self.hint = readable(hint)

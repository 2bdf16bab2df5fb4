"""What can keep a series of runs from being made."""

from __future__ import annotations


class TrialError(Exception):
    """Wrong usage: what is wrong, and what would help."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class TrialFault(Exception):
    """Something of the machinery itself failed; rows written so far are whole."""


class Untrainable(TrialFault):
    """A submission that is no DQN agent of this course, or not written yet."""

"""What can keep a study from running."""

from __future__ import annotations


class StudyError(Exception):
    """Wrong usage: what is wrong, and what would help."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class StudyFault(Exception):
    """Something of the study itself failed; rows written so far are whole."""


class Untrainable(StudyFault):
    """A submission that is no DQN agent of this course, or not written yet."""

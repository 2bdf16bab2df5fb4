"""What the commands say when something is wrong, and their exit status."""

from __future__ import annotations

import sys

GRADED, BELOW, USAGE, FAULT, INTERRUPTED = 0, 1, 2, 3, 130


class UsageError(Exception):
    """Wrong usage: what is wrong, and what would help."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def complain(message: str, hint: str | None) -> None:
    """An error and a hint on standard error, harmless whatever a student's file is called."""
    from grader.report.safe import excerpt, printable

    # Lines after the first are indented: text of a student's cannot pass for another message.
    told = excerpt(message, 4_000, 60).replace("\n", "\n  ")
    print(f"error: {told}", file=sys.stderr)
    if hint:
        print(f"hint: {printable(hint[:4_000])}", file=sys.stderr)


def admit(reason: str) -> int:
    """The grader's own fault, said as such."""
    complain(
        f"the grader itself failed, which says nothing about the submission: {reason}",
        "run it again; if it happens again, send this message to the course staff",
    )
    return FAULT

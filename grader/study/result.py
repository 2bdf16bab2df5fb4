"""What one training run came to, whichever recipe it followed."""

from __future__ import annotations

from typing import Literal

import msgspec

#: `solved`; `unsolved` (the budget ran out: the graded check then makes another attempt); the
#: others end the graded check at once: an update that was not the algorithm's, an exception, a
#: worker process that was lost.
Outcome = Literal["solved", "unsolved", "audit_failed", "raised", "lost"]


class Result(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One run.

    seconds : wall time; what it covers is said by each recipe
    mean_return : of the last confirmation on 100 fresh episodes; None when there was none
    largest_audit_error : relative error of the update that agreed worst; the kit's recipe only
    note : why it was not solved
    curve : (updates, mean greedy return) of every screening
    """

    outcome: Outcome
    updates: int
    environment_steps: int
    seconds: float
    mean_return: float | None
    largest_audit_error: float | None = None
    note: str = ""
    curve: list[tuple[int, float]]

"""The demands that the schedule was chosen by, held against the rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grader.study.plan import Recipe
from grader.study.rows import Row
from grader.study.summary import Group, bounds, by_submission, group

ATTEMPTS_ASKED = 2_000
FAILURES_ALLOWED = 2
SUBMISSIONS_ASKED = 4
MEDIAN_UPDATES = 800
TIMES_FASTER = 20
CHECK_BOUND = 1e-6


@dataclass(frozen=True)
class Demand:
    """What was asked, what was measured; `met` is None when this run cannot tell."""

    asked: str
    measured: str
    met: bool | None


def judged(rows: Mapping[Recipe, Sequence[Row]]) -> list[Demand]:
    """Every demand that needs rows of the kit's recipe; none without them."""
    if "kit" not in rows:
        return []
    kit = group("kit", rows["kit"])
    found = [_solves(rows["kit"], kit), _updates(rows, kit), _faster(rows, kit)]
    return [*found, _fails_rarely(rows["kit"])]


def _solves(rows: Sequence[Row], kit: Group) -> Demand:
    submissions = len(by_submission(rows))
    enough = kit.runs >= ATTEMPTS_ASKED and submissions >= SUBMISSIONS_ASKED
    share = (ATTEMPTS_ASKED - FAILURES_ALLOWED) / ATTEMPTS_ASKED
    return Demand(
        f"one attempt solves for at least {ATTEMPTS_ASKED - FAILURES_ALLOWED:,} of "
        f"{ATTEMPTS_ASKED:,} seeds, spread over {SUBMISSIONS_ASKED} correct submissions",
        f"{kit.solved:,} of {kit.runs:,}, {submissions} submission(s)",
        kit.solved >= share * kit.runs if enough else None,
    )


def _updates(rows: Mapping[Recipe, Sequence[Row]], kit: Group) -> Demand:
    median = kit.updates.median
    return Demand(
        f"median of at most {MEDIAN_UPDATES} updates, or the fastest in wall time",
        f"{median:,.0f} updates, {kit.seconds.median:.2f} s",
        True if median <= MEDIAN_UPDATES else None,
    )


def _faster(rows: Mapping[Recipe, Sequence[Row]], kit: Group) -> Demand:
    asked = f"wall time at most 1/{TIMES_FASTER} of Stable-Baselines3's median in the same run"
    if "sb3" not in rows:
        return Demand(asked, "Stable-Baselines3 was not run", None)
    theirs = group("sb3", rows["sb3"]).seconds.median
    if math.isinf(theirs) or math.isinf(kit.seconds.median):
        return Demand(asked, "a median was not reached", None)
    ratio = theirs / kit.seconds.median
    return Demand(
        asked,
        f"{kit.seconds.median:.2f} s against {theirs:.1f} s: 1/{ratio:.1f}",
        ratio >= TIMES_FASTER,
    )


def _fails_rarely(rows: Sequence[Row]) -> Demand:
    found = bounds(rows)
    measured = f"p³ ≤ {found.check:.2g} from {found.failures:,} failures in {found.runs:,}"
    if found.finals:
        measured += f"; but no further attempt is made after {found.finals:,} of these"
    return Demand(
        f"99 % bound below {CHECK_BOUND:g} for correct code to fail the graded check "
        "(three attempts, taken to be independent)",
        measured,
        found.check < CHECK_BOUND and not found.finals,
    )

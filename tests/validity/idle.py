"""No check is idle: without it, a wrong submission passes or a name is lost."""

from __future__ import annotations

from collections.abc import Sequence

from tests.validity.names import is_among
from tests.validity.verdicts import Task, Verdict

#: How many cases that may pass are tried for each check before it counts as idle, and how many that
#: may lose a name.
TRIES = 6


def candidates(check: str, verdicts: Sequence[Verdict]) -> list[Task]:
    """Gradings without `check` that may come out differently, the most promising first."""
    through, unnamed = [], []
    for verdict in verdicts:
        mine = [c for c in verdict.checks if c.id == check and c.status == "failed"]
        if not mine:
            continue
        others = [c for c in verdict.checks if c.failed and c.id != check]
        # A check that this one blocks runs when it is gone, so it may still catch the case. A fault
        # that shows in some circumstances only is the likeliest to slip through then.
        blocked = any(c.status == "blocked" for c in others)
        place = (blocked, blocked and not verdict.case.group.startswith("subtle"))
        own = [c for c in others if c.part == mine[0].part and c.status != "blocked"]
        if mine[0].points and not any(c.points for c in own):
            through.append((place, verdict.case))
        # What passes a blocking check may be caught, without its name, by one that it blocked.
        if mine[0].code and not is_among(mine[0].code, [c.code for c in others if c.code]):
            unnamed.append((place, verdict.case))
    chosen = [sorted(kind, key=lambda x: x[0])[:TRIES] for kind in (through, unnamed)]
    ordered = sorted(chosen[0] + chosen[1], key=lambda x: x[0])
    by_id = {case.id: case for _place, case in ordered}
    return [Task(case, without=check) for case in by_id.values()]


def effect(check: str, before: Verdict, after: Verdict) -> str | None:
    """What disabling the check lets through, in words; None when it changes nothing."""
    if after.fault is not None:
        return None
    part = check.split(".")[0]
    if part in before.lost and part not in after.lost:
        return "passes"
    lost = [code for code in sorted(before.names) if not is_among(code, after.names)]
    return f"is no longer named {lost[0]}" if lost else None

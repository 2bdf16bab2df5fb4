"""What hidden checks take away: the points of the public checks that they strengthen."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from grader.report.model import CheckResult
from grader.rubric import Rubric

#: A hidden check that was not decided says nothing about the public one.
_LOST = ("failed", "crashed", "timed_out")


def strengthened(results: Mapping[str, CheckResult], rubric: Rubric) -> dict[str, CheckResult]:
    """The results with every public check failed that passed, and whose hidden check did not.

    It then says which hidden check that was, and what this one says to students: its title, its
    why and its hint.
    """
    changed = dict(results)
    for entry in rubric.check:
        hidden = results.get(entry.id)
        if entry.strengthens is None or hidden is None or hidden.status not in _LOST:
            continue
        public = changed.get(entry.strengthens)
        if public is None or public.status != "passed":
            continue
        changed[public.id] = msgspec.structs.replace(
            public,
            status="failed",
            score=0,
            observed=f"It passed, and the hidden check `{entry.id}` did not: {entry.title}.",
            code=hidden.code,
            why=hidden.why,
            hint=hidden.hint,
        )
    return changed

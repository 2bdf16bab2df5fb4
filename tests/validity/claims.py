"""What is claimed of the grader, and whether the verdicts bear it out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.validity.names import is_among
from tests.validity.verdicts import Verdict

#: Of the listed misconceptions, at least so many are named and at most so many named wrongly.
NAMED, MISNAMED = 0.97, 0.01


@dataclass(frozen=True)
class Judged:
    """One case's verdict beside what was due.

    missed: parts that should have lost points and did not; blamed: parts that lost without a fault
    named, silent: the case's codes that were and were not given; misnamed: codes given that are not
    the case's
    """

    verdict: Verdict
    missed: frozenset[str]
    blamed: frozenset[str]
    named: tuple[str, ...]
    silent: tuple[str, ...]
    misnamed: tuple[str, ...]
    unadvised: bool

    @property
    def right(self) -> bool:
        """Points and remarks are as they should be; names are counted, not demanded."""
        fault = self.verdict.fault is not None
        return not (fault or self.missed or self.blamed or self.unadvised)


def judge(verdict: Verdict) -> Judged:
    """Compare a verdict with its case."""
    case = verdict.case
    due = frozenset(case.loses)
    given = verdict.names | {code for code in verdict.advice if code in case.codes}
    # A case without codes is wrong in a way that has no name: whatever is named is looked at.
    fair = (*case.codes, *case.also)
    return Judged(
        verdict,
        missed=due - verdict.lost,
        blamed=verdict.lost - due,
        named=tuple(c for c in case.codes if is_among(c, given)),
        silent=tuple(c for c in case.codes if not is_among(c, given)),
        misnamed=tuple(sorted(c for c in given if not is_among(c, fair))),
        unadvised=case.advice is not None and case.advice not in verdict.advice,
    )


@dataclass
class Tally:
    """Counts over one kind of case."""

    cases: int = 0
    right: int = 0
    codes: int = 0
    named: int = 0
    misnamed: int = 0
    misnamed_cases: list[str] = field(default_factory=list)


def tally(judged: Sequence[Judged]) -> dict[str, Tally]:
    """Counts by kind of case. A code is misnamed when another one stands in its place."""
    tallies: dict[str, Tally] = {}
    for one in judged:
        case = one.verdict.case
        counts = tallies.setdefault(case.kind, Tally())
        counts.cases += 1
        counts.right += one.right
        counts.codes += len(case.codes)
        counts.named += len(one.named)
        counts.misnamed += len(one.misnamed)
        if one.misnamed:
            counts.misnamed_cases.append(case.id)
    return tallies


def broken(judged: Sequence[Judged]) -> list[str]:
    """The claims that do not hold, each with the case that shows it; empty when all do."""
    told = [line for one in judged for line in departures(one)]
    for kind, counts in tally(judged).items():
        if kind not in ("wrong", "double") or not counts.codes:
            continue
        if counts.named < NAMED * counts.codes:
            told.append(f"{kind}: only {counts.named} of {counts.codes} misconceptions are named")
        if counts.misnamed > MISNAMED * counts.codes:
            told.append(f"{kind}: {counts.misnamed} misconceptions are named wrongly")
    return told


def departures(one: Judged) -> list[str]:
    """What is not as it should be with one case, in lines."""
    verdict = one.verdict
    case = verdict.case
    told = []
    if verdict.fault is not None:
        told.append(f"{case.id}: the grader failed: {verdict.fault}")
        return told
    if one.missed:
        told.append(f"{case.id}: no points lost in {', '.join(sorted(one.missed))}")
    if one.blamed:
        by = [c.id for c in verdict.checks if c.failed and c.points and c.part in one.blamed]
        told.append(f"{case.id}: points lost in {', '.join(sorted(one.blamed))} by {by}")
    if one.unadvised:
        told.append(f"{case.id}: {case.advice} was not remarked on")
    return told


def failures_by_check(judged: Sequence[Judged]) -> Counter[tuple[str, str]]:
    """How many cases with a code fail a check, by (code, check)."""
    counts: Counter[tuple[str, str]] = Counter()
    for one in judged:
        for code in one.verdict.case.codes:
            counts.update((code, c.id) for c in one.verdict.checks if c.status == "failed")
    return counts

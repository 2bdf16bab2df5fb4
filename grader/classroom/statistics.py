"""What a class as a whole shows: how points are spread, what fails, and who fails alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from grader.classroom.marks import Mark
from grader.classroom.records import Standing

BINS = 10
_LISTED = 10


@dataclass(frozen=True)
class Member:
    """A student on the class page."""

    standing: Standing
    mark: Mark
    #: What they are called there, and their folder; none where names are left out.
    label: str
    folder: str | None


@dataclass(frozen=True)
class CheckRate:
    """How many of those whose check was attempted did not pass it."""

    id: str
    failed: int
    attempted: int

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.failed / self.attempted


@dataclass(frozen=True)
class Alike:
    """Students whose submissions fail the same checks in the same way."""

    #: Check ids with the misconception, or the status where none was recognised.
    ways: tuple[tuple[str, str], ...]
    members: tuple[Member, ...]


@dataclass(frozen=True)
class Statistics:
    """Everything that the class page shows."""

    members: Sequence[Member]
    statuses: Sequence[tuple[str, int]]
    scores: Sequence[int]
    bins: Sequence[tuple[int, int, int]]
    rates: Sequence[CheckRate]
    misconceptions: Sequence[tuple[str, int]]
    alike: Sequence[Alike]
    slowest: Sequence[Member]
    troubled: Sequence[Member]
    advice: Sequence[tuple[str, int]]

    @property
    def median(self) -> float | None:
        """Of the scores."""
        if not self.scores:
            return None
        middle = len(self.scores) // 2
        if len(self.scores) % 2:
            return float(self.scores[middle])
        return (self.scores[middle - 1] + self.scores[middle]) / 2

    @property
    def mean(self) -> float | None:
        """Of the scores."""
        return sum(self.scores) / len(self.scores) if self.scores else None


def statistics_of(members: Sequence[Member]) -> Statistics:
    """Count everything once."""
    graded = [member for member in members if member.mark.status == "graded"]
    scores = sorted(m.mark.score for m in members if m.mark.score is not None)
    return Statistics(
        members=members,
        statuses=Counter(member.mark.status for member in members).most_common(),
        scores=scores,
        bins=_bins(scores, max((m.mark.max_score for m in graded), default=100)),
        rates=_rates(graded),
        misconceptions=_counted([_codes(member) for member in graded]),
        alike=_alike(graded),
        slowest=sorted(graded, key=lambda m: -m.standing.seconds)[:_LISTED],
        troubled=[member for member in members if _troubled(member)],
        advice=_counted([s.advice for m in graded if (s := m.standing.summary) is not None]),
    )


def _bins(scores: Sequence[int], greatest: int) -> list[tuple[int, int, int]]:
    """(first, last, how many); the greatest score has a bin of its own."""
    width = max(1, -(-greatest // BINS))
    found = []
    for low in range(0, greatest, width):
        high = min(low + width, greatest) - 1
        found.append((low, high, sum(low <= score <= high for score in scores)))
    return [*found, (greatest, greatest, sum(score >= greatest for score in scores))]


def _rates(graded: Sequence[Member]) -> list[CheckRate]:
    failed: Counter[str] = Counter()
    attempted: Counter[str] = Counter()
    for member in graded:
        for check in member.mark.checks:
            attempted[check.id] += check.status != "not_attempted"
            failed[check.id] += check.failed
    return [CheckRate(id, failed[id], count) for id, count in attempted.items() if count]


def _codes(member: Member) -> frozenset[str]:
    summary = member.standing.summary
    return frozenset() if summary is None else summary.codes


def _counted(sets: Sequence[Sequence[str] | frozenset[str]]) -> list[tuple[str, int]]:
    """In how many of these each occurs, the most frequent first."""
    counts = Counter(code for each in sets for code in set(each))
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _alike(graded: Sequence[Member]) -> list[Alike]:
    """Groups of two and more, the largest first. Checks that were blocked say nothing more."""
    groups: dict[tuple[tuple[str, str], ...], list[Member]] = {}
    for member in graded:
        ways = tuple(
            (check.id, check.code or check.status)
            for check in member.mark.checks
            if check.failed and check.status != "blocked"
        )
        if ways:
            groups.setdefault(ways, []).append(member)
    found = [Alike(ways, tuple(group)) for ways, group in groups.items() if len(group) > 1]
    return sorted(found, key=lambda alike: -len(alike.members))


def _troubled(member: Member) -> bool:
    """Whether something other than points is to be looked at."""
    lost = any(check.status in ("crashed", "timed_out") for check in member.mark.checks)
    return lost or member.mark.status != "graded"

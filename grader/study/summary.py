"""What the rows say: counts, quantiles, bounds, and a look at independence. Pure functions."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from grader.study.bounds import chance_correlation, rank_correlation, upper_bound
from grader.study.plan import ATTEMPTS
from grader.study.rows import Row
from grader.trials.statistics import quantile

#: Outcomes after which the graded check makes no further attempt.
FINAL = ("audit_failed", "raised", "lost")


@dataclass(frozen=True)
class Spread:
    """Median, 10th and 90th percentile, and the largest value; infinite where runs never ended."""

    median: float
    low: float
    high: float
    largest: float


@dataclass(frozen=True)
class Group:
    """Runs of one recipe, or of one submission under it.

    Updates and seconds are those to the confirmation: infinite for a run without one.
    """

    name: str
    runs: int
    solved: int
    updates: Spread
    steps: Spread
    seconds: Spread


@dataclass(frozen=True)
class Bounds:
    """Failures of single attempts, and what follows for the graded check of correct code.

    attempt, final : one-sided 99 % upper bounds for one attempt to fail at all, and to fail in a
        way that ends the check at once
    check : attempt³, the bound for three independent attempts
    check_observed : keys of which all three attempts are known, and those where all three failed
    check_directly : 99 % upper bound from these keys alone, which assumes no independence within
        a key; None without a key
    """

    runs: int
    failures: int
    finals: int
    attempt: float
    final: float
    check: float
    check_observed: tuple[int, int]
    check_directly: float | None


@dataclass(frozen=True)
class Pairing:
    """Pairs of runs that might have something in common.

    correlation : Spearman's ρ of their updates; chance stays below `by_chance` 99 times in 100
    both_failed, expected : pairs in which both failed, and how many independence would give
    """

    name: str
    pairs: int
    correlation: float | None
    by_chance: float
    both_failed: int
    expected: float


def group(name: str, rows: Sequence[Row]) -> Group:
    """The figures of at least one run."""
    solved = sum(row.solved for row in rows)
    return Group(
        name=name,
        runs=len(rows),
        solved=solved,
        updates=_spread([updates_to_solve(row) for row in rows]),
        steps=_spread([row.result.environment_steps if row.solved else math.inf for row in rows]),
        seconds=_spread([row.result.seconds if row.solved else math.inf for row in rows]),
    )


def by_submission(rows: Iterable[Row]) -> list[Group]:
    """One group per submission, by name."""
    sorted_rows: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        sorted_rows[row.submission, row.sha256].append(row)
    return [group(name, mine) for (name, _sha), mine in sorted(sorted_rows.items())]


def updates_to_solve(row: Row) -> float:
    """Updates up to the confirmation; infinite without one."""
    return float(row.result.updates) if row.solved else math.inf


def bounds(rows: Sequence[Row]) -> Bounds:
    """Bounds for one attempt and for the graded check, from at least one attempt of the kit."""
    failures = sum(not row.solved for row in rows)
    finals = sum(row.result.outcome in FINAL for row in rows)
    attempt = upper_bound(failures, len(rows))
    keys = [attempts for attempts in _by_key(rows).values() if len(attempts) == ATTEMPTS]
    lost = sum(not any(row.solved for row in attempts) for attempts in keys)
    return Bounds(
        runs=len(rows),
        failures=failures,
        finals=finals,
        attempt=attempt,
        final=upper_bound(finals, len(rows)),
        check=attempt**ATTEMPTS,
        check_observed=(len(keys), lost),
        check_directly=upper_bound(lost, len(keys)) if keys else None,
    )


def pairings(rows: Sequence[Row]) -> list[Pairing]:
    """Pairs that share a key, and, to compare with, pairs of neighbouring keys.

    What the attempts of one key share would show in the first kind only; what neighbouring keys
    share (a generator that maps near seeds to near numbers), in the second.
    """
    keys = _by_key(rows)
    within: list[tuple[Row, Row]] = []
    across: list[tuple[Row, Row]] = []
    for (sha256, number), attempts in keys.items():
        ordered = sorted(attempts, key=lambda row: row.seed)
        within += [(a, b) for i, a in enumerate(ordered) for b in ordered[i + 1 :]]
        following = {row.seed % ATTEMPTS: row for row in _next_key(keys, sha256, number)}
        across += [(a, following[n]) for a in ordered if (n := a.seed % ATTEMPTS) in following]
    p = sum(not row.solved for row in rows) / len(rows)
    return [
        _pairing("attempts of one key", within, p),
        _pairing("the same attempt of a submission's next key", across, p),
    ]


def _next_key(keys: dict[tuple[str, int], list[Row]], sha256: str, number: int) -> Sequence[Row]:
    later = [n for sha, n in keys if sha == sha256 and n > number]
    return keys[sha256, min(later)] if later else []


def _pairing(name: str, pairs: list[tuple[Row, Row]], p: float) -> Pairing:
    first = [updates_to_solve(a) for a, _b in pairs]
    second = [updates_to_solve(b) for _a, b in pairs]
    return Pairing(
        name=name,
        pairs=len(pairs),
        correlation=rank_correlation(first, second),
        by_chance=chance_correlation(len(pairs)),
        both_failed=sum(not a.solved and not b.solved for a, b in pairs),
        expected=len(pairs) * p**2,
    )


def _by_key(rows: Iterable[Row]) -> dict[tuple[str, int], list[Row]]:
    """Attempts by submission and number of the key."""
    keys: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for row in rows:
        keys[row.sha256, row.seed // ATTEMPTS].append(row)
    return dict(keys)


def _spread(values: Sequence[float]) -> Spread:
    return Spread(quantile(values, 0.5), quantile(values, 0.1), quantile(values, 0.9), max(values))

"""What the rows say: each experiment's figures, and how it compares with the baseline."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from grader.cartpole.schedule import THRESHOLD
from grader.lab.chance import holm, rank_sum_p, superiority
from grader.lab.experiments import BASELINE
from grader.lab.result import Evaluation, Result
from grader.lab.rows import Row
from grader.trials.statistics import quantile

#: The evaluations after this share of the updates are averaged to what a run came to: a single
#: evaluation says little, since policies come and go.
LATE = 0.75
#: Differences with a p-value below are called differences.
LEVEL = 0.05


@dataclass(frozen=True)
class Spread:
    """Median, 10th and 90th percentile."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Group:
    """The runs of one experiment.

    late, error : late return and value error of the runs, see `late_return` and `value_error`
    final, best : return at the last evaluation, and at the best one
    reached, ended : runs with some evaluation at the threshold, and those that ended there
    first : updates to the first such evaluation, infinite without one
    max_q, worth : at the last evaluation
    """

    runs: int
    late: Spread
    final: Spread
    best: Spread
    reached: int
    ended: int
    first: Spread
    error: Spread
    max_q: Spread
    worth: Spread


@dataclass(frozen=True)
class Difference:
    """One quantity of an experiment against the baseline's.

    shift : difference of the medians
    larger : probability that a run's value is larger than a baseline run's, ties shared
    p : rank-sum p-value, adjusted for all comparisons of the lab
    """

    shift: float
    larger: float
    p: float

    @property
    def sign(self) -> int:
        """1 larger, −1 smaller than the baseline's, 0 when chance would do as an explanation."""
        if self.p >= LEVEL or self.larger == 0.5:
            return 0
        return 1 if self.larger > 0.5 else -1


@dataclass(frozen=True)
class Comparison:
    """An experiment against the baseline."""

    late: Difference
    error: Difference


def late_return(result: Result) -> float:
    """Mean greedy return over the evaluations of the last quarter of the updates."""
    return float(np.mean([e.mean_return for e in _late(result)]))


def value_error(result: Result) -> float:
    """Mean of max Q minus what followed, over the last quarter; above 0: values are too high."""
    return float(np.mean([e.max_q - e.worth for e in _late(result)]))


def group(rows: Sequence[Row]) -> Group:
    """The figures of at least one run."""
    results = [row.result for row in rows]
    last = [r.evaluations[-1] for r in results]
    best = [max(e.mean_return for e in r.evaluations) for r in results]
    return Group(
        runs=len(rows),
        late=spread([late_return(r) for r in results]),
        final=spread([e.mean_return for e in last]),
        best=spread(best),
        reached=sum(b >= THRESHOLD for b in best),
        ended=sum(e.mean_return >= THRESHOLD for e in last),
        first=spread([_first(r) for r in results]),
        error=spread([value_error(r) for r in results]),
        max_q=spread([e.max_q for e in last]),
        worth=spread([e.worth for e in last]),
    )


def compare(rows: Mapping[str, Sequence[Row]]) -> dict[str, Comparison]:
    """Every experiment but the baseline, by id; p-values are adjusted for all of them together."""
    late = {name: [late_return(row.result) for row in mine] for name, mine in rows.items()}
    error = {name: [value_error(row.result) for row in mine] for name, mine in rows.items()}
    others = [name for name in rows if name != BASELINE.id]
    p_values = holm(
        {
            f"{name} {kind}": rank_sum_p(values[name], values[BASELINE.id])
            for name in others
            for kind, values in (("late", late), ("error", error))
        }
    )
    return {
        name: Comparison(
            late=_difference(late[name], late[BASELINE.id], p_values[f"{name} late"]),
            error=_difference(error[name], error[BASELINE.id], p_values[f"{name} error"]),
        )
        for name in others
    }


def spread(values: Sequence[float]) -> Spread:
    """Of at least one value."""
    return Spread(quantile(values, 0.5), quantile(values, 0.1), quantile(values, 0.9))


def _difference(mine: Sequence[float], baseline: Sequence[float], p: float) -> Difference:
    shift = quantile(mine, 0.5) - quantile(baseline, 0.5)
    return Difference(shift=shift, larger=superiority(mine, baseline), p=p)


def _late(result: Result) -> list[Evaluation]:
    end = result.evaluations[-1].updates
    return [e for e in result.evaluations if e.updates > LATE * end]


def _first(result: Result) -> float:
    solved = (e.updates for e in result.evaluations if e.mean_return >= THRESHOLD)
    return next(solved, math.inf)

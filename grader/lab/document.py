"""`summary.md` and the tables of `docs/experiments.md`, made from the rows and nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from grader.cartpole.schedule import THRESHOLD
from grader.lab.claims import judge
from grader.lab.experiments import BASELINE, EXPERIMENTS
from grader.lab.rows import Row
from grader.lab.setting import Setting
from grader.lab.summary import LATE, LEVEL, Difference, Spread, compare, group
from grader.lab.text import number, p_value
from grader.report.model import EnvironmentEntry

Rows = Mapping[str, Sequence[Row]]


def summary_md(
    rows: Rows, setting: Setting, lab: str, environment: EnvironmentEntry, jobs: int
) -> str:
    """Markdown; `rows` holds at least one row per experiment, and the baseline's."""
    e = environment
    return (
        "# Ablation lab\n\n"
        f"Submission: `{rows[BASELINE.id][0].submission}`. Rows: `{lab}`.\n"
        f"Machine: {e.cpu}, {e.platform}, {jobs} at a time; Python {e.python}, torch {e.torch}, "
        f"NumPy {e.numpy}, Gymnasium {e.gymnasium}.\n\n"
        f"{tables(rows, setting)}"
    )


def tables(rows: Rows, setting: Setting) -> str:
    """Setting, results, differences and claims; the same for equal rows wherever it is made."""
    parts = (_setting(setting), _results(rows), _differences(rows), _claims(rows))
    return "\n".join(part for part in parts if part)


def _setting(setting: Setting) -> str:
    named = ", ".join(f"{f.name} {getattr(setting, f.name):,}" for f in dataclasses.fields(setting))
    return f"### Setting\n\n{named}.\n"


def _results(rows: Rows) -> str:
    lines = [
        "### Results\n",
        "Median (10th to 90th percentile) of the runs. *Late return*: mean greedy return of the "
        f"evaluations that come after {LATE:.0%} of the updates. *Reached*: runs with an "
        f"evaluation of {THRESHOLD:.0f} or more, and after how many updates the first came (∞: "
        "never). *There at the end*: runs whose last evaluation was one. *Max Q* and *worth*: of "
        "the states visited in the last evaluation.\n",
        f"| experiment | runs | late return | best return | reached {THRESHOLD:.0f} | first, "
        "updates | there at the end | max Q | worth |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, mine in rows.items():
        g = group(mine)
        cells = (
            _title(name),
            f"{g.runs}",
            _spread(g.late),
            _spread(g.best),
            f"{g.reached}",
            _spread(g.first),
            f"{g.ended}",
            _spread(g.max_q),
            _spread(g.worth),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _differences(rows: Rows) -> str:
    found = compare(rows)
    if not found:
        return ""
    lines = [
        "### Differences from the baseline\n",
        "*Value error*: mean of max Q − worth over the same evaluations. For both: difference of "
        "the medians; how often a run's value is larger than a baseline run's; p-value of the "
        f"exact rank-sum test, adjusted for all {2 * len(found)} of them (Holm). A difference is "
        f"called one below {LEVEL}.\n",
        "| experiment | late return | larger | p | value error | larger | p |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, comparison in found.items():
        cells = (_title(name), *_difference(comparison.late), *_difference(comparison.error))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _claims(rows: Rows) -> str:
    lines = [
        "### Claims\n",
        "| claim | experiment | verdict | because |",
        "|---|---|---|---|",
    ]
    for j in judge(rows):
        lines.append(f"| {j.text} | {_title(j.experiment)} | **{j.verdict}** | {j.evidence} |")
    return "\n".join(lines) + "\n"


def _difference(difference: Difference) -> tuple[str, str, str]:
    p = p_value(difference.p).removeprefix("= ")
    return number(difference.shift, "+"), f"{difference.larger:.0%}", p


def _title(name: str) -> str:
    return next(e.title for e in EXPERIMENTS if e.id == name)


def _spread(spread: Spread) -> str:
    return f"{number(spread.median)} ({number(spread.low)} to {number(spread.high)})"

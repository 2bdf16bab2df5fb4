"""`summary.md`: the study's results as text, made from the rows and nothing else."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

from grader.cartpole.audit import TOLERANCE
from grader.cartpole.schedule import THRESHOLD, Schedule
from grader.report.model import EnvironmentEntry
from grader.study import demands
from grader.study.overrides import shown
from grader.study.plan import Recipe
from grader.study.rows import Row
from grader.study.summary import Group, Spread, bounds, by_submission, group, pairings

TITLES: Mapping[Recipe, str] = {
    "kit": "the kit's judged run",
    "page": "the course page's recipe",
    "sb3": "Stable-Baselines3's tuned DQN",
}
_LISTED = 20


def summary_md(
    rows: Mapping[Recipe, Sequence[Row]],
    studies: Mapping[Recipe, str],
    schedule: Schedule,
    environment: EnvironmentEntry,
    jobs: int,
) -> str:
    """Markdown; `rows` holds at least one row per recipe."""
    sections = ["# Study of the judged run\n", _about(studies, schedule, environment, jobs)]
    sections.append(_recipes(rows))
    if "kit" in rows:
        kit = rows["kit"]
        sections += [_submissions(kit), _failure(kit), _independence(kit), _audit(kit)]
    sections += [_demands(rows), _unsolved(rows)]
    return "\n".join(sections)


def _about(
    studies: Mapping[Recipe, str], schedule: Schedule, environment: EnvironmentEntry, jobs: int
) -> str:
    changed = shown(schedule)
    settings = ", ".join(
        f"{f.name} {getattr(schedule, f.name)}"
        for f in dataclasses.fields(schedule)
        if f.name != "attempts"
    )
    hashes = ", ".join(f"{recipe} `{study}`" for recipe, study in studies.items())
    return (
        f"Solved: a greedy average of at least {THRESHOLD:.0f} over {schedule.confirm_episodes} "
        f"fresh episodes, after {schedule.screen_episodes} that looked like it.\n"
        f"Schedule: {f'the grader’s, changed by `{changed}`' if changed else 'the grader’s'} "
        f"({settings}).\n"
        f"Rows: {hashes}.\n"
        f"Machine: {environment.cpu}, {environment.platform}, {jobs} at a time; Python "
        f"{environment.python}, torch {environment.torch}, NumPy {environment.numpy}, Gymnasium "
        f"{environment.gymnasium}.\n"
    )


def _recipes(rows: Mapping[Recipe, Sequence[Row]]) -> str:
    groups = [group(TITLES[recipe], mine) for recipe, mine in rows.items()]
    return (
        "## Recipes\n\nMedian (10th to 90th percentile) to the confirmation; ∞ where so many runs "
        "had none.\nSeconds of the kit's run include its screenings, confirmations and audit; "
        "those of the other recipes are training alone.\n\n" + _table("recipe", groups)
    )


def _submissions(kit: Sequence[Row]) -> str:
    return "## The kit's run by submission\n\n" + _table("submission", by_submission(kit))


def _table(first: str, groups: Sequence[Group]) -> str:
    lines = [f"| {first} | solved | updates | environment steps | seconds | slowest |"]
    lines.append("|---|---|---|---|---|---|")
    for g in groups:
        slowest = f"{_number(g.updates.largest)} updates, {_number(g.seconds.largest, 1)} s"
        lines.append(
            f"| {g.name} | {g.solved:,} of {g.runs:,} | {_spread(g.updates)} | "
            f"{_spread(g.steps)} | {_spread(g.seconds, 1)} | {slowest} |"
        )
    return "\n".join(lines) + "\n"


def _failure(kit: Sequence[Row]) -> str:
    found = bounds(kit)
    keys, lost = found.check_observed
    lines = [
        "## Probability that correct code fails\n",
        f"- One attempt: {found.failures:,} of {found.runs:,} failed; one-sided 99 % bound "
        f"(Clopper–Pearson) p ≤ {found.attempt:.3g}.",
        f"- The graded check makes up to three attempts with seeds of their own. If they are "
        f"independent, it fails with probability at most p³ ≤ {found.check:.2g}.",
        f"- Attempts after which the graded check makes no other (audit failed, exception, lost "
        f"process): {found.finals:,}. p³ says nothing of these; their own 99 % bound is "
        f"{found.final:.3g}.",
    ]
    if found.check_directly is not None:
        lines.append(
            f"- Without the assumption: of {keys:,} keys whose three attempts were all made, "
            f"{lost:,} failed in all of them; 99 % bound {found.check_directly:.3g}, which is as "
            "far as so many keys can tell."
        )
    return "\n".join(lines) + "\n"


def _independence(kit: Sequence[Row]) -> str:
    lines = [
        "## A look at independence\n",
        "Spearman’s ρ of updates to the confirmation; independent pairs stay within the band 99 "
        "times in 100.\n",
        "| pairs | number | ρ | band | both failed | expected if independent |",
        "|---|---|---|---|---|---|",
    ]
    for pair in pairings(kit):
        rho = "–" if pair.correlation is None else f"{pair.correlation:+.3f}"
        lines.append(
            f"| {pair.name} | {pair.pairs:,} | {rho} | ±{pair.by_chance:.3f} | "
            f"{pair.both_failed:,} | {pair.expected:.3g} |"
        )
    return "\n".join(lines) + "\n"


def _audit(kit: Sequence[Row]) -> str:
    errors = sorted(r.result.largest_audit_error or 0.0 for r in kit)
    return (
        "## Audit\n\n"
        f"Largest relative error of an update, run by run: median {errors[len(errors) // 2]:.2g}, "
        f"largest {errors[-1]:.2g}; {TOLERANCE:g} is allowed.\n"
    )


def _demands(rows: Mapping[Recipe, Sequence[Row]]) -> str:
    lines = ["## What was asked for\n", "| demand | measured | met |", "|---|---|---|"]
    for demand in demands.judged(rows):
        met = {True: "yes", False: "no", None: "cannot be told from this run"}[demand.met]
        lines.append(f"| {demand.asked} | {demand.measured} | {met} |")
    return "\n".join(lines) + "\n"


def _unsolved(rows: Mapping[Recipe, Sequence[Row]]) -> str:
    lines = ["## Runs that were not solved\n"]
    for recipe, mine in rows.items():
        failed = [row for row in mine if not row.solved]
        if failed:
            lines.append(f"{TITLES[recipe]}: {len(failed):,} of {len(mine):,}\n")
        lines += [
            f"- seed {row.seed}, `{row.submission}`, {row.result.outcome}: {row.result.note}"
            for row in failed[:_LISTED]
        ]
        if len(failed) > _LISTED:
            lines.append(f"- … and {len(failed) - _LISTED:,} more")
        if failed:
            lines.append("")
    if len(lines) == 1:
        lines.append("None.")
    return "\n".join(lines).rstrip() + "\n"


def _spread(spread: Spread, digits: int = 0) -> str:
    low, high = _number(spread.low, digits), _number(spread.high, digits)
    return f"{_number(spread.median, digits)} ({low} to {high})"


def _number(value: float, digits: int = 0) -> str:
    return "∞" if math.isinf(value) else f"{value:,.{digits}f}"

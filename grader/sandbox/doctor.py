"""`python -m grader doctor`: which tiers hold on this machine, shown by trying all acts."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from grader.confine import acts
from grader.confine.acts.registry import load_acts
from grader.sandbox.examine import examine
from grader.sandbox.hosts import can_fork
from grader.sandbox.interface import Launcher, SandboxFault, Unfit
from grader.sandbox.preflight import Outcome
from grader.sandbox.tiers import FINDERS

#: Ends the worker in tiers that watch the scratch folder: tried for itself.
_ALONE = "fill_scratch"
_STEP = "gradient_step"
_TITLES = {_STEP: "Make a gradient step."}


@dataclass
class Finding:
    """What came of one tier."""

    tier: str
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    #: From the start to the end of what is tried at each start.
    start_s: float | None = None
    wrong: list[str] = field(default_factory=list)
    remedy: str | None = None


def run_doctor(console: Console | None = None) -> bool:
    """Print what works on this machine; whether anything does."""
    console = console or Console(highlight=False)
    findings = [look_at(tier, find) for tier, find in FINDERS.items()]
    console.print(tiers_table(findings))
    console.print()
    if any(finding.outcomes for finding in findings):
        console.print(acts_table(findings))
        console.print()
    for finding in findings:
        for wrong in finding.wrong:
            console.print(f"{finding.tier}: {wrong}", markup=False, soft_wrap=True)
        if finding.remedy:
            console.print(f"hint: {finding.remedy}", markup=False, soft_wrap=True)
    working = [finding.tier for finding in findings if not finding.wrong]
    if working:
        console.print(f"`--sandbox auto` takes {working[0]} here.")
    return bool(working)


def look_at(tier: str, find: Callable[[], Launcher]) -> Finding:
    """Try all acts in one tier."""
    finding = Finding(tier)
    try:
        launcher = find()
        if can_fork():
            _try_acts(launcher, finding)
    except Unfit as unfit:
        finding.wrong, finding.remedy = [unfit.why], unfit.remedy
    except SandboxFault as fault:
        finding.wrong, finding.remedy = [str(fault)], launcher.remedy(str(fault))
    return finding


def _try_acts(launcher: Launcher, finding: Finding) -> None:
    trial = launcher.trial
    begun = time.perf_counter()
    outcomes = examine(launcher, [(*trial.refused, *trial.needed)])
    finding.start_s = time.perf_counter() - begun
    costly = [act for act in acts.COSTLY if act != _ALONE] if trial.refused else []
    outcomes += examine(launcher, [*([act] for act in costly), [_STEP]])
    if trial.refused:
        outcomes += examine(launcher, [[_ALONE]])
        costly.append(_ALONE)
    finding.outcomes = {outcome.act: outcome for outcome in outcomes}
    finding.wrong = wrong_of(finding.outcomes, {*trial.refused, *costly}, {*trial.needed, _STEP})
    if finding.wrong:
        finding.remedy = "this tier is not used here; tell the kit's maintainers what you see"


def wrong_of(outcomes: Mapping[str, Outcome], refused: set[str], needed: set[str]) -> list[str]:
    """What did not come out as it must, in words."""
    wrong = []
    for act in sorted(refused | needed):
        outcome = outcomes.get(act)
        if outcome is None:
            wrong.append(f"{act} was not tried")
        elif outcome.done != (act in needed):
            wrong.append(f"{act} {'succeeded' if outcome.done else 'failed'}: {outcome.told}")
    return wrong


def tiers_table(findings: list[Finding]) -> Table:
    """One line per tier."""
    table = Table("tier", "works", "start", "", box=None, padding=(0, 2, 0, 0))
    for finding in findings:
        start = "" if finding.start_s is None else f"{1000 * finding.start_s:.0f} ms"
        note = "not a security boundary" if finding.tier == "plain" else ""
        works = "no" if finding.wrong else "yes"
        table.add_row(finding.tier, works, start, note)
    return table


def acts_table(findings: list[Finding]) -> Table:
    """One line per act, one column per tier."""
    tried = [finding for finding in findings if finding.outcomes]
    table = Table("", *[finding.tier for finding in tried], box=None, padding=(0, 2, 0, 0))
    for act in (*acts.EVERY, _STEP):
        cells = [_cell(finding.outcomes.get(act)) for finding in tried]
        if any(cells):
            table.add_row(_title(act), *cells)
    return table


def _cell(outcome: Outcome | None) -> str:
    if outcome is None:
        return ""
    return "possible" if outcome.done else "refused"


def _title(act: str) -> str:
    text = _TITLES.get(act) or (load_acts()[act].__doc__ or act).splitlines()[0]
    return text.rstrip(".")

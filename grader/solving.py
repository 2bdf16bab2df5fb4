"""From what the checks found to the CartPole part's result."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import msgspec

from grader.cartpole.run import Run, judged_run
from grader.cartpole.schedule import GENTLE, THRESHOLD, Schedule
from grader.checks.agents import Agents
from grader.checks.feedback import failure_of, normalised
from grader.checks.networks import Networks
from grader.checks.plugin import GradePlugin
from grader.checks.seeds import derive
from grader.checks.shapes import PROBE
from grader.checks.updates import Updates
from grader.client import Worker
from grader.oracle.dqn import Learner
from grader.report.model import (
    AttemptEntry,
    AuditEntry,
    CheckResult,
    LocationEntry,
    SolveEntry,
    Status,
)
from grader.rubric import CheckEntry

#: The checks that say whether QNetwork computes what the contract says.
_NETWORK = (
    "q_network.builds",
    "q_network.output_shape",
    "q_network.parameters",
    "q_network.hidden_layers",
    "q_network.output_layer",
)
_RUNNING = ("sample.returns_batch", "update.learns")


def grade_cartpole(
    entry: CheckEntry,
    plugin: GradePlugin,
    worker: Worker,
    key: bytes,
    training: Callable[[int, int, float], None],
    schedule: Schedule | None = None,
    *,
    attempt_wall_s: float,
) -> tuple[CheckResult, SolveEntry]:
    """An agent trained under the judge's eyes reaches the threshold, by the course's algorithm.

    The run is attempted when QNetwork computes what the contract says and `sample` and `update`
    run; otherwise the check is blocked.

    Every update of the run is recomputed. It must be the contract's, or always the one
    misconception that the checks of `update` had identified: that has cost its points there.
    Actions must be ε-greedy and batches drawn uniformly.
    """
    blocked_by = _obstacle(plugin)
    layout = None
    if blocked_by is None:
        layout = plugin.view("q_network", Networks).layout(PROBE)
    if layout is None:
        changes = {"status": "blocked", "blocked_by": blocked_by or "q_network.hidden_layers"}
        return _result(entry, changes), _solve("blocked", None, "contract", Schedule())
    learner, against = _learner(plugin)
    schedule = schedule or (Schedule() if learner is Learner else GENTLE)
    schedule = dataclasses.replace(schedule, wall_s=attempt_wall_s)
    worker.take_output()
    run = judged_run(
        worker,
        layout,
        learner,
        lambda name: derive(key, entry.id, name),
        schedule,
        lambda attempt, mean: training(attempt.number, attempt.updates, mean),
        # Another number is a fault of its own, which costs its check and not the run.
        losses=plugin.results["update.returned_loss"].status == "passed",
    )
    return _result(entry, _changes(run, worker)), _solve(run.status, run, against, schedule)


def _obstacle(plugin: GradePlugin) -> str | None:
    """The check that keeps the run from being attempted."""
    for check in (*_NETWORK, *_RUNNING):
        result = plugin.results.get(check)
        if result is None or result.status != "passed":
            return check
    if not plugin.view("update_target", Agents).sync_ran:
        return "update_target.copies"
    return None


def _learner(plugin: GradePlugin) -> tuple[type[Learner], str]:
    """What updates are audited against: the contract, or the one misconception identified."""
    failed = any(
        result.part == "update" and result.status != "passed" for result in plugin.results.values()
    )
    if failed:
        diagnosis = plugin.view("update", Updates).known_diagnosis
        learner = None if diagnosis is None else diagnosis.learner
        # Where targets are of other rows, whoever chooses their order teaches what they like, and
        # nobody else learns anything.
        if learner is not None and learner.pairs_rows and len(diagnosis.codes) == 1:
            return learner, diagnosis.codes[0]
    return Learner, "contract"


def _changes(run: Run, worker: Worker) -> dict[str, Any]:
    printed = worker.take_output()
    changes: dict[str, Any] = {
        "status": run.status,
        "output": None if printed is None else normalised(printed),
    }
    if run.status == "passed":
        return changes
    changes["observed"] = None if run.observed is None else normalised(run.observed)
    if run.raised is not None:
        failure = failure_of(run.raised)
        changes["observed"] = normalised(f"During the training run, {failure.observed}")
        if failure.location is not None:
            changes["location"] = LocationEntry(
                file=failure.location.file, line=failure.location.line
            )
        if run.raised.type == "TimeLimit":
            changes["status"] = "timed_out"
    changes["why"] = (
        "The points are for an agent that learned by this course's algorithm: every update of the "
        "run is recomputed."
        if run.audit_failed
        else f"An agent that learns reaches {THRESHOLD:.0f} within these settings; what the checks "
        "above found keeps this one from it."
    )
    return changes


def _result(entry: CheckEntry, changes: dict[str, Any]) -> CheckResult:
    passed = changes["status"] == "passed"
    result = CheckResult(
        id=entry.id,
        part=entry.part,
        title=entry.title,
        status="failed",
        score=entry.points if passed else 0,
        max_score=entry.points,
        visibility=entry.visibility,
    )
    return msgspec.structs.replace(result, **changes)


def _solve(status: Status, run: Run | None, against: str, schedule: Schedule) -> SolveEntry:
    attempts = (
        []
        if run is None
        else [
            AttemptEntry(
                solved=attempt.solved,
                updates=attempt.updates,
                environment_steps=attempt.environment_steps,
                mean_return=attempt.mean_return,
                curve=attempt.curve,
                max_q=[(n, q if math.isfinite(q) else None) for n, q in attempt.max_q],
                seed=attempt.seed,
            )
            for attempt in run.attempts
        ]
    )
    if run is None or (run.audited_updates == 0 and not run.audit_failed):
        audit = AuditEntry(status="not_attempted", audited_updates=0, against=against)
    else:
        audit = AuditEntry(
            status="failed" if run.audit_failed else "passed",
            audited_updates=run.audited_updates,
            against=against,
        )
    return SolveEntry(
        status=status,
        threshold=THRESHOLD,
        episodes=schedule.confirm_episodes,
        max_q_bound=schedule.max_q_bound,
        attempts=attempts,
        audit=audit,
    )

"""Grade one submission: the worker on its way first, then checks, CartPole run, report."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from grader import __version__
from grader.client import Worker
from grader.environment import read_environment
from grader.explanations import load_explanations
from grader.keys import PUBLIC_KEY, Key
from grader.memory import ContainerMemory
from grader.recall import Memory, Recall, afresh
from grader.release.digest import submission_sha256
from grader.report.model import (
    SCHEMA,
    AdviceEntry,
    CheckResult,
    GraderEntry,
    PartResult,
    Report,
    SubmissionEntry,
    TimingEntry,
    View,
    for_view,
)
from grader.report.source import lines_around
from grader.rubric import CheckEntry, Rubric, load_rubric
from grader.sandbox.interface import Host, Refused, SandboxFault
from grader.sandbox.plain import start_plain
from grader.strengthening import strengthened
from grader.unscored import no_solve, not_attempted

if TYPE_CHECKING:
    from grader.sandbox.intake import Submitted

CARTPOLE = "cartpole"
StartHost = Callable[[Mapping[str, bytes]], Host]
UNFINISHED = "the grading did not come to its end; what it had found by then is all there is"
#: What a container should have: a grading takes less than half of it, torch's files included.
ENOUGH_MEMORY_MB = 1536


class GraderFault(Exception):
    """The grader itself failed; nothing is thereby said about the submission."""


class Listener(Protocol):
    """Told of a grading's progress while it runs."""

    def starting(self, check: CheckEntry) -> None:
        """A check begins."""

    def finished(self, result: CheckResult) -> None:
        """A check has its outcome."""

    def training(self, attempt: int, updates: int, mean_return: float) -> None:
        """The CartPole run was screened."""


class Silent:
    """A listener that keeps it all to itself."""

    def starting(self, check: CheckEntry) -> None:
        """Nothing."""

    def finished(self, result: CheckResult) -> None:
        """Nothing."""

    def training(self, attempt: int, updates: int, mean_return: float) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Options:
    """What is graded and for whom. `only` names parts; empty means all of them.

    hidden : the folder of the hidden checks, in an official grading
    """

    solve: bool = True
    only: frozenset[str] = frozenset()
    view: View = "student"
    key: Key = field(default_factory=lambda: Key(PUBLIC_KEY))
    hidden: Path | None = None

    def attempts(self, part: str) -> bool:
        """Whether this part is to be graded."""
        if part == CARTPOLE and not self.solve:
            return False
        return not self.only or part in self.only


def grade(
    submitted: Submitted,
    options: Options | None = None,
    listener: Listener | None = None,
    start_host: StartHost = start_plain,
    memory: Memory | None = None,
    so_far: Callable[[Report], None] | None = None,
) -> Report:
    """The report on one submission, in the view asked for.

    Parameters
    ----------
    memory : for who grades one submission after another, so that what follows from the key alone
        is worked out once; reports are the same without it
    so_far : gets a report without a score after each part: whoever keeps it has something to show
        when the grading is cut short

    Raises `GraderFault` when the grader fails, and `Refused` when no isolation that may serve
    works; `KeyboardInterrupt` passes. No process is left behind in any case.
    """
    options = options or Options()
    listener = listener or Silent()
    container = ContainerMemory()
    kills_before = container.kills()
    recall = afresh if memory is None else memory.of(options.key.secret)
    begun = time.perf_counter()
    lost = False
    try:
        host = start_host(submitted.files)
        try:
            rubric = load_rubric(hidden=options.hidden)
            session = _Session(submitted, options, listener, rubric, host, so_far, recall)
            session.run_checks()
            checked = time.perf_counter()
            session.run_cartpole()
            done = time.perf_counter()
            lost = session.lost_worker
        finally:
            host.close()
    except SandboxFault as fault:
        if container.kills() > kills_before:
            raise GraderFault(_short_of(container)) from fault
        if isinstance(fault, Refused):
            raise
        raise GraderFault(str(fault)) from fault
    # Whose allocation was the last straw, nobody can tell: a worker lost so costs no points.
    if lost and container.kills() > kills_before:
        raise GraderFault(_short_of(container))
    timing = TimingEntry(
        total_s=round(done - begun, 3),
        checks_s=round(checked - begun, 3),
        solve_s=round(done - checked, 3),
    )
    return for_view(session.report(timing), options.view)


def _short_of(memory: ContainerMemory) -> str:
    """What a grading without enough memory says; staff reads it."""
    limit = memory.limit()
    has = "" if limit is None else f"this container has {limit >> 20} MB, "
    return (
        "the system ended a process of the grading because memory ran out: "
        f"{has}give it {ENOUGH_MEMORY_MB} MB; if it has that, the submission asks for too much"
    )


class _Session:
    """The state of one grading, from the first check to the report."""

    def __init__(
        self,
        submitted: Submitted,
        options: Options,
        listener: Listener,
        rubric: Rubric,
        host: Host,
        so_far: Callable[[Report], None] | None,
        recall: Recall,
    ) -> None:
        from grader.checks.plugin import GradePlugin

        self._submitted = submitted
        self._options = options
        self._listener = listener
        self._rubric = rubric
        self._host = host
        self._so_far = so_far
        self._worker = Worker(host, rubric.limits)
        self._explanations = load_explanations()
        graded = {part.id for part in rubric.part if options.attempts(part.id)}
        # The CartPole run rests on what the checks of the other parts find out.
        needed = {p.id for p in rubric.part} if CARTPOLE in graded else graded
        self._plugin = GradePlugin(
            self._worker,
            rubric,
            self._explanations,
            options.key.secret,
            frozenset(submitted.files),
            parts=frozenset(needed),
            recall=recall,
            starting=self._starting,
            finished=self._finished,
        )
        self._results: dict[str, CheckResult] = {}
        self._advice: list[AdviceEntry] = []
        self._solve = no_solve()
        self._part: str | None = None

    @property
    def lost_worker(self) -> bool:
        """Whether a worker has ended in the midst of a call."""
        return self._worker.ended > 0

    def run_checks(self) -> None:
        """All checks but the CartPole run's."""
        from grader.checks.runner import run_checks

        run_checks(self._plugin, self._options.hidden)
        if self._plugin.interrupted:
            raise KeyboardInterrupt
        if self._plugin.fault is not None:
            fault = self._plugin.fault
            if isinstance(fault, SandboxFault):  # met at the first request, `Refused` among them
                raise fault
            raise GraderFault(f"{type(fault).__name__}: {fault}") from fault
        self._take_results()
        self._tell_so_far()

    def _take_results(self) -> None:
        results = strengthened(self._plugin.results, self._rubric)
        self._results = {
            check: result
            for check, result in results.items()
            if self._options.attempts(result.part)
        }
        self._advice = self._plugin.advice()

    def _tell_so_far(self) -> None:
        """A report without a score, in the view asked for."""
        if self._so_far is None:
            return
        nothing = TimingEntry(total_s=0.0, checks_s=0.0, solve_s=0.0)
        unfinished = msgspec.structs.replace(
            self.report(nothing), status="interrupted", reason=UNFINISHED, score=None
        )
        self._so_far(for_view(unfinished, self._options.view))

    def run_cartpole(self) -> None:
        """The judged training run, when it is asked for and has something to rest on."""
        if not self._options.attempts(CARTPOLE):
            return
        from grader.solving import grade_cartpole

        entry = self._rubric.checks_of(CARTPOLE)[0]
        self._listener.starting(entry)
        result, solve = grade_cartpole(
            entry,
            self._plugin,
            self._worker,
            self._options.key.secret,
            self._listener.training,
            attempt_wall_s=self._rubric.limits.attempt_wall_s,
        )
        self._results[entry.id] = result
        self._solve = solve
        self._listener.finished(result)

    def report(self, timing: TimingEntry) -> Report:
        """Everything put together, in the staff's view."""
        checks = [self._result(entry) for entry in self._rubric.check]
        parts = []
        for part in self._rubric.part:
            mine = [check for check in checks if check.part == part.id]
            parts.append(
                PartResult(
                    id=part.id,
                    title=part.title,
                    score=sum(check.score for check in mine),
                    max_score=part.points,
                    attempted=any(check.status != "not_attempted" for check in mine),
                )
            )
        return Report(
            schema=SCHEMA,
            status="graded",
            reason=None,
            view="staff",
            submission=SubmissionEntry(
                name=self._submitted.name,
                sha256=submission_sha256(self._submitted.files),
                left_out=self._submitted.left_out,
            ),
            grader=GraderEntry(
                version=__version__,
                rubric_sha256=self._rubric.sha256,
                key_id=self._options.key.id,
            ),
            environment=read_environment(self._host.tier),
            score=sum(part.score for part in parts),
            max_score=100,
            attempted_max=sum(part.max_score for part in parts if part.attempted),
            parts=parts,
            checks=checks,
            advice=self._advice,
            solve=self._solve,
            timing=timing,
        )

    def _result(self, entry: CheckEntry) -> CheckResult:
        """What came of a check, with the lines of code that it tells of."""
        result = self._results.get(entry.id)
        if result is None:
            return not_attempted(entry)
        excerpt = lines_around(self._submitted.files, result.location)
        return msgspec.structs.replace(result, excerpt=excerpt)

    def _starting(self, check: CheckEntry) -> None:
        if self._part not in (None, check.part):
            self._take_results()
            self._tell_so_far()
        self._part = check.part
        if self._options.attempts(check.part):
            self._listener.starting(check)

    def _finished(self, result: CheckResult) -> None:
        if self._options.attempts(result.part):
            self._listener.finished(result)

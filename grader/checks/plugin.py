"""The pytest plugin that runs checks: fixtures, dependencies, outcomes and points."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from typing import Any

import msgspec
import pytest

from grader.checks.agents import Agents
from grader.checks.draws import Draws
from grader.checks.feedback import Blocked, Failure, normalised
from grader.checks.networks import Networks
from grader.checks.part import Part, Siblings
from grader.checks.updates import Updates
from grader.client import Location, Worker, WorkerLost
from grader.explanations import Explanation
from grader.recall import Recall, afresh
from grader.report.model import AdviceEntry, CheckResult, LocationEntry
from grader.rubric import CheckEntry, Rubric

_MODULES = {
    "q_network": "q_network",
    "sample": "replay_buffer",
    "update": "dqn_agent",
    "update_target": "dqn_agent",
}


_METHODS = {
    "q_network": "QNetwork.forward",
    "sample": "ReplayBuffer.sample",
    "update": "DQNAgent.update",
    "update_target": "DQNAgent.update_target",
}


class GradePlugin:
    """Runs the collected checks against one submission.

    Parameters
    ----------
    present : names of the submission's files
    recall : gives what earlier submissions have left known of this key
    listener : called with each finished check; `starting` with the id of each that begins

    `results` holds the outcomes by id, `fault` an exception that was the grader's own.
    """

    def __init__(
        self,
        worker: Worker,
        rubric: Rubric,
        explanations: Mapping[str, Explanation],
        key: bytes,
        present: frozenset[str],
        *,
        parts: frozenset[str],
        recall: Recall = afresh,
        starting: Callable[[CheckEntry], None] = lambda _check: None,
        finished: Callable[[CheckResult], None] = lambda _result: None,
    ) -> None:
        self.results: dict[str, CheckResult] = {}
        self.fault: BaseException | None = None
        self.interrupted = False
        self._worker = worker
        self._rubric = rubric
        self._explanations = explanations
        self._key = key
        self._present = present
        self._wanted = parts
        self._recall = recall
        self._starting = starting
        self._finished = finished
        self._siblings = Siblings()
        self._parts: dict[str, Part] = {}
        self._views: dict[tuple[str, type], Any] = {}

    # --- what the rest of the grader asks ---

    def view(self, part: str, kind: type[Any]) -> Any:
        """The one object of this kind for a part, made when it is first asked for."""
        if (part, kind) not in self._views:
            self._views[part, kind] = kind(self.part(part))
        return self._views[part, kind]

    def part(self, part: str) -> Part:
        """The part at the other end of the channel."""
        if part not in self._parts:
            module = _MODULES[part]
            present = f"{module}.py" in self._present
            self._parts[part] = Part(
                self._worker,
                module,
                present,
                self._key,
                self._siblings,
                self._recall,
                self._rubric.limits,
            )
        return self._parts[part]

    def advice(self) -> list[AdviceEntry]:
        """Remarks collected by all checks, by code."""
        codes = {advice.code for part in self._parts.values() for advice in part.advice}
        return [
            AdviceEntry(code=code, message=self._explanations[code].why) for code in sorted(codes)
        ]

    # --- fixtures ---

    @pytest.fixture
    def networks(self, request: pytest.FixtureRequest) -> Networks:
        """Questions about QNetwork."""
        return self.view(_part_of(request.node), Networks)  # type: ignore[no-any-return]

    @pytest.fixture
    def draws(self, request: pytest.FixtureRequest) -> Draws:
        """Questions about ReplayBuffer."""
        return self.view(_part_of(request.node), Draws)  # type: ignore[no-any-return]

    @pytest.fixture
    def updates(self, request: pytest.FixtureRequest) -> Updates:
        """Questions about DQNAgent.update."""
        return self.view(_part_of(request.node), Updates)  # type: ignore[no-any-return]

    @pytest.fixture
    def agents(self, request: pytest.FixtureRequest) -> Agents:
        """Questions about DQNAgent."""
        return self.view(_part_of(request.node), Agents)  # type: ignore[no-any-return]

    # --- pytest's hooks ---

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the parts asked for, in the rubric's order; every check must be in the rubric."""
        order = {check.id: n for n, check in enumerate(self._rubric.check)}
        unknown = [check_id(item) for item in items if check_id(item) not in order]
        if unknown:
            raise pytest.UsageError(f"checks that the rubric does not know: {unknown}")
        items[:] = sorted(
            (item for item in items if _part_of(item) in self._wanted),
            key=lambda item: order[check_id(item)],
        )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Run one check and keep what came of it."""
        check = self._rubric.find(check_id(item))
        self._starting(check)
        begun = time.perf_counter()
        self._worker.take_output()
        try:
            self._enter(check)
            result = yield
        except BaseException as error:
            self._record(check, error, time.perf_counter() - begun)
            if self.fault is not None and item.session is not None:
                item.session.shouldstop = "fault of the grader"
            raise
        self._record(check, None, time.perf_counter() - begun)
        return result

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A check module that cannot be collected is the grader's fault."""
        if report.failed:
            self.fault = RuntimeError(str(report.longrepr))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """So is a fixture that fails."""
        if report.when == "setup" and report.failed:
            self.fault = RuntimeError(str(report.longrepr))

    # --- outcomes ---

    def _enter(self, check: CheckEntry) -> None:
        for needed in check.needs:
            before = self.results.get(needed)
            if before is not None and before.status != "passed":
                raise Blocked(before.blocked_by or needed)
        self.part(check.part).enter(check.id)

    def _record(self, check: CheckEntry, error: BaseException | None, duration: float) -> None:
        result = CheckResult(
            id=check.id,
            part=check.part,
            title=check.title,
            status="passed",
            score=check.points,
            max_score=check.points,
            visibility=check.visibility,
            duration_s=round(duration, 4),
        )
        match error:
            case None:
                changes: dict[str, Any] = {}
            case Failure():
                changes = self._failed(error, check)
            case WorkerLost():
                changes = {
                    "status": error.status,
                    "observed": normalised(_capital(error.observed)),
                    "why": "A call must come back, within seconds, and leave the process running.",
                    "location": _location(error.location),
                }
            case Blocked():
                changes = {"status": "blocked", "blocked_by": error.by}
            case KeyboardInterrupt():
                self.interrupted = True
                return
            case _:
                self.fault = error
                return
        if error is not None:
            changes["score"] = 0
        printed = self._worker.take_output()
        changes["output"] = None if printed is None else normalised(printed)
        result = msgspec.structs.replace(result, **changes)
        self.results[check.id] = result
        self._finished(result)

    def _failed(self, failure: Failure, check: CheckEntry) -> dict[str, Any]:
        # Where a number is wrong there is no traceback: the method asked about is the place.
        place = failure.location
        if place is None and not check.id.split(".")[1].startswith("given_"):
            place = self.part(check.part).where(_METHODS[check.part])
        explanation = self._explanations.get(failure.code or "")
        return {
            "status": failure.status,
            "code": failure.code,
            "observed": normalised(failure.observed),
            "why": explanation.why if explanation else failure.why,
            "hint": explanation.full_hint if explanation else None,
            "reproduce": failure.reproduce,
            "location": _location(place),
            "targets": failure.targets,
        }


def check_id(item: pytest.Item) -> str:
    """`part.name` of a collected check function."""
    function = item.name.removeprefix("check_")
    return f"{_part_of(item)}.{function}"


def _part_of(item: pytest.Item) -> str:
    return str(item.module.PART)  # type: ignore[attr-defined]


def _location(location: Location | None) -> LocationEntry | None:
    return LocationEntry(file=location.file, line=location.line) if location else None


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")

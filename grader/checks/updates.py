"""Questions about `DQNAgent.update` and what its answers mean."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

import msgspec
import numpy as np

from grader.checks.agents import Agents, Learning, Scenario, random_pool, random_weights
from grader.checks.compare import Doubles, close, list_of_doubles
from grader.checks.copying import copies
from grader.checks.diagnosis import Diagnosis, battery, diagnose
from grader.checks.explore import explore
from grader.checks.feedback import Failure, code_of, failure_of
from grader.checks.outcomes import EVERYTHING, GRADIENTS, difference, updates_of
from grader.checks.part import Part
from grader.checks.rounding import DECIDING, sensitivity
from grader.checks.seeds import derive, generator
from grader.checks.update_scenarios import tabular
from grader.checks.update_snippets import update_snippet
from grader.client import WorkerLost
from grader.oracle.dqn import MAX_NORM
from grader.oracle.models import global_norm
from grader.protocol.messages import AgentTrace, Update, Updated
from grader.report.model import TargetEntry

#: Calls after which the long run is looked at: code may do something else every hundredth time.
LONG_RUN = (1, 1, 8, 100, 200)
#: Updates tried in search of a counterexample.
TRIED = 40
#: Wrong targets told of one batch.
SHOWN = 4


@dataclass(frozen=True)
class WrongTargets:
    """Wrong targets of one batch, in words and as the rows of a table."""

    told: str
    rows: list[TargetEntry]


@dataclass(frozen=True)
class LongRun:
    """Hundreds of calls on one batch; `counts` are the calls so far at each look."""

    scenario: Scenario
    counts: list[int]
    trace: AgentTrace


class Updates:
    """Plays scenarios of `update`, judges them, and diagnoses once when something differs."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.agents = Agents(part)
        self._diagnosis: Diagnosis | None = None
        self._copies: bool | None = None
        self._long_run: LongRun | None = None
        self._counterexample: list[str] | None = None

    @property
    def known_diagnosis(self) -> Diagnosis | None:
        """The diagnosis, if a check has asked for one."""
        return self._diagnosis

    @property
    def diagnosis(self) -> Diagnosis:
        """What explains the submission, from a battery of scenarios played once."""
        if self._diagnosis is None:
            scenarios = self.part.recall("battery", lambda: battery(self.part.key))
            scenarios = [self.without_syncs(scenario) for scenario in scenarios]
            traces = [self.agents.play(scenario) for scenario in scenarios]
            self._diagnosis = diagnose(scenarios, traces, self.part.recall)
        return self._diagnosis

    def without_syncs(self, scenario: Scenario) -> Scenario:
        """The scenario, without its copies where they do not work: that is another part's fault."""
        if self._copies is None:
            try:
                self._copies = copies(self.agents, generator(self.part.key, "copying"))
            except WorkerLost:
                self.part.forgive()
                self._copies = False
        if self._copies:
            return scenario
        return replace(scenario, steps=[s for s in scenario.steps if isinstance(s, Learning)])

    def long_run(self) -> LongRun:
        """The long run, played once; `Failure` when student code raised."""
        if self._long_run is None:
            rng = generator(self.part.key, "long run")
            pool = random_pool(rng, 9, 3, 2, terminal=0.2)
            scenario = Scenario(
                q=random_weights(rng, 3, 2),
                target=random_weights(rng, 3, 2),
                lr=0.003,
                gamma=0.9,
                steps=[Learning(pool, 9)],
            )
            request = scenario.request()
            looks = [Update(batch_size=9, times=times) for times in LONG_RUN]
            request = msgspec.structs.replace(request, operations=[request.operations[0], *looks])
            trace = self._checked(self.agents.ask(request))
            self._long_run = LongRun(scenario, list(itertools.accumulate(LONG_RUN)), trace)
        return self._long_run

    def run(self, scenario: Scenario) -> AgentTrace:
        """The trace; `Failure` when student code raised."""
        return self._checked(self.agents.play(scenario))

    def _checked(self, trace: AgentTrace) -> AgentTrace:
        if trace.raised is not None:
            code = code_of(trace.raised, "UPDATE_")
            if code is None and trace.raised.type not in ("NotImplementedError", "TimeLimit"):
                code = next(iter(self.diagnosis.codes), None)
            raise failure_of(trace.raised, code=code)
        self._remark(trace)
        return trace

    def _remark(self, trace: AgentTrace) -> None:
        if any(updated.target_has_gradient for updated in updates_of(trace)):
            self.part.advise("TARGET_GRAPH_KEPT")

    def judge(
        self,
        scenario: Scenario,
        why: str,
        aspects: Iterable[str] = (GRADIENTS,),
        reproduce: Callable[[Scenario], str] | None = None,
    ) -> None:
        """`Failure` unless the trace is the contract's, or departs from it only by a
        misconception that belongs to other checks. `reproduce` gives lines that show a scenario."""
        trace = self.agents.play(scenario)
        if trace.raised is not None and self.excused(scenario, trace, aspects):
            return  # it raises where a misconception does that other checks are there for
        self._checked(trace)
        found = difference(scenario, trace, aspects=aspects)
        if found is None or self.excused(scenario, trace, aspects):
            return
        if sensitivity(scenario) > DECIDING:
            return  # rounding decides here, and not the code
        targets = wrong_targets(scenario, trace, found.call)
        told = targets.told if targets else f"In call {found.call + 1} {found.observed}."
        self.fail(
            told,
            why,
            None if reproduce is None else reproduce(scenario),
            targets.rows if targets else (),
        )

    def excused(
        self, scenario: Scenario, trace: AgentTrace, aspects: Iterable[str] = EVERYTHING
    ) -> bool:
        """Whether misconceptions that other checks are there for explain this trace."""
        learner = self.diagnosis.learner
        if learner is None or self.part.check in self.diagnosis.checks:
            return False
        return difference(scenario, trace, learner, aspects) is None

    def settle(self, why: str) -> None:
        """`Failure` when a misconception was identified that this check is there for.

        For checks of one effect alone: some misconceptions leave that effect as it should be.
        """
        if self.part.check in self.diagnosis.checks:
            self.fail(f"{self.diagnosis.evidence}, as an update with this fault does.", why)

    def fail(
        self,
        observed: str,
        why: str,
        reproduce: str | None = None,
        targets: Sequence[TargetEntry] = (),
    ) -> NoReturn:
        """A failure of the running check, named if the diagnosis names it."""
        raise Failure(
            observed,
            why=why,
            code=self.diagnosis.code_for(self.part.check),
            reproduce=reproduce or self.counterexample,
            targets=targets,
        )

    @property
    def counterexample(self) -> str | None:
        """Lines that show the fault on the smallest update found; searched for once.

        None where two faults mix: the smallest update would show one of them at the other's check.
        """
        if self._counterexample is None:
            self._counterexample = [] if len(self.diagnosis.codes) > 1 else self._search()
        return next(iter(self._counterexample), None)

    def _search(self) -> list[str]:
        def judge(scenario: Scenario) -> None:
            trace = self.agents.play(scenario)
            if trace.raised is not None or difference(scenario, trace) is not None:
                raise Failure("", reproduce=update_snippet(scenario))

        seeded = derive(self.part.key, "counterexample")
        try:
            explore(tabular(), judge, seeded=seeded, examples=TRIED, recall=self.part.recall)
        except Failure as failure:
            return [failure.reproduce] if failure.reproduce is not None else []
        except WorkerLost:
            self.part.forgive()
        return []


def gradients_of(updated: Updated) -> list[Doubles] | None:
    """The gradients of the step, None when none was seen or one is not finite."""
    return list_of_doubles(updated.gradients) if updated.gradients is not None else None


def read_targets(scenario: Scenario, trace: AgentTrace, call: int) -> Doubles | None:
    """The TD target of every transition, read off the gradient of a first update.

    For a mean squared error, dL/dQ(s_i, a_i) = 2 (q_i − y_i) / B; with one-hot states it stands
    alone in the gradient. None unless the norm is below 10, every row has its own entry, and the
    loss returned agrees with the targets read.
    """
    if call != 0 or not isinstance(scenario.steps[0], Learning):
        return None
    batch = scenario.steps[0].batch
    updated = updates_of(trace)[0]
    gradients = gradients_of(updated)
    hot = batch.states.argmax(axis=1)
    one_hot = bool((batch.states.sum(axis=1) == 1).all() and (batch.states.max(axis=1) == 1).all())
    if gradients is None or not one_hot or len(np.unique(hot)) < len(batch):
        return None
    if global_norm(gradients) >= 0.999 * MAX_NORM:
        return None
    rows = np.arange(len(batch))
    q = scenario.values(batch.states)[rows, batch.actions]
    targets: Doubles = q - gradients[0][batch.actions, hot] * len(batch) / 2
    number = updated.returned.number
    if number is None or not close(np.mean((q - targets) ** 2), number, rel=1e-3):
        return None
    return targets


def wrong_targets(scenario: Scenario, trace: AgentTrace, call: int) -> WrongTargets | None:
    """The transitions whose target is wrong, with both targets and a closed form if one fits."""
    targets = read_targets(scenario, trace, call)
    if targets is None:
        return None
    step = scenario.steps[0]
    assert isinstance(step, Learning)
    batch = step.batch
    values = scenario.values(batch.next_states, of_target=True)
    best = values.max(axis=1)
    expected = batch.rewards + scenario.gamma * (1 - batch.dones) * best
    wrong = np.flatnonzero(np.abs(targets - expected) > 1e-3 * (np.abs(expected) + 1))
    if len(wrong) == 0:
        return None
    rows = [
        TargetEntry(
            transition=int(i),
            action=int(batch.actions[i]),
            reward=_rounded(batch.rewards[i]),
            terminal=bool(batch.dones[i]),
            best_next=_rounded(best[i]),
            expected=_rounded(expected[i]),
            got=_rounded(targets[i]),
            formula=_closed_form(targets[i], batch.rewards[i], scenario.gamma, values[i]),
        )
        for i in wrong[:SHOWN]
    ]
    head = (
        f"γ = {scenario.gamma:g}; {len(wrong)} of {len(batch)} targets differ (read off the "
        "gradient of your step):"
    )
    return WrongTargets("\n".join([head, *map(_in_words, rows)]), rows)


def _rounded(number: float) -> float:
    """To the digits that are shown; arithmetic in float32 holds few more."""
    return float(f"{number:.4g}")


def _in_words(row: TargetEntry) -> str:
    kind = "terminal" if row.terminal else "not terminal"
    closed = f" = {row.formula}" if row.formula else ""
    return (
        f"s{row.transition}, action {row.action}, reward {row.reward:.4g}, {kind}, best next "
        f"value {row.best_next:.4g}:\n"
        f"  expected {row.expected:.4g}, yours {row.got:.4g}{closed}"
    )


def _closed_form(got: float, r: float, gamma: float, values: Doubles) -> str | None:
    """An expression of the numbers shown that gives the student's target, if one does."""
    best, worst, mean = values.max(), values.min(), values.mean()
    forms = {
        f"{r:.4g} + {gamma:g} · {best:.4g}": r + gamma * best,
        f"{r:.4g} − {gamma:g} · {best:.4g}": r - gamma * best,
        f"{r:.4g} + {best:.4g}": r + best,
        f"{gamma:g} · ({r:.4g} + {best:.4g})": gamma * (r + best),
        f"{r:.4g} + {gamma:g} · {worst:.4g} (the smallest)": r + gamma * worst,
        f"{r:.4g} + {gamma:g} · {mean:.4g} (the mean)": r + gamma * mean,
        f"{r:.4g} + {gamma:g} · {values.sum():.4g} (the sum)": r + gamma * values.sum(),
        f"{r:.4g} + {gamma:g} · {values.argmax()} (the index)": r + gamma * float(values.argmax()),
        f"{r:.4g} + 0.99 · {best:.4g}": r + 0.99 * best,
        f"{r:.4g} (the reward alone)": r,
        "0": 0.0,
    }
    for text, value in forms.items():
        if abs(got - value) <= 1e-3 * (abs(value) + 0.1):
            return text if text != "0" else None
    return None

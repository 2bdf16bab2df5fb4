"""One attempt after another, until the agent is confirmed or none is left."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from grader.cartpole.acting import Acting
from grader.cartpole.audit import Audit, AuditFailed, Packing
from grader.cartpole.environment import Lockstep, Served
from grader.cartpole.evaluate import Greedy, greedy_episodes
from grader.cartpole.schedule import (
    ACTION_DIM,
    HIDDEN_DIM,
    PARAMETERS,
    STATE_DIM,
    THRESHOLD,
    Schedule,
)
from grader.client import Worker, WorkerLost
from grader.oracle.dqn import Learner
from grader.oracle.models import Weights
from grader.oracle.network import Layout
from grader.protocol.arrays import from_numpy
from grader.protocol.messages import (
    Advance,
    Advanced,
    BeginRun,
    Load,
    Loaded,
    Raised,
    RunBegun,
    Transitions,
)

#: CPU seconds that one lockstep may take: some milliseconds, and a wide margin.
STEP_CPU_S = 5.0
STEP_WALL_S = 20.0


@dataclass
class Attempt:
    """What one training run came to.

    curve : (updates, mean greedy return) of every screening
    max_q : (updates, mean of max_a Q(s, a) over the states acted in) of the same episodes
    """

    number: int
    seed: int
    solved: bool = False
    updates: int = 0
    environment_steps: int = 0
    mean_return: float | None = None
    curve: list[tuple[int, float]] = field(default_factory=list)
    max_q: list[tuple[int, float]] = field(default_factory=list)

    def screened(self, greedy: Greedy) -> None:
        """Enter greedy episodes after the updates so far, in place of earlier ones from there."""
        if self.curve and self.curve[-1][0] == self.updates:
            self.curve.pop()
            self.max_q.pop()
        self.curve.append((self.updates, float(greedy.returns.mean())))
        self.max_q.append((self.updates, greedy.max_q))


@dataclass
class Run:
    """The outcome of all attempts.

    `observed` says why it was not solved; `status` crashed or timed_out when the worker was lost.
    """

    status: Literal["passed", "failed", "crashed", "timed_out"] = "failed"
    attempts: list[Attempt] = field(default_factory=list)
    audited_updates: int = 0
    audit_failed: bool = False
    #: Relative error of the update that agreed worst with the audit's.
    largest_error: float = 0.0
    observed: str | None = None
    raised: Raised | None = None


class RaisedInRun(Exception):
    """Student code raised while it was run."""

    def __init__(self, raised: Raised) -> None:
        super().__init__(raised.message)
        self.raised = raised


class Ended(Exception):
    """The attempt cannot go on: says why."""


class Unlucky(Ended):
    """The agent was not confirmed within the budget; another attempt may end otherwise."""


class Hopeless(Unlucky):
    """The agent shows no sign of learning."""


class TooSlow(Ended):
    """The last guard has run out."""


def judged_run(
    worker: Worker,
    layout: Layout,
    kind: type[Learner],
    seed_of: Callable[[str], int],
    schedule: Schedule,
    progress: Callable[[Attempt, float], None] = lambda _attempt, _return: None,
    *,
    losses: bool = True,
) -> Run:
    """Train the student's agent in up to three attempts.

    Parameters
    ----------
    layout : which of QNetwork's parameters is which layer
    kind : the learner that every update is audited against
    seed_of : a seed for a name
    progress : told of every screening, with the attempt and the mean return
    losses : whether the losses that `update` returns are audited too
    """
    run = Run()
    for number in range(1, schedule.attempts + 1):
        attempt = Attempt(number=number, seed=seed_of(f"attempt {number}"))
        run.attempts.append(attempt)
        driver = _Driver(worker, layout, kind, attempt, schedule, progress, losses)
        try:
            driver.train()
        except AuditFailed as failed:
            run.audit_failed = True
            run.observed = f"In attempt {number}, {failed}."
        except RaisedInRun as error:
            run.raised = error.raised
        except WorkerLost as lost:
            run.status = lost.status
            run.observed = f"During the training run: {lost.observed}."
        except Ended as ended:
            run.observed = f"In attempt {number}, {ended}."
            if isinstance(ended, TooSlow):
                run.status = "timed_out"
            # Bad luck deserves another attempt; a known misconception that learns nothing does not.
            unlucky = isinstance(ended, Unlucky)
            if not unlucky or (isinstance(ended, Hopeless) and kind is not Learner):
                return run
        finally:
            run.audited_updates += driver.audited
            run.largest_error = max(run.largest_error, driver.largest_error)
            driver.close()
        if attempt.solved:
            run.status = "passed"
            run.observed = None
            return run
        if run.audit_failed or run.raised is not None or run.status != "failed":
            return run
    return run


class _Driver:
    """Drives one attempt: sends a lockstep, and audits the one before while it is played."""

    def __init__(
        self,
        worker: Worker,
        layout: Layout,
        kind: type[Learner],
        attempt: Attempt,
        schedule: Schedule,
        progress: Callable[[Attempt, float], None],
        losses: bool,
    ) -> None:
        self._worker = worker
        self._losses = losses
        self._layout = layout
        self._kind = kind
        self._attempt = attempt
        self._schedule = schedule
        self._progress = progress
        seeds = np.random.SeedSequence(attempt.seed).generate_state(5)
        self._rng = np.random.default_rng(int(seeds[0]))
        self._screen_seed = int(seeds[1])
        self._confirm_seed = int(seeds[2])
        self._envs = Lockstep(schedule.environments, int(seeds[3]))
        self._worker_seed = int(seeds[4])
        self._audit: Audit | None = None
        self._acting = Acting(schedule.environments)
        self._best = 0.0
        self._asked = 0

    @property
    def audited(self) -> int:
        """Updates recomputed so far."""
        return self._audit.updates if self._audit is not None else 0

    @property
    def largest_error(self) -> float:
        """Relative error of the update that agreed worst so far."""
        return self._audit.largest_error if self._audit is not None else 0.0

    def close(self) -> None:
        """Release the environments."""
        self._envs.close()

    def train(self) -> None:
        """Until confirmed, hopeless, or out of budget.

        Raises `AuditFailed`, `RaisedInRun`, `WorkerLost`, or `Ended` with the reason.
        """
        audit = self._audit = self._begin()
        schedule, attempt = self._schedule, self._attempt
        guard = time.monotonic() + schedule.wall_s
        served: Served | None = None
        self._send(None, 0)
        pending = self._receive()
        while True:
            actions = self._actions(pending)
            states, epsilon = self._envs.states, schedule.epsilon(attempt.updates)
            served = self._envs.step(actions)
            attempt.environment_steps += len(served.actions)
            learns = attempt.environment_steps >= schedule.learning_starts
            before = attempt.updates + len(pending.updates)
            # The worker plays the next lockstep while this one's updates are audited.
            self._send(served, schedule.updates_per_step if learns else 0, before)
            for update in pending.updates:
                audit.check(update)
                attempt.updates += 1
                if attempt.updates % schedule.screen_every == 0 and self._screened(audit.weights):
                    return
            against = self._acting.check(states, actions, epsilon, audit.weights)
            if against is not None:
                raise AuditFailed(f"`select_action` is not ε-greedy in q_net: {against}")
            audit.serve(served)
            self._require_hope(guard)
            pending = self._receive()

    def _begin(self) -> Audit:
        self._worker.fresh()
        loaded = self._worker.ask(Load(module="dqn_agent", siblings={}), Loaded)
        if loaded.raised is not None:
            raise RaisedInRun(loaded.raised)
        built = self._ask_begin(None)
        shapes = [parameter.value.shape for parameter in built.parameters]
        packing = self._packing(shapes)
        initial = _initial_weights(self._rng)
        vector = packing.pack(initial)
        begun = self._ask_begin(vector)
        if begun.weights is None or packing.unpack(begun.weights)[0].shape != initial[0].shape:
            raise AuditFailed("q_net does not keep the weights that it is given")
        if not all(map(np.array_equal, packing.unpack(begun.weights), initial)):
            raise AuditFailed("q_net does not keep the weights that it is given")
        return Audit(self._kind, packing, initial, self._schedule, losses=self._losses)

    def _packing(self, shapes: list[tuple[int, ...]]) -> Packing:
        if not self._layout.fits(shapes, STATE_DIM, ACTION_DIM, HIDDEN_DIM):
            raise Ended(f"DQNAgent's q_net is no QNetwork(4, 2) with {PARAMETERS:,} parameters")
        return Packing(self._layout, shapes)

    def _ask_begin(self, weights: np.ndarray | None) -> RunBegun:
        request = BeginRun(
            state_dim=STATE_DIM,
            action_dim=ACTION_DIM,
            lr=self._schedule.lr,
            gamma=self._schedule.gamma,
            weights=None if weights is None else from_numpy(weights),
            # Exploration and draws from the buffer: attempts have no luck in common.
            seed=self._worker_seed,
        )
        begun = self._worker.ask(request, RunBegun)
        if begun.raised is not None:
            raise RaisedInRun(begun.raised)
        return begun

    def _send(self, served: Served | None, updates: int, before: int = 0) -> None:
        schedule = self._schedule
        self._asked = updates
        self._worker.send(
            Advance(
                transitions=None if served is None else _encode(served),
                updates=updates,
                updates_before=before,
                sync_every=schedule.sync_every,
                batch_size=schedule.batch_size,
                states=from_numpy(self._envs.states),
                epsilon=schedule.epsilon(before),
            ),
            cpu_s=STEP_CPU_S,
            wall_s=STEP_WALL_S,
        )

    def _receive(self) -> Advanced:
        advanced = self._worker.receive(Advanced)
        if advanced.raised is not None:
            raise RaisedInRun(advanced.raised)
        if len(advanced.updates) != self._asked:
            raise AuditFailed("the worker did not report every update")
        return advanced

    def _actions(self, advanced: Advanced) -> np.ndarray:
        actions = advanced.actions
        if len(actions) != self._schedule.environments or not set(actions) <= {0, 1}:
            strange = next((a for a in actions if a not in (0, 1)), None)
            raise Ended(f"`select_action` chose {strange}, expected 0 or 1")
        return np.asarray(actions, np.int64)

    def _screened(self, weights: Weights) -> bool:
        """Look at the greedy policy; when it looks good, confirm it on fresh episodes."""
        schedule, attempt = self._schedule, self._attempt
        n = len(attempt.curve)
        screening = greedy_episodes(weights, schedule.screen_episodes, self._screen_seed + n)
        attempt.screened(screening)
        mean = float(screening.returns.mean())
        self._best = max(self._best, mean)
        self._progress(attempt, mean)
        if mean < THRESHOLD:
            return False
        confirmed = greedy_episodes(weights, schedule.confirm_episodes, self._confirm_seed + n)
        attempt.screened(confirmed)
        attempt.mean_return = float(confirmed.returns.mean())
        attempt.solved = attempt.mean_return >= THRESHOLD
        return attempt.solved

    def _require_hope(self, guard: float) -> None:
        schedule, attempt = self._schedule, self._attempt
        if attempt.updates >= schedule.max_updates:
            raise Unlucky(
                f"the agent was not confirmed within {schedule.max_updates:,} updates "
                f"(best greedy average {self._best:.0f}, threshold {THRESHOLD:.0f})"
            )
        if attempt.updates >= schedule.hopeless_after and self._best < schedule.hopeless_return:
            raise Hopeless(
                f"after {attempt.updates:,} updates the best greedy average was {self._best:.0f}, "
                f"far from {THRESHOLD:.0f}"
            )
        if time.monotonic() > guard:
            raise TooSlow(f"{attempt.updates:,} updates took more than {schedule.wall_s:g} s")


def _initial_weights(rng: np.random.Generator) -> Weights:
    """What `nn.Linear` starts from: uniform within ± 1 / √fan_in, weights and biases alike."""
    weights: Weights = []
    for rows, columns in (
        (HIDDEN_DIM, STATE_DIM),
        (HIDDEN_DIM, HIDDEN_DIM),
        (ACTION_DIM, HIDDEN_DIM),
    ):
        bound = 1 / np.sqrt(columns)
        weights.append(rng.uniform(-bound, bound, (rows, columns)).astype(np.float32))
        weights.append(rng.uniform(-bound, bound, rows).astype(np.float32))
    return weights


def _encode(served: Served) -> Transitions:
    return Transitions(
        states=from_numpy(served.states),
        actions=from_numpy(served.actions),
        rewards=from_numpy(served.rewards),
        next_states=from_numpy(served.next_states),
        dones=from_numpy(served.dones),
    )

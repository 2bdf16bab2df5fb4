"""The kit's recipe: one attempt of the judged run, audited, through a real worker.

Its seconds begin with the fork of the worker process and end with the verdict: loading the
submission, training, every screening and confirmation, and the audit of every update are in it;
starting Python and importing torch are not.
"""

from __future__ import annotations

import dataclasses
import time

from grader.cartpole.run import Run, judged_run
from grader.checks.feedback import Failure
from grader.checks.networks import Networks
from grader.checks.part import Part, Siblings
from grader.checks.seeds import derive
from grader.checks.shapes import PROBE
from grader.client import Worker, WorkerLost
from grader.oracle.dqn import Learner
from grader.oracle.network import Layout
from grader.rubric import load_rubric
from grader.sandbox.hosts import ForkHost, SingleHost
from grader.sandbox.plain import start_plain
from grader.study.plan import Task, key_of
from grader.study.result import Outcome, Result
from grader.trials.errors import Untrainable
from grader.trials.subjects import Subject


class Kit:
    """Plays attempts one after another; one prepared worker serves all submissions in turn."""

    def __init__(self) -> None:
        self._check = load_rubric().checks_of("cartpole")[0].id
        self._host: ForkHost | SingleHost | None = None
        self._worker: Worker | None = None
        self._staged: Subject | None = None
        self._layouts: dict[str, Layout] = {}

    def play(self, task: Task) -> Result:
        """One attempt; `Untrainable` when the submission's network cannot be followed."""
        worker = self._stage(task.subject)
        layout = self._layout(worker, task.subject)
        key, number = key_of(task.seed)
        seed = derive(key, self._check, f"attempt {number}")
        schedule = dataclasses.replace(task.schedule, attempts=1)
        begun = time.perf_counter()
        run = judged_run(worker, layout, Learner, lambda _name: seed, schedule)
        seconds = time.perf_counter() - begun
        worker.take_output()
        (attempt,) = run.attempts
        return Result(
            outcome=_outcome(run),
            updates=attempt.updates,
            environment_steps=attempt.environment_steps,
            seconds=seconds,
            mean_return=attempt.mean_return,
            largest_audit_error=run.largest_error,
            note=run.raised.message if run.raised is not None else run.observed or "",
            curve=attempt.curve,
        )

    def close(self) -> None:
        """End the worker and remove its folder."""
        if self._host is not None:
            self._host.close()
            self._host = None

    def _stage(self, subject: Subject) -> Worker:
        """A worker for this submission; where processes fork, torch is imported once for all."""
        if self._worker is not None and self._staged == subject:
            return self._worker
        if isinstance(self._host, ForkHost):
            self._host.serve(subject.files)
        else:
            self.close()
            self._host = start_plain(subject.files)
        self._staged = subject
        self._worker = Worker(self._host)
        return self._worker

    def _layout(self, worker: Worker, subject: Subject) -> Layout:
        """Which parameter is which layer, found as in a grading."""
        if subject.sha256 not in self._layouts:
            part = Part(worker, "q_network", True, b"study", Siblings())
            try:
                layout = Networks(part).layout(PROBE)
            except (Failure, WorkerLost) as error:
                raise Untrainable(f"`{subject.name}` cannot be trained: {error}") from None
            if layout is None:
                raise Untrainable(f"the network of `{subject.name}` is not the handout's")
            self._layouts[subject.sha256] = layout
        return self._layouts[subject.sha256]


def _outcome(run: Run) -> Outcome:
    if run.status == "passed":
        return "solved"
    if run.audit_failed:
        return "audit_failed"
    if run.raised is not None:
        return "raised"
    return "unsolved" if run.status == "failed" else "lost"

"""Grade the corpus, several cases at a time, each in a fresh child of a prepared worker."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec

from tests.validity.corpus import CORPUS, Case, base_files, build

# One thread for the judge's BLAS, as `python -m grader` sets it; before NumPy is loaded.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Check(msgspec.Struct, frozen=True):
    """What came of one check."""

    id: str
    part: str
    status: str
    code: str | None
    points: int
    reproduce: str | None

    @property
    def failed(self) -> bool:
        """Anything but passed, or not asked."""
        return self.status not in ("passed", "not_attempted")


class Task(msgspec.Struct, frozen=True):
    """One grading: a case, perhaps without one check, perhaps with the CartPole run."""

    case: Case
    root: Path = CORPUS
    without: str | None = None
    solve: bool = False


class Verdict(msgspec.Struct, frozen=True):
    """What the grader said of a case; `fault` is set when it said nothing."""

    task: Task
    checks: tuple[Check, ...] = ()
    advice: tuple[str, ...] = ()
    seconds: float = 0.0
    fault: str | None = None

    @property
    def case(self) -> Case:
        """The case graded."""
        return self.task.case

    @property
    def lost(self) -> frozenset[str]:
        """The parts that lost points."""
        return frozenset(c.part for c in self.checks if c.failed and c.points > 0)

    @property
    def names(self) -> frozenset[str]:
        """The misconceptions named by failing checks."""
        return frozenset(c.code for c in self.checks if c.failed and c.code)


def grade_all(tasks: Sequence[Task], jobs: int) -> Iterator[Verdict]:
    """Verdicts as they come; a crash of one grading is a verdict with a `fault`."""
    # Spawned: every process starts without this one's modules and threads.
    context = multiprocessing.get_context("spawn")
    todo, done = context.Queue(), context.Queue()
    for task in tasks:
        todo.put(task)
    jobs = min(jobs, len(tasks))
    for _ in range(jobs):
        todo.put(None)
    with mock.patch.dict(os.environ, dict.fromkeys(_THREADS, "1")):
        graders = [
            context.Process(target=_work, args=(todo, done), daemon=True) for _ in range(jobs)
        ]
        for process in graders:
            process.start()
    try:
        for _ in tasks:
            yield done.get(timeout=600)
        for process in graders:
            process.join()
    finally:
        for process in graders:
            process.terminate()


def _work(todo: Any, done: Any) -> None:
    from grader.sandbox.hosts import ForkHost
    from grader.sandbox.plain import Plain

    host = ForkHost({}, Plain())
    parent = multiprocessing.parent_process()
    try:
        while (task := todo.get()) is not None and (parent is None or parent.is_alive()):
            begun = time.perf_counter()
            try:
                verdict = _grade(task, host)
            except Exception as error:
                verdict = Verdict(task, fault=f"{type(error).__name__}: {error}")
            done.put(msgspec.structs.replace(verdict, seconds=time.perf_counter() - begun))
    finally:
        host.close()


def _grade(task: Task, host: Any) -> Verdict:
    from grader.grading import Options, grade
    from grader.sandbox.intake import Submitted
    from grader.sandbox.lending import Lent

    def lend(files: Any) -> Lent:
        host.serve(files)
        return Lent(host)

    with ExitStack() as stack:
        if task.without is not None:
            stack.enter_context(_without(task.without))
        files = build(task.case, task.root)
        options = Options(solve=task.solve, only=_parts(task, files))
        report = grade(Submitted(task.case.id, files), options, start_host=lend)
    return Verdict(
        task,
        tuple(
            Check(c.id, c.part, c.status, c.code, c.max_score, c.reproduce) for c in report.checks
        ),
        tuple(advice.code for advice in report.advice),
    )


def _parts(task: Task, files: dict[str, bytes]) -> frozenset[str]:
    """The parts to grade: all (empty), or those that load a file other than the base's.

    `q_network` and `sample` load one file each, and the base itself is a case of the corpus.
    """
    if task.solve or not task.case.edit:
        return frozenset()
    base = base_files(task.case, task.root)
    own = {"q_network": "q_network.py", "sample": "replay_buffer.py"}
    changed = {part for part, name in own.items() if files[name] != base[name]}
    return frozenset({"update", "update_target", *changed})


def _without(check: str) -> Any:
    """Disable a check: it is collected, and then left out."""
    from grader.checks.plugin import GradePlugin, check_id

    collected = GradePlugin.pytest_collection_modifyitems

    def leave_out(self: GradePlugin, items: list[Any]) -> None:
        collected(self, items)
        items[:] = [item for item in items if check_id(item) != check]

    return mock.patch.object(GradePlugin, "pytest_collection_modifyitems", leave_out)

"""Several jobs side by side: hand out tasks, take in results, leave no process behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Generic

from grader.trials.errors import TrialFault
from grader.trials.jobs import Player, R, T, serve

#: A job that is asked to end has a worker to kill and a folder to remove.
_END_S = 5.0


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run(
    tasks: Sequence[T],
    jobs: int,
    player: Callable[[], Player[T, R]],
    done: Callable[[T, R], None],
) -> None:
    """Play all tasks, at most `jobs` at a time; `done` is told of each as it ends.

    player : makes what plays tasks; called once in the process of each job, so a plain class or
        function of a module

    Raises `TrialFault` when a job cannot go on. Whatever ends this, no process is left.
    """
    waiting = deque(tasks)
    team: list[_Job[T, R]] = []
    try:
        for _ in range(min(jobs, len(waiting))):
            team.append(_Job(player))
            team[-1].give(waiting.popleft())
        while busy := {job.connection: job for job in team if job.task is not None}:
            for ready in wait(list(busy)):
                job = next(job for connection, job in busy.items() if connection is ready)
                task, result = job.take()
                if waiting:
                    job.give(waiting.popleft())
                done(task, result)
    finally:
        _end(team)


class _Job(Generic[T, R]):
    """One process, started afresh (never forked: the judge's threads and files stay its own)."""

    def __init__(self, player: Callable[[], Player[T, R]]) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self.connection: Connection[T, R | TrialFault] = ours
        self.task: T | None = None
        self.process: SpawnProcess = context.Process(target=serve, args=(theirs, player))
        with _interrupts_held_back():
            self.process.start()
        theirs.close()

    def give(self, task: T) -> None:
        """Let the process play this task."""
        self.task = task
        try:
            self.connection.send(task)
        except OSError:
            raise TrialFault(self._lost()) from None

    def take(self) -> tuple[T, R]:
        """The task that was given and its result; `TrialFault` when there is none."""
        task, self.task = self.task, None
        assert task is not None
        try:
            answer = self.connection.recv()
        except (EOFError, OSError):
            raise TrialFault(self._lost()) from None
        if isinstance(answer, TrialFault):
            raise answer
        return task, answer

    def _lost(self) -> str:
        self.process.join(_END_S)
        return f"a job ended on its own, with exit status {self.process.exitcode}"


def _end(team: Sequence[_Job[T, R]]) -> None:
    """Ask all to end, then make them."""
    for job in team:
        job.connection.close()
        job.process.terminate()
    for job in team:
        job.process.join(_END_S)
        if job.process.is_alive():
            job.process.kill()
            job.process.join()
        job.process.close()


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """A process starts with interrupts blocked: Ctrl-C during its first second is not its own.

    This process gets it as soon as the block ends.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

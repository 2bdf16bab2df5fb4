"""The process of one job: plays the tasks that it is sent, one after another."""

from __future__ import annotations

import signal
from multiprocessing.connection import Connection
from types import FrameType

from grader.study.errors import StudyFault
from grader.study.plan import Task
from grader.study.recipes import Player
from grader.study.result import Result

#: What a job answers: a result, or why there is none.
Answer = Result | StudyFault


def serve(connection: Connection[Answer, Task]) -> None:
    """Answer tasks until the other side hangs up or asks this process to end."""
    # Ctrl-C reaches all processes of a terminal; the one that started this decides what happens.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    with Player() as player:
        while True:
            try:
                task = connection.recv()
            except EOFError:
                return
            try:
                answer: Answer = player.play(task)
            except StudyFault as fault:
                answer = fault
            except Exception as error:
                told = f"{type(error).__name__}: {error}"
                answer = StudyFault(f"seed {task.seed} of `{task.recipe}`: {told}")
            connection.send(answer)


def _leave(_signal: int, _frame: FrameType | None) -> None:
    """Unwind, so that workers are killed and folders removed."""
    raise SystemExit(1)

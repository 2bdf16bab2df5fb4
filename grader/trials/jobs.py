"""The process of one job: plays the tasks that it is sent, one after another."""

from __future__ import annotations

import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any, Protocol, TypeVar

from grader.trials.errors import TrialFault

T = TypeVar("T", bound="Task")
R = TypeVar("R")
T_contra = TypeVar("T_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)


class Task(Protocol):
    """Something to be played; it can be pickled."""

    @property
    def label(self) -> str:
        """What to call it in a message."""


class Player(Protocol[T_contra, R_co]):
    """Plays tasks, one at a time. A context manager, since it may keep processes and folders."""

    def __enter__(self) -> Player[T_contra, R_co]: ...

    def __exit__(self, *exception: object) -> None: ...

    def play(self, task: T_contra) -> R_co:
        """The result of one task; `TrialFault` when there is none."""


def serve(connection: Connection[R | TrialFault, T], player: Callable[[], Player[T, R]]) -> None:
    """Answer tasks until the other side hangs up or asks this process to end."""
    # Ctrl-C reaches all processes of a terminal; the one that started this decides what happens.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    with player() as playing:
        while True:
            try:
                task = connection.recv()
            except EOFError:
                return
            connection.send(_answer(playing, task))


def _answer(playing: Player[T, R], task: T) -> R | TrialFault:
    try:
        return playing.play(task)
    except TrialFault as fault:
        return fault
    except Exception as error:
        return TrialFault(f"{task.label}: {type(error).__name__}: {error}")


def _leave(_signal: int, _frame: FrameType | None) -> Any:
    """Unwind, so that workers are killed and folders removed."""
    raise SystemExit(1)

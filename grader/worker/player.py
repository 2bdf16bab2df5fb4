"""Dispatch a request to the scenario player that it names."""

from __future__ import annotations

import contextlib
from pathlib import Path

from grader.protocol.messages import (
    Advance,
    BeginRun,
    Load,
    PlayAgent,
    PlayBuffer,
    PlayNetwork,
    Refused,
    Reply,
    RequestFrame,
)
from grader.worker.limits import TimeLimit, time_limit
from grader.worker.loader import Submission
from grader.worker.play_agent import play_agent
from grader.worker.play_buffer import play_buffer
from grader.worker.play_network import play_network
from grader.worker.play_run import Run
from grader.worker.torch_setup import restore_globals


class Player:
    """Plays scenarios with one submission; every scenario starts from the same global state.

    The steps of a CartPole run continue one another, so only its beginning restores that state.
    """

    def __init__(self, folder: Path) -> None:
        self._submission = Submission(folder)
        self._run = Run(self._submission)

    def play(self, frame: RequestFrame) -> Reply:
        """The trace of the scenario; `Refused` when the worker itself could not play it."""
        try:
            if isinstance(frame.body, Load):
                restore_globals()
                return self._submission.load(frame.body, frame.cpu_s, frame.wall_s)
            with time_limit(frame.cpu_s, frame.wall_s):
                return self._play(frame)
        except TimeLimit as limit:
            return Refused(reason=f"time limit outside the submission's code: {limit}")
        except Exception as error:
            text = "(no message)"
            with contextlib.suppress(BaseException):
                text = str(error)[:200]
            return Refused(reason=f"{type(error).__name__}: {text}")

    def _play(self, frame: RequestFrame) -> Reply:
        body = frame.body
        if isinstance(body, Advance):
            return self._run.advance(body)
        restore_globals(body.seed if isinstance(body, BeginRun) else None)
        match body:
            case PlayNetwork():
                return play_network(self._submission, body)
            case PlayBuffer():
                return play_buffer(self._submission, body)
            case PlayAgent():
                return play_agent(self._submission, body)
            case BeginRun():
                return self._run.begin(body)
            case Load():
                raise TypeError("loading has its own limits")

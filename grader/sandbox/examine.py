"""Trying any acts in a tier's box, without a grading: for `doctor`, and for the tests."""

from __future__ import annotations

import dataclasses
import os
import select
import socket
from collections.abc import Mapping, Sequence

from grader.confine.box import MAX_SCRATCH_BYTES
from grader.sandbox.interface import Launcher, Running, SandboxFault
from grader.sandbox.preflight import Outcome, Preflight, read_outcomes
from grader.sandbox.stage import Stage
from grader.sandbox.watch import Watch

#: A killed process is gone at once; a machine may be busy.
_DEATH_S = 2.0


def examine(
    launcher: Launcher, groups: Sequence[Sequence[str]], targets: Mapping[str, str] | None = None
) -> list[Outcome]:
    """What comes of these acts, each group in a process of its own, one after another.

    `targets` are added to the usual ones. `leave_daemon` succeeds when the daemon outlives the
    worker. Raises `SandboxFault` when the worker does not get into its box.
    """
    stage = Stage({"q_network.py": b"# nobody's submission\n"}, launcher.owner)
    try:
        reading, writing = os.pipe()
        try:
            outcomes = _tried(stage, launcher, groups, targets or {}, writing)
        finally:
            os.close(writing)
        try:
            return [_seen_from_outside(outcome, reading) for outcome in outcomes]
        finally:
            os.close(reading)
    finally:
        stage.remove()


def _tried(
    stage: Stage,
    launcher: Launcher,
    groups: Sequence[Sequence[str]],
    targets: Mapping[str, str],
    life: int,
) -> list[Outcome]:
    box = Preflight(stage, launcher).box(tuple(tuple(group) for group in groups))
    box = dataclasses.replace(box, targets=box.targets | {"life": str(life)} | dict(targets))
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            arguments = ["probe", str(stage.submission), box.to_text(), str(theirs.fileno())]
            descriptors = (theirs.fileno(), life)
            running = launcher.start(stage, arguments, pass_fds=descriptors, streams=False)
        try:
            with _Looking(stage, launcher, running) as looking:
                try:
                    return read_outcomes(ours)
                except OSError:
                    if looking.overfull:
                        return [Outcome("fill_scratch", False, "ended when it held too much")]
                    running.end()
                    raise SandboxFault(_last_words(running)) from None
        finally:
            running.end()
            if running.process.stderr is not None:
                running.process.stderr.close()


class _Looking:
    """Has an eye on the scratch folder as in a grading, where the tier needs that."""

    def __init__(self, stage: Stage, launcher: Launcher, running: Running) -> None:
        self.overfull = False
        self._running = running
        self._watch = None
        if launcher.watched:
            self._watch = Watch(stage.scratch, MAX_SCRATCH_BYTES, self._end, self._end)

    def __enter__(self) -> _Looking:
        return self

    def __exit__(self, *_: object) -> None:
        if self._watch is not None:
            self._watch.stop()

    def _end(self) -> None:
        self.overfull = True
        self._running.end()


def _last_words(running: Running) -> str:
    stderr = running.process.stderr
    said = stderr.read(4000) if stderr is not None else b""
    return said.decode("utf-8", "replace").strip() or "the worker did not start in time"


def _seen_from_outside(outcome: Outcome, life: int) -> Outcome:
    """Of a daemon, only the judge can say whether it has outlived the worker."""
    if outcome.act != "leave_daemon" or not outcome.done:
        return outcome
    ended, _, _ = select.select([life], [], [], _DEATH_S)
    if ended:
        return Outcome(outcome.act, False, "it was ended with the worker")
    return Outcome(outcome.act, True, "it outlives the worker")

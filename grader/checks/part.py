"""One part of the submission at the other end: loaded when needed, replaced when lost."""

from __future__ import annotations

import re
import time
from typing import TypeVar

import numpy as np

from grader.checks.feedback import Advice, Blocked, Failure, failure_of, location_of
from grader.checks.replies import require_answer
from grader.checks.seeds import derive, generator
from grader.client import Location, Worker, WorkerLost
from grader.limits import USUAL_LIMITS, Limits
from grader.protocol.errors import ProtocolError
from grader.protocol.messages import (
    Load,
    Loaded,
    PlayAgent,
    PlayBuffer,
    PlayNetwork,
    Reply,
    Request,
    Sibling,
    Sync,
    Update,
)
from grader.recall import Recall, afresh

MAX_LOSSES = 2
#: Slow but correct code gets so much more time for every call of `update` in a scenario.
CPU_PER_CALL_S = 0.1
WALL_PER_CALL_S = 0.5
T = TypeVar("T", bound=Reply)

_CLASSES = {
    "q_network": "QNetwork",
    "replay_buffer": "ReplayBuffer",
    "dqn_agent": "DQNAgent",
}


class Siblings:
    """Which of the student's files can be imported beside `dqn_agent`, as far as is known."""

    def __init__(self) -> None:
        self.fatal: set[str] = set()

    def modes(self) -> dict[str, Sibling]:
        """How each sibling is provided: its own file where that is no danger to the process."""
        return {
            name: "stand_in" if name in self.fatal else "own"
            for name in ("q_network", "replay_buffer")
        }


class Part:
    """Asks scenarios of one module of the submission, in a fresh worker process."""

    def __init__(
        self,
        worker: Worker,
        module: str,
        present: bool,
        key: bytes,
        siblings: Siblings,
        recall: Recall = afresh,
        limits: Limits = USUAL_LIMITS,
    ) -> None:
        self.module = module
        self.key = key
        self.recall = recall
        self.advice: list[Advice] = []
        self.lines: dict[str, int] = {}
        self._worker = worker
        self._present = present
        self._siblings = siblings
        self._limits = limits
        self._generation = -1
        self._losses = 0
        self._waited_s = 0.0
        self._blocked_by: str | None = None
        self.check = ""
        worker.fresh()

    def enter(self, check: str) -> None:
        """A check begins; `Blocked` when an earlier one settled that nothing can be asked."""
        self.check = check
        if self._blocked_by is not None:
            raise Blocked(self._blocked_by)

    def ask(self, request: Request, kind: type[T]) -> T:
        """The trace of a scenario.

        Raises `WorkerLost` when the submission took its process down, and `Failure` when its
        module cannot be loaded.
        """
        self._require_budget()
        asked = time.monotonic()
        try:
            self._ensure_loaded()
            return self._answer(request, kind)
        finally:
            self._waited_s += time.monotonic() - asked

    def _answer(self, request: Request, kind: type[T]) -> T:
        try:
            calls = _calls(request)
            reply = self._worker.ask(
                request,
                kind,
                cpu_s=self._limits.call_cpu_s + CPU_PER_CALL_S * calls,
                wall_s=self._limits.call_wall_s + WALL_PER_CALL_S * calls,
            )
            require_answer(request, reply)
        except ProtocolError as error:
            self._count_loss()
            raise WorkerLost("crashed", f"the process answered with nonsense: {error}") from None
        except WorkerLost as lost:
            self._count_loss()
            lost.observed = f"{_spoken(request)}: {lost.observed}"
            raise
        raised = getattr(reply, "raised", None)
        if raised is not None and raised.type == "TimeLimit":
            # Not a `Failure`, which a search for counterexamples would try again and again.
            self._count_loss()
            failure = failure_of(raised)
            raise WorkerLost("timed_out", failure.observed, failure.location) from None
        return reply

    def forgive(self) -> None:
        """Take back the loss counted last: it was another part's fault."""
        self._losses -= 1
        self._blocked_by = None

    def rng(self, *names: str) -> np.random.Generator:
        """A generator for the running check, from the key."""
        return generator(self.key, self.check, *names)

    def seed(self, *names: str) -> int:
        """A seed for the running check, from the key."""
        return derive(self.key, self.check, *names)

    def advise(self, code: str) -> None:
        """Remark on something harmless, once."""
        if all(advice.code != code for advice in self.advice):
            self.advice.append(Advice(code))

    def where(self, method: str) -> Location | None:
        """Where `Class.method` begins in the student's file, if that is known."""
        return location_of(f"{self.module}.py", self.lines.get(method, 0))

    def _count_loss(self) -> None:
        self._losses += 1
        if self._losses >= MAX_LOSSES:
            self._blocked_by = self.check

    def _require_budget(self) -> None:
        """Losses are few by themselves; this is for answers that come late, again and again."""
        if self._waited_s > self._limits.part_wall_s:
            self._count_loss()
            self._blocked_by = self.check
            raise WorkerLost(
                "timed_out",
                f"the checks of this part waited for `{self.module}.py` for more than "
                f"{self._limits.part_wall_s:g} s in all",
            )

    def _ensure_loaded(self) -> None:
        if self._generation == self._worker.started and self._worker.alive:
            return
        if not self._present:
            self._refuse(
                Failure(
                    f"`{self.module}.py` is not in the submission.",
                    why="Each part of the assignment is a file of its own, with this exact name.",
                )
            )
        loaded = self._load()
        self._generation = self._worker.started
        if loaded.raised is not None:
            self._refuse(failure_of(loaded.raised))
        self.lines = loaded.lines
        if loaded.default_dtype != "float32":
            self.advise("DEFAULT_DTYPE_CHANGED")
        missing = self._missing(loaded.names)
        if missing is not None:
            self._refuse(missing)

    def _load(self) -> Loaded:
        modes = {} if self.module != "dqn_agent" else self._siblings.modes()
        try:
            return self._worker.ask(Load(module=self.module, siblings=modes), Loaded)  # type: ignore[arg-type]
        except WorkerLost as lost:
            if "own" not in modes.values():
                self._siblings.fatal.add(self.module)
                self._blocked_by = self.check
                lost.observed = f"`import {self.module}`: {lost.observed}"
                raise
            # One of the siblings may be to blame: try again without them.
            self._siblings.fatal.update(modes)
            return self._load()

    def _missing(self, names: list[str]) -> Failure | None:
        class_name = _CLASSES[self.module]
        if class_name in names:
            return None
        defined = [n for n in names if re.fullmatch(r"[A-Z]\w*", n)]
        others = f"; it defines {', '.join(f'`{n}`' for n in defined[:6])}" if defined else ""
        return Failure(
            f"`{self.module}.py` defines no class `{class_name}`{others}.",
            why="Other files import the class by this name.",
        )

    def _refuse(self, failure: Failure) -> None:
        self._blocked_by = self.check
        raise failure


def _calls(request: Request) -> int:
    """How many times a scenario calls `update`."""
    if not isinstance(request, PlayAgent):
        return 0
    return sum(o.times for o in request.operations if isinstance(o, Update))


def _spoken(request: Request) -> str:
    """The calls of a scenario, as far as one can say which of them was running."""
    match request:
        case PlayNetwork():
            return "while `QNetwork` was built or called"
        case PlayBuffer():
            return "while `ReplayBuffer` was filled or sampled"
        case _:
            kinds = {type(o) for o in getattr(request, "operations", ())}
            named = {Update: "`update`", Sync: "`update_target`"}
            calls = [text for kind, text in named.items() if kind in kinds]
            return f"while {' and '.join(calls) or '`DQNAgent`'} ran"

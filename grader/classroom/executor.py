"""What grades a class: something that takes work and gives results, in whatever order they come."""

from __future__ import annotations

import os
import queue
import shutil
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from grader.classroom.errors import ClassError, ClassFault
from grader.classroom.station import Setup, Station
from grader.trials.runner import available_cores

#: What a slot takes at its peak: the judge, the prepared worker and its child.
SLOT_BYTES = 700 * 1024**2


class Executor(Protocol):
    """Use as a context manager; leaving it ends all processes that it has started."""

    def __enter__(self) -> Executor: ...

    def __exit__(self, *exception: object) -> None: ...

    @property
    def capacity(self) -> int:
        """How much work may be handed out before results are taken."""

    def environments(self) -> Sequence[Mapping[str, Any]]:
        """Where gradings are made; waits until that is known.

        Raises `ClassError` when no isolation that may serve works, and `ClassFault`.
        """

    def hand_out(self, work: Mapping[str, Any]) -> None:
        """Have this work done."""

    def result(self) -> dict[str, Any]:
        """A result, when there is one."""

    def under_way(self) -> list[tuple[str, float]]:
        """Submissions that are being graded, and for how many seconds."""


class Local:
    """Slots on this machine, each a process of its own."""

    def __init__(self, slots: int, setup: Setup) -> None:
        self._folder = _temporary()
        setup = Setup(setup.wanted, setup.least, str(self._folder))
        self._stations = [Station(setup) for _ in range(slots)]
        self._work: queue.Queue[Mapping[str, Any] | None] = queue.Queue()
        self._results: queue.Queue[dict[str, Any]] = queue.Queue()
        self._opened: queue.Queue[dict[str, Any]] = queue.Queue()
        self._begun: dict[int, tuple[str, float]] = {}
        self._threads = [
            threading.Thread(target=self._serve, args=(number, station), daemon=True)
            for number, station in enumerate(self._stations)
        ]

    def __enter__(self) -> Local:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        for _ in self._threads:
            self._work.put(None)
        for station in self._stations:
            station.hang_up()
        for thread in self._threads:
            thread.join()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def capacity(self) -> int:
        """One more for each slot, so that none waits."""
        return 2 * len(self._stations)

    def environments(self) -> Sequence[Mapping[str, Any]]:
        """One: this machine's."""
        opened = self._opened.get()
        if opened["status"] == "refused":
            raise ClassError(opened["reason"], opened["remedy"])
        if opened["status"] == "fault":
            raise ClassFault(
                f"no submission can be graded: {opened['reason']}",
                "`python -m grader doctor` tells what works on this machine",
            )
        return [opened["environment"]]

    def hand_out(self, work: Mapping[str, Any]) -> None:
        """To the next slot that is free."""
        self._work.put(work)

    def result(self) -> dict[str, Any]:
        """Waits for the next."""
        return self._results.get()

    def under_way(self) -> list[tuple[str, float]]:
        """What each slot is at."""
        clock = time.monotonic()
        return [(submission, clock - begun) for submission, begun in [*self._begun.values()]]

    def _serve(self, number: int, station: Station) -> None:
        try:
            self._opened.put(station.open())
            while (work := self._work.get()) is not None:
                self._begun[number] = (work["submission"], time.monotonic())
                self._results.put(_graded(station, work))
                self._begun.pop(number, None)
        finally:
            station.close()


def _graded(station: Station, work: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return station.grade(work)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        return {"submission": work["submission"], "status": "fault", "reason": reason}


def default_slots() -> int:
    """As many as there are cores, memory permitting."""
    return max(1, min(available_cores(), _available_bytes() // SLOT_BYTES))


def _available_bytes() -> int:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return available_cores() * SLOT_BYTES


def _temporary() -> Path:
    """A folder for all that the slots make, so that nothing of theirs stays if they are killed."""
    folder = Path(tempfile.mkdtemp(prefix="dqn-class-"))
    os.chmod(folder, 0o711)  # workers are other users, and pass through
    return folder

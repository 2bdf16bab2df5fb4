"""What runs in a Dask worker: slots of its own, one process per thread, kept between tasks."""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping
from typing import Any

from distributed import WorkerPlugin, get_worker

from grader.classroom.station import Setup, Station


class Slots(WorkerPlugin):
    """Gets to every worker, also to those that come later, and ends with it."""

    def __init__(self, setup: Setup, name: str) -> None:
        self.name = name
        self._setup = setup

    def setup(self, worker: Any) -> None:
        """On the worker: nothing is started before the first task."""
        self._free: queue.LifoQueue[Station] = queue.LifoQueue()
        self._all: list[Station] = []
        self._lock = threading.Lock()

    def teardown(self, worker: Any) -> None:
        """On the worker."""
        for station in self._all:
            station.hang_up()
        for station in self._all:
            station.close()

    def borrow(self) -> Station:
        """A station that nobody uses; a new one for the first tasks of a worker's threads."""
        try:
            return self._free.get_nowait()
        except queue.Empty:
            station = Station(self._setup)
            with self._lock:
                self._all.append(station)
            return station

    def bring_back(self, station: Station) -> None:
        """For the next task."""
        self._free.put(station)

    def __getstate__(self) -> dict[str, Any]:
        return {"name": self.name, "_setup": self._setup}


def look(name: str) -> dict[str, Any]:
    """What the worker says of itself when it gets ready."""
    slots = _slots(name)
    station = slots.borrow()
    try:
        return station.open()
    finally:
        slots.bring_back(station)


def grade_there(work: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The result of one work."""
    slots = _slots(name)
    station = slots.borrow()
    try:
        return station.grade(work)
    finally:
        slots.bring_back(station)


def _slots(name: str) -> Slots:
    slots = get_worker().plugins[name]
    assert isinstance(slots, Slots)
    return slots

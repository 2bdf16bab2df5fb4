"""Trying acts out inside the box, and telling the judge what came of each."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Mapping

from grader.confine.acts.ways import Act
from grader.confine.box import Box

#: What tells the outcome of a group: a list of [act, whether it succeeded, what it got or met].
Outcome = list[tuple[str, bool, str]]
MAX_REPORT_BYTES = 64 * 1024


class Trial:
    """Acts tried under all walls of the box, each group in a process of its own.

    The first group is under way at once, the others follow one after another. `confine` puts up
    the walls that only the process of a submission has; `acts` are further ones by name.
    """

    def __init__(self, box: Box, confine: Callable[[Box], None], acts: Mapping[str, Act]) -> None:
        self._box = box
        self._confine = confine
        self._acts = acts
        self._begun = self._start(box.acts[0])

    def outcome(self) -> bytes:
        """What came of all acts, as JSON, once the last has ended."""
        first, *others = self._box.acts
        told = _collect(*self._begun, first)
        for group in others:
            told += _collect(*self._start(group), group)
        return json.dumps(told).encode()

    def _start(self, group: tuple[str, ...]) -> tuple[int, int]:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.close(reading)
                self._try(group, writing)
            finally:
                os._exit(0)
        os.close(writing)
        return pid, reading

    def _try(self, group: tuple[str, ...], writing: int) -> None:
        # Here and not above: what the acts need is loaded beside the prepared parent's own work.
        from grader.confine.acts.registry import load_acts

        acts = {**load_acts(), **self._acts}
        self._confine(self._box)
        kept = [writing, *filter(None, [self._box.targets.get("life")])]
        targets = self._box.targets | {"expected": ":".join(map(str, kept))}
        for name in group:
            try:
                told = (name, True, acts[name](targets))
            except BaseException as error:
                told = (name, False, _told(error))
            os.write(writing, json.dumps(told).encode() + b"\n")


def _told(error: BaseException) -> str:
    text = str(error) if type(error).__name__ == "Refused" else f"{type(error).__name__}: {error}"
    return text[:200]


def _collect(pid: int, reading: int, group: tuple[str, ...]) -> Outcome:
    data = bytearray()
    while part := os.read(reading, MAX_REPORT_BYTES):
        data += part
    os.close(reading)
    _pid, status = os.waitpid(pid, 0)
    told: Outcome = [tuple(json.loads(line)) for line in data.splitlines()]
    if len(told) < len(group):
        told.append((group[len(told)], False, _end_of(status)))
    return told


def _end_of(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"

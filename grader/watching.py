"""Grade what was saved as soon as it was saved: only the parts whose file changed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from grader.grading import GraderFault, Listener, Options, grade
from grader.report.model import PartResult, Report
from grader.report.terminal import print_report
from grader.sandbox.intake import IntakeError, Submitted, take_in
from grader.sandbox.interface import Host
from grader.sandbox.lending import Kept, Lent, StartKept

#: Between two looks at the folder; a file must look the same twice to be taken as saved.
INTERVAL_S = 0.2
PARTS_OF = {
    "q_network.py": ("q_network",),
    "replay_buffer.py": ("sample",),
    "dqn_agent.py": ("update", "update_target"),
}
Signature = tuple[tuple[str, int, int], ...]


class Watch:
    """Keeps a prepared worker, and what is known of every part.

    Parameters
    ----------
    folder : has the three files directly in it
    options : key and view; which parts are graded is settled here
    start_host : starts the worker that is kept
    progress : makes what is told of one grading
    """

    def __init__(
        self,
        folder: Path,
        options: Options,
        start_host: StartKept,
        console: Console,
        progress: Callable[[], AbstractContextManager[Listener]],
    ) -> None:
        self._folder = folder
        self._options = options
        self._start_host = start_host
        self._console = console
        self._progress = progress
        self._host: Kept | None = None
        self._files: dict[str, bytes] = {}
        self._parts: dict[str, PartResult] = {}

    def run(self) -> None:
        """Until interrupted."""
        try:
            for _ in saves(self._folder):
                self.look()
        finally:
            self._drop_host()

    def look(self) -> None:
        """Grade what differs from the last time, and show it."""
        try:
            submitted = take_in(self._folder)
        except IntakeError as error:
            self._say(f"{error}; {error.hint}", "yellow")
            return
        touched = self._touched(submitted.files)
        if not touched:
            return
        self._files = dict(submitted.files)
        try:
            report = self._grade(submitted, touched)
        except GraderFault as fault:
            self._drop_host()
            self._say(
                f"the grader itself failed, which says nothing about your code: {fault}", "red"
            )
            return
        self._parts |= {part.id: part for part in report.parts if part.attempted}
        self._show(report)

    def _touched(self, files: Mapping[str, bytes]) -> frozenset[str]:
        """The parts whose file changed, and those that may now load where they did not before."""
        changed = {name for name in PARTS_OF if files.get(name) != self._files.get(name)}
        parts = {part for name in changed for part in PARTS_OF[name]}
        if changed:  # `dqn_agent` imports the other two files
            parts |= {
                part
                for part in PARTS_OF["dqn_agent.py"]
                if part not in self._parts or self._parts[part].score == 0
            }
        return frozenset(parts)

    def _grade(self, submitted: Submitted, parts: frozenset[str]) -> Report:
        options = replace(self._options, only=parts, solve=False)
        with self._progress() as progress:
            return grade(submitted, options, progress, self._lend)

    def _lend(self, files: Mapping[str, bytes]) -> Host:
        if self._host is None:
            self._host = self._start_host(files)
        else:
            self._host.serve(files)
        return Lent(self._host)

    def _drop_host(self) -> None:
        if self._host is not None:
            self._host.close()
            self._host = None

    def _show(self, report: Report) -> None:
        if self._console.is_terminal:
            self._console.clear()
        print_report(report, self._console)
        scores = [f"{p.title} {p.score}/{p.max_score}" for p in self._parts.values()]
        self._say("   ".join(scores), "bold")

    def _say(self, text: str, style: str) -> None:
        self._console.print(Text(text, style=style))


def saves(folder: Path) -> Iterator[None]:
    """At once, and whenever the files of the folder have changed and then stay as they are."""
    graded: Signature | None = None
    before = signature(folder)
    while True:
        now = signature(folder)
        if now == before and now != graded:
            graded = now
            yield
        before = now
        time.sleep(INTERVAL_S)


def signature(folder: Path) -> Signature:
    """Names, times and sizes of the Python files in the folder; empty where it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            found = [(e.name, e.stat()) for e in entries if e.name.endswith(".py")]
    except OSError:  # also of a file that is being replaced
        return ()
    return tuple(sorted((name, stat.st_mtime_ns, stat.st_size) for name, stat in found))

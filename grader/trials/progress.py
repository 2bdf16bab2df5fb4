"""How far a series of runs is, on standard error: bars in a terminal, a line now and then else."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from grader.report.safe import printable, to_ascii
from grader.report.terminal import is_unicode

#: Seconds between two lines where there is no terminal.
LINE_EVERY_S = 10.0


class Progress:
    """Told of every run. Use as a context manager.

    totals : runs of each kind, those that were there before included
    word : what a good run is called, such as `solved`
    """

    def __init__(self, console: Console, totals: Mapping[str, int], word: str) -> None:
        self._console = console
        self._totals = totals
        self._word = word
        self._done = dict.fromkeys(totals, 0)
        self._good = dict.fromkeys(totals, 0)
        self._next_line = time.monotonic() + LINE_EVERY_S
        self._bars: Bars | None = None
        self._ids: dict[str, TaskID] = {}

    def __enter__(self) -> Progress:
        """Start the bars where there is a terminal."""
        if self._console.is_terminal:
            self._bars = Bars(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[told]}"),
                TimeRemainingColumn(),
                console=self._console,
            )
            for kind, total in self._totals.items():
                self._ids[kind] = self._bars.add_task(kind, total=total, told="")
            self._bars.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Restore the terminal, however it ends."""
        if self._bars is not None:
            self._bars.stop()

    def known(self, kind: str, good: bool) -> None:
        """A run that an earlier command has left."""
        self._count(kind, good)
        if self._bars is not None:
            self._show(kind, "")

    def played(self, kind: str, good: bool, told: str) -> None:
        """A run that is new, and what to say of it."""
        self._count(kind, good)
        told = printable(told)
        if self._bars is not None:
            self._show(kind, told if is_unicode(self._console) else to_ascii(told))
            return
        done, total = sum(self._done.values()), sum(self._totals.values())
        if done == total or time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + LINE_EVERY_S
            line = (
                f"{done} of {total} runs, {kind} {self._done[kind]} of {self._totals[kind]} "
                f"({self._good[kind]} {self._word}); {told}"
            )
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def _count(self, kind: str, good: bool) -> None:
        self._done[kind] += 1
        self._good[kind] += good

    def _show(self, kind: str, told: str) -> None:
        assert self._bars is not None
        told = f"{self._good[kind]} {self._word}  {told}"
        self._bars.update(self._ids[kind], completed=self._done[kind], told=told)

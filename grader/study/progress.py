"""How far a study is, on standard error: bars in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from grader.report.safe import printable, to_ascii
from grader.report.terminal import is_unicode
from grader.study.plan import Recipe
from grader.study.rows import Row

#: Seconds between two lines where there is no terminal.
LINE_EVERY_S = 10.0


class Progress:
    """Told of every row. Use as a context manager.

    totals : rows of each recipe, those that were there before included
    """

    def __init__(self, console: Console, totals: Mapping[Recipe, int]) -> None:
        self._console = console
        self._totals = totals
        self._done = dict.fromkeys(totals, 0)
        self._solved = dict.fromkeys(totals, 0)
        self._next_line = time.monotonic() + LINE_EVERY_S
        self._bars: Bars | None = None
        self._ids: dict[Recipe, TaskID] = {}

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
            for recipe, total in self._totals.items():
                self._ids[recipe] = self._bars.add_task(recipe, total=total, told="")
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

    def known(self, row: Row) -> None:
        """A row that an earlier run has left."""
        self._count(row)
        if self._bars is not None:
            self._show(row, "")

    def played(self, row: Row) -> None:
        """A row that is new."""
        self._count(row)
        told = printable(
            f"{row.submission}, seed {row.seed}: "
            f"{'solved' if row.solved else row.result.outcome.replace('_', ' ')} after "
            f"{row.result.updates:,} updates, {row.result.seconds:.1f} s"
        )
        if self._bars is not None:
            self._show(row, told if is_unicode(self._console) else to_ascii(told))
            return
        finished = self._done == dict(self._totals)
        if finished or time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + LINE_EVERY_S
            counts = ", ".join(
                f"{recipe} {self._done[recipe]} of {total} ({self._solved[recipe]} solved)"
                for recipe, total in self._totals.items()
            )
            self._console.print(f"{counts}; {told}", highlight=False, markup=False, soft_wrap=True)

    def _count(self, row: Row) -> None:
        for recipe in self._totals:
            if recipe == row.recipe:
                self._done[recipe] += 1
                self._solved[recipe] += row.solved

    def _show(self, row: Row, told: str) -> None:
        assert self._bars is not None
        for recipe, bar in self._ids.items():
            if recipe == row.recipe:
                told = f"{self._solved[recipe]} solved  {told}"
                self._bars.update(bar, completed=self._done[recipe], told=told)

"""How far a class is, on standard error: a live view in a terminal, a line now and then else."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from grader.classroom.executor import Executor
from grader.report.model import Report
from grader.report.safe import printable, to_ascii
from grader.report.terminal import is_unicode

#: Seconds between two lines where there is no terminal.
LINE_EVERY_S = 10.0
#: The rate is taken over so many verdicts: enough to be steady, few enough to be of now.
_RECENT = 40
_SLOWEST = 3
_NAME_WIDTH = 40


class Progress:
    """Told of every verdict. Use as a context manager.

    names : what to call a submission, by its sha256
    """

    def __init__(
        self,
        console: Console,
        names: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._names = names
        self._clock = clock
        self._executor: Executor | None = None
        self._live: Live | None = None
        self._total = self._done = self._faults = 0
        self._failing: Counter[str] = Counter()
        self._times: deque[float] = deque([clock()], maxlen=_RECENT + 1)
        self._next_line = clock() + LINE_EVERY_S

    def __enter__(self) -> Progress:
        """Start the live view where there is a terminal."""
        if self._console.is_terminal:
            self._live = Live(
                get_renderable=self._view,
                console=self._console,
                transient=True,
                refresh_per_second=4,
            )
            self._live.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Restore the terminal, however it ends."""
        if self._live is not None:
            self._live.stop()

    def watch(self, executor: Executor) -> None:
        """From now on, what it is at is shown."""
        self._executor = executor

    def known(self, total: int, done: int) -> None:
        """So many submissions, so many with a verdict from before."""
        self._total, self._done = total, done
        self._times.append(self._clock())
        if self._live is None:
            self._line(f"{total} different submissions, {done} graded before")

    def graded(self, sha256: str, report: Report, seconds: float) -> None:
        """A verdict is in the journal."""
        self._done += 1
        self._times.append(self._clock())
        self._failing.update(
            part.id for part in report.parts if part.attempted and part.score < part.max_score
        )
        self._say(f"{self._name(sha256)}: {report.score}, {seconds:.1f} s")

    def failed(self, sha256: str, reason: str) -> None:
        """A submission could not be graded."""
        self._faults += 1
        told = f"{self._name(sha256)} could not be graded: {reason}"
        if self._live is not None:
            self._console.print(self._text(told))
        else:
            self._line(told)

    def _say(self, told: str) -> None:
        if self._live is not None:
            return
        clock = self._clock()
        if self._done == self._total or clock >= self._next_line:
            self._next_line = clock + LINE_EVERY_S
            self._line(f"{self._counts()}; {told}")

    def _line(self, text: str) -> None:
        self._console.print(self._text(text), soft_wrap=True)

    def _text(self, text: str) -> Text:
        shown = printable(text[:500])
        return Text(shown if is_unicode(self._console) else to_ascii(shown))

    def _name(self, sha256: str) -> str:
        return printable(self._names.get(sha256, sha256[:12]))[:_NAME_WIDTH]

    def _counts(self) -> str:
        told = f"{self._done} of {self._total} graded"
        if self._faults:
            told += f", {self._faults} failed"
        rate = self._rate()
        if rate and self._done < self._total:
            left = (self._total - self._done - self._faults) / rate
            told += f", {60 * rate:.1f} a minute, about {_spoken(left)} left"
        return told

    def _rate(self) -> float | None:
        """Verdicts per second of late."""
        passed = self._clock() - self._times[0]
        return (len(self._times) - 1) / passed if len(self._times) > 2 and passed > 0 else None

    def _view(self) -> RenderableType:
        lines: list[RenderableType] = []
        if not self._total:
            return self._text("starting workers ...")
        grid = Table.grid(padding=(0, 1))
        grid.add_row(
            ProgressBar(total=self._total, completed=self._done, width=40),
            self._text(self._counts()),
        )
        lines.append(grid)
        if self._failing:
            failing = ", ".join(f"{part} {n}" for part, n in self._failing.most_common())
            lines.append(self._text(f"losing points in: {failing}"))
        under_way = self._executor.under_way() if self._executor is not None else []
        for sha256, seconds in sorted(under_way, key=lambda item: -item[1])[:_SLOWEST]:
            lines.append(self._text(f"  {seconds:5.0f} s  {self._name(sha256)}"))
        return Group(*lines)


def _spoken(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"

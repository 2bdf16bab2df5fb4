"""What is going on while a grading runs, on standard error."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from grader.report.model import CheckResult
from grader.report.safe import to_ascii
from grader.report.terminal import is_unicode
from grader.rubric import CheckEntry


class Progress:
    """A live line in a terminal; elsewhere one plain line per part. Use as a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._part = ""
        self._done = 0
        self._passed = 0

    def __enter__(self) -> Progress:
        """Start the live line where there is a terminal."""
        if self._console.is_terminal:
            self._live = Live(
                self._line("starting a worker"), console=self._console, transient=True
            )
            self._live.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Remove the live line and restore the terminal, however it ends."""
        if self._live is not None:
            self._live.stop()

    def starting(self, check: CheckEntry) -> None:
        """A check begins."""
        if self._live is not None:
            self._live.update(self._line(check.title))
        elif check.part != self._part:
            self._console.print(f"checking {check.part} ...", highlight=False)
        self._part = check.part

    def finished(self, result: CheckResult) -> None:
        """A check has its outcome."""
        self._done += 1
        self._passed += result.status == "passed"

    def training(self, attempt: int, updates: int, mean_return: float) -> None:
        """The CartPole run was screened."""
        told = f"CartPole, attempt {attempt}: {updates:,} updates, greedy average {mean_return:.0f}"
        if self._live is not None:
            self._live.update(self._line(told))

    def _line(self, text: str) -> Spinner:
        told = f"{text}  ({self._passed} of {self._done} checks passed)"
        if not is_unicode(self._console):
            told = to_ascii(told)
        return Spinner("line", Text(told, style="dim"))

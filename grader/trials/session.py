"""Complete a plan: play what is missing, keep every row at once, survive an interruption."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from typing import Protocol, TypeVar

from rich.console import Console

from grader.trials.jobs import Player, Task
from grader.trials.progress import Progress
from grader.trials.runner import run


class PlannedTask(Task, Protocol):
    """A task that says which row it will become."""

    @property
    def kind(self) -> str:
        """Equal to the `kind` of its row."""

    @property
    def id(self) -> Hashable:
        """Equal to the `id` of its row."""


class Row(Protocol):
    """A run that was made."""

    @property
    def id(self) -> Hashable:
        """What no two rows of a file share."""

    @property
    def kind(self) -> str:
        """The group that progress counts it in."""

    @property
    def good(self) -> bool:
        """Whether it went as one would wish."""

    @property
    def told(self) -> str:
        """The run in one line."""


T = TypeVar("T", bound=PlannedTask)
R = TypeVar("R")
W = TypeVar("W", bound=Row)


def complete(
    tasks: Sequence[T],
    player: Callable[[], Player[T, R]],
    read: Callable[[], Collection[W]],
    keep: Callable[[T, R], W],
    jobs: int,
    word: str,
    out: str,
) -> list[W] | None:
    """All rows of the plan, or None when interrupted.

    read : the rows on the disk
    keep : writes a row to the disk and returns it
    word : what a good run is called, such as `solved`
    out : the folder's name, for messages
    """
    found = read()
    rows = matching(found, tasks)
    if others := len(found) - len(rows):
        print(
            f"left alone in `{out}`: {others} rows of other seeds, submissions or settings, or of "
            "another version of the grader",
            file=sys.stderr,
        )
    known = {row.id for row in rows}
    kinds = [task.kind for task in tasks]
    totals = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}

    def done(task: T, result: R) -> None:
        row = keep(task, result)
        rows.append(row)
        progress.played(row.kind, row.good, row.told)

    try:
        with Progress(Console(stderr=True), totals, word) as progress:
            for row in rows:
                progress.known(row.kind, row.good)
            run([task for task in tasks if task.id not in known], jobs, player, done)
    except KeyboardInterrupt:
        kept = len(matching(read(), tasks))
        print(
            f"\ninterrupted: {kept} of {len(tasks)} rows are in `{out}`, no process is left\n"
            "hint: the same command goes on from there",
            file=sys.stderr,
        )
        return None
    return rows


def matching(rows: Iterable[W], tasks: Iterable[T]) -> list[W]:
    """The rows that belong to these tasks."""
    wanted = {task.id for task in tasks}
    return [row for row in rows if row.id in wanted]

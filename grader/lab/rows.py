"""`runs.jsonl`: a line per run, which only ever grows by whole lines."""

from __future__ import annotations

from pathlib import Path

import msgspec

from grader.cartpole.schedule import THRESHOLD
from grader.lab.plan import Id, Task
from grader.lab.result import Result
from grader.trials.errors import TrialError
from grader.trials.lines import append, drop_torn_line


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One run with what identifies it."""

    lab: str
    experiment: str
    submission: str
    sha256: str
    seed: int
    result: Result

    @property
    def id(self) -> Id:
        """Equal to the `id` of its task."""
        return self.lab, self.experiment, self.sha256, self.seed

    @property
    def kind(self) -> str:
        """Progress counts by experiment …"""
        return self.experiment

    @property
    def good(self) -> bool:
        """… the runs whose last evaluation reaches the threshold."""
        return self.result.evaluations[-1].mean_return >= THRESHOLD

    @property
    def told(self) -> str:
        """The run in one line."""
        last = self.result.evaluations[-1]
        return (
            f"{self.experiment}, seed {self.seed}: greedy return {last.mean_return:.0f}, "
            f"max Q {last.max_q:.0f} after {last.updates:,} updates, {self.result.seconds:.1f} s"
        )


def row_of(task: Task, result: Result) -> Row:
    """The row of a run that has been made."""
    return Row(
        lab=task.lab,
        experiment=task.experiment,
        submission=task.subject.name,
        sha256=task.subject.sha256,
        seed=task.seed,
        result=result,
    )


class File:
    """The rows of a folder, opened to be continued; `TrialError` when there is no way to write."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "runs.jsonl"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            drop_torn_line(self._path)
        except OSError as error:
            raise TrialError(
                f"`{folder}` cannot be written to: {error.strerror}",
                "name a folder of your own with `--out`",
            ) from None

    def add(self, row: Row) -> None:
        """Append a run."""
        append(self._path, msgspec.json.encode(row).decode() + "\n")

    def read(self) -> list[Row]:
        """Everything that is there."""
        return read_rows(self._path)


def read_rows(path: Path) -> list[Row]:
    """The rows of a file, the first of several with one id; `TrialError` names a line that is
    none."""
    rows: dict[Id, Row] = {}
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            row = msgspec.json.decode(line, type=Row)
        except msgspec.DecodeError:
            raise TrialError(
                f"line {number} of `{path}` is no row of the lab",
                "repair or remove that line, or name another folder with `--out`",
            ) from None
        rows.setdefault(row.id, row)
    return list(rows.values())

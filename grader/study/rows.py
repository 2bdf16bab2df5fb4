"""The study's files: one CSV row per run, and its learning curve in a file of JSON lines.

Both only ever grow, by whole lines.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

from grader.study.plan import Task
from grader.study.result import Outcome, Result
from grader.trials.errors import TrialError
from grader.trials.lines import append, drop_torn_line

COLUMNS = (
    "study",
    "recipe",
    "submission",
    "sha256",
    "seed",
    "solved",
    "outcome",
    "updates",
    "environment_steps",
    "seconds",
    "mean_return",
    "largest_audit_error",
    "note",
)
Id = tuple[str, str, str, int]


@dataclass(frozen=True)
class Row:
    """One run with what identifies it. `curve` is kept beside the table."""

    study: str
    recipe: str
    submission: str
    sha256: str
    seed: int
    result: Result

    @property
    def id(self) -> Id:
        """Equal to the `id` of its task."""
        return self.study, self.recipe, self.sha256, self.seed

    @property
    def solved(self) -> bool:
        """Confirmed on fresh episodes within the budget."""
        return self.result.outcome == "solved"

    @property
    def kind(self) -> str:
        """Progress counts by recipe …"""
        return self.recipe

    @property
    def good(self) -> bool:
        """… what was solved."""
        return self.solved

    @property
    def told(self) -> str:
        """The run in one line."""
        r = self.result
        return (
            f"{self.submission}, seed {self.seed}: "
            f"{'solved' if self.solved else r.outcome.replace('_', ' ')} after "
            f"{r.updates:,} updates, {r.seconds:.1f} s"
        )

    def cells(self) -> tuple[str, ...]:
        """Text for the columns."""
        r = self.result
        return (
            self.study,
            self.recipe,
            self.submission,
            self.sha256,
            str(self.seed),
            str(int(self.solved)),
            r.outcome,
            str(r.updates),
            str(r.environment_steps),
            f"{r.seconds:.3f}",
            "" if r.mean_return is None else f"{r.mean_return:.2f}",
            "" if r.largest_audit_error is None else f"{r.largest_audit_error:.3g}",
            r.note,
        )


def row_of(task: Task, result: Result) -> Row:
    """The row of a task that has been played."""
    subject = task.subject
    return Row(task.study, task.recipe, subject.name, subject.sha256, task.seed, result)


class Files:
    """`rows.csv` and `curves.jsonl` in a folder, opened to be continued.

    Raises `TrialError` when there are rows of another kind of table, or no way to write.
    """

    def __init__(self, folder: Path) -> None:
        self._rows = folder / "rows.csv"
        self._curves = folder / "curves.jsonl"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for path in (self._rows, self._curves):
                drop_torn_line(path)
            if self._rows.stat().st_size == 0:
                append(self._rows, _line(COLUMNS))
        except OSError as error:
            raise TrialError(
                f"`{folder}` cannot be written to: {error.strerror}",
                "name a folder of your own with `--out`",
            ) from None

    def add(self, row: Row) -> None:
        """Append a run; the curve comes first, so that a row is never without its curve."""
        curve = json.dumps([*row.id, row.result.curve], separators=(",", ":")) + "\n"
        append(self._curves, curve)
        append(self._rows, _line(row.cells()))

    def read(self) -> dict[Id, Row]:
        """Everything that is there, the first of several with one id."""
        with self._rows.open(encoding="utf-8", newline="") as file:
            lines = list(csv.reader(file))
        if not lines or tuple(lines[0]) != COLUMNS:
            raise TrialError(
                f"`{self._rows}` holds another table than a study's",
                "name another folder with `--out`",
            )
        curves = self._read_curves()
        rows: dict[Id, Row] = {}
        for number, cells in enumerate(lines[1:], start=2):
            try:
                row = _parse(cells, curves)
            except (ValueError, KeyError):
                raise TrialError(
                    f"line {number} of `{self._rows}` is no row of a study",
                    "repair or remove that line, or name another folder with `--out`",
                ) from None
            rows.setdefault(row.id, row)
        return rows

    def _read_curves(self) -> dict[Id, list[tuple[int, float]]]:
        curves: dict[Id, list[tuple[int, float]]] = {}
        for line in self._curves.read_text(encoding="utf-8").splitlines():
            try:
                *identity, curve = json.loads(line)
                study, recipe, sha256, seed = identity
                points = [(int(updates), float(mean)) for updates, mean in curve]
            except (ValueError, TypeError):
                continue  # the row will say that its curve is missing
            curves[str(study), str(recipe), str(sha256), int(seed)] = points
        return curves


def _parse(cells: list[str], curves: dict[Id, list[tuple[int, float]]]) -> Row:
    values = dict(zip(COLUMNS, cells, strict=True))
    if values["outcome"] not in get_args(Outcome):
        raise ValueError(values["outcome"])
    identity = values["study"], values["recipe"], values["sha256"], int(values["seed"])
    error, mean = values["largest_audit_error"], values["mean_return"]
    result = Result(
        outcome=cast(Outcome, values["outcome"]),
        updates=int(values["updates"]),
        environment_steps=int(values["environment_steps"]),
        seconds=float(values["seconds"]),
        mean_return=float(mean) if mean else None,
        largest_audit_error=float(error) if error else None,
        note=values["note"],
        curve=curves[identity],
    )
    study, recipe, sha256, seed = identity
    return Row(study, recipe, values["submission"], sha256, seed, result)


def _line(cells: Iterable[str]) -> str:
    """One line of CSV; line breaks within a cell would make a torn line look whole."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([" ".join(cell.split()) for cell in cells])
    return text.getvalue()

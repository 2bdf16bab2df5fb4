"""`python -m grader study`: options to a plan, the plan to rows, the rows to text and figure."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from grader.trials.errors import TrialError
from grader.trials.options import count

if TYPE_CHECKING:
    from grader.cartpole.schedule import Schedule
    from grader.study.plan import Recipe, Task
    from grader.study.result import Result
    from grader.study.rows import Row
    from grader.trials.subjects import Subject

DONE, INTERRUPTED = 0, 130
_STATUS = "Exit status: 0 done · 2 wrong usage · 3 the study itself failed."
DEFAULT_OUT = "build/study"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.epilog = _STATUS
    parser.add_argument(
        "--seeds", metavar="N", type=count, required=True, help="seeds of every recipe"
    )
    parser.add_argument(
        "--recipe",
        metavar="RECIPE[:N]",
        nargs="+",
        action="extend",
        default=[],
        help="kit (default), page or sb3; with :N, so many seeds of this one",
    )
    parser.add_argument(
        "--submission",
        metavar="PATH",
        nargs="+",
        action="extend",
        default=[],
        help="what to train, in turn (default: solution)",
    )
    parser.add_argument(
        "--jobs", metavar="N", type=count, help="runs at a time (default: half the cores)"
    )
    parser.add_argument(
        "--out", metavar="FOLDER", default=DEFAULT_OUT, help=f"results (default: {DEFAULT_OUT})"
    )
    parser.add_argument(
        "--schedule",
        metavar="KEY=VALUE",
        nargs="+",
        action="extend",
        default=[],
        help="another setting of the kit's schedule, such as lr=0.008",
    )


def run(arguments: argparse.Namespace) -> int:
    """Play what is missing, then write the summary and the figure; returns the exit status.

    Raises `TrialError` for wrong usage and `TrialFault` when something of the study itself fails.
    """
    from grader.study import plan
    from grader.study.overrides import overridden
    from grader.study.recipes import Player
    from grader.study.rows import Files, row_of
    from grader.study.settings import study_hash
    from grader.trials.runner import available_cores
    from grader.trials.session import complete

    counts = _counts(arguments.recipe or ["kit"], arguments.seeds)
    schedule = overridden(arguments.schedule)
    if arguments.schedule and "kit" not in counts:
        raise TrialError("`--schedule` changes the kit's recipe only", "add `--recipe kit`")
    subjects = _subjects(arguments.submission or ["solution"])
    if "sb3" in counts and importlib.util.find_spec("stable_baselines3") is None:
        raise TrialError(
            "the recipe `sb3` needs Stable-Baselines3, which is not installed",
            'run `python -m pip install -e ".[study]" -c constraints.txt`',
        )
    studies = {recipe: study_hash(recipe, schedule) for recipe in counts}
    tasks = plan.tasks(counts, studies, subjects, schedule)
    files = Files(Path(arguments.out).expanduser())
    jobs = arguments.jobs or max(1, available_cores() // 2)

    def keep(task: Task, result: Result) -> Row:
        row = row_of(task, result)
        files.add(row)
        return row

    def read() -> list[Row]:
        return list(files.read().values())

    rows = complete(tasks, Player, read, keep, jobs, "solved", arguments.out)
    if rows is None:
        return INTERRUPTED
    _write(Path(arguments.out).expanduser(), rows, studies, schedule, jobs)
    return DONE


def _write(
    folder: Path,
    rows: Sequence[Row],
    studies: Mapping[Recipe, str],
    schedule: Schedule,
    jobs: int,
) -> None:
    """The summary, on standard output too, and the figure."""
    from grader.environment import read_environment
    from grader.release import write_atomic
    from grader.study.document import summary_md
    from grader.study.figure import draw

    by_recipe = {
        recipe: sorted((row for row in rows if row.recipe == recipe), key=lambda row: row.seed)
        for recipe in studies
    }
    text = summary_md(by_recipe, studies, schedule, read_environment("plain"), jobs)
    try:
        write_atomic(folder / "summary.md", text.encode())
        for kind, image in draw(by_recipe).items():
            write_atomic(folder / f"study.{kind}", image)
    except OSError as error:
        raise TrialError(
            f"`{folder}` cannot be written to: {error.strerror}",
            "the rows are kept; name another folder with `--out`",
        ) from None
    sys.stdout.write(text)


def _counts(wanted: Sequence[str], seeds: int) -> dict[Recipe, int]:
    """Seeds by recipe, in the order of `RECIPES`."""
    from grader.study.plan import RECIPES

    asked: dict[str, int] = {}
    for text in wanted:
        name, colon, number = text.partition(":")
        if name not in RECIPES:
            raise TrialError(f"no recipe `{name}`", f"known: {', '.join(RECIPES)}")
        if name in asked:
            raise TrialError(f"the recipe `{name}` is named twice", "name every recipe once")
        try:
            asked[name] = count(number) if colon else seeds
        except argparse.ArgumentTypeError as error:
            raise TrialError(f"`--recipe {text}`: {error}", "as in `--recipe sb3:20`") from None
    return {recipe: asked[recipe] for recipe in RECIPES if recipe in asked}


def _subjects(paths: Sequence[str]) -> list[Subject]:
    """The submissions, each with all of its files."""
    from grader.trials.subjects import subject_at

    subjects: list[Subject] = []
    for path in paths:
        subject = subject_at(path)
        if any(subject.sha256 == other.sha256 for other in subjects):
            raise TrialError(f"`{path}` is named twice", "name every submission once")
        subjects.append(subject)
    return subjects

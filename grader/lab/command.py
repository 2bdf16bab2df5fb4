"""`python -m grader lab`: options to a plan, the plan to rows, the rows to text and figures."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from grader.lab.experiments import BASELINE, EXPERIMENTS, Experiment
from grader.trials.errors import TrialError
from grader.trials.options import count

if TYPE_CHECKING:
    from grader.lab.plan import Task
    from grader.lab.result import Result
    from grader.lab.rows import Row

DONE, INTERRUPTED = 0, 130
_STATUS = (
    "Exit status: 0 done · 2 wrong usage, or a submission that cannot be trained · 3 the lab "
    "itself failed."
)
DEFAULT_OUT = "build/lab"
DEFAULT_SEEDS = 20


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.epilog = _STATUS
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=count,
        default=DEFAULT_SEEDS,
        help=f"runs of every experiment (default: {DEFAULT_SEEDS})",
    )
    parser.add_argument(
        "--updates",
        metavar="N",
        type=count,
        help="updates of every run, for a quick look with fewer than usual",
    )
    parser.add_argument(
        "--only",
        metavar="EXPERIMENT",
        nargs="+",
        action="extend",
        default=[],
        help="these, and the baseline to compare with: " + ", ".join(e.id for e in EXPERIMENTS),
    )
    parser.add_argument(
        "--submission", metavar="PATH", default="solution", help="what to train (default: solution)"
    )
    parser.add_argument(
        "--jobs", metavar="N", type=count, help="runs at a time (default: number of cores)"
    )
    parser.add_argument(
        "--out", metavar="FOLDER", default=DEFAULT_OUT, help=f"results (default: {DEFAULT_OUT})"
    )
    parser.add_argument(
        "--docs",
        metavar="FILE",
        help="write the tables into this page too, and figures and rows into a folder beside it",
    )


def run(arguments: argparse.Namespace) -> int:
    """Play what is missing, then write the summary and the figures; returns the exit status.

    Raises `TrialError` for wrong usage and `TrialFault` when something of the lab itself fails.
    """
    from grader.environment import read_environment
    from grader.lab import plan
    from grader.lab.document import summary_md
    from grader.lab.figure import draw_returns, draw_values
    from grader.lab.page import require_place, write_page
    from grader.lab.player import Player
    from grader.lab.rows import File, row_of
    from grader.lab.setting import Setting
    from grader.trials.runner import available_cores
    from grader.trials.session import complete
    from grader.trials.subjects import subject_at

    experiments = _experiments(arguments.only)
    docs = Path(arguments.docs).expanduser() if arguments.docs else None
    if docs is not None:
        require_place(docs)
    subject = subject_at(arguments.submission)
    usual = Setting()
    setting = dataclasses.replace(usual, updates=arguments.updates or usual.updates)
    tasks = plan.tasks(experiments, arguments.seeds, subject, setting)
    file = File(Path(arguments.out).expanduser())
    jobs = arguments.jobs or available_cores()

    def keep(task: Task, result: Result) -> Row:
        row = row_of(task, result)
        file.add(row)
        return row

    rows = complete(tasks, Player, file.read, keep, jobs, "at 475", arguments.out)
    if rows is None:
        return INTERRUPTED
    by_experiment = {
        e.id: sorted((row for row in rows if row.experiment == e.id), key=lambda row: row.seed)
        for e in experiments
    }
    text = summary_md(
        by_experiment, setting, plan.lab_hash(setting), read_environment("plain"), jobs
    )
    images = {
        "curves": draw_returns(by_experiment),
        "values": draw_values(by_experiment, setting),
    }
    _write(Path(arguments.out).expanduser(), text, images)
    if docs is not None:
        write_page(docs, by_experiment, setting, images)
    sys.stdout.write(text)
    return DONE


def _experiments(only: Sequence[str]) -> list[Experiment]:
    """The baseline and what was asked for, in the usual order."""
    known = [e.id for e in EXPERIMENTS]
    for name in only:
        if name not in known:
            raise TrialError(f"no experiment `{name}`", f"known: {', '.join(known)}")
    return [e for e in EXPERIMENTS if not only or e.id in only or e == BASELINE]


def _write(folder: Path, text: str, images: Mapping[str, Mapping[str, bytes]]) -> None:
    """The summary and the figures."""
    from grader.release import write_atomic

    try:
        write_atomic(folder / "summary.md", text.encode())
        for name, kinds in images.items():
            for kind, image in kinds.items():
                write_atomic(folder / f"{name}.{kind}", image)
    except OSError as error:
        raise TrialError(
            f"`{folder}` cannot be written to: {error.strerror}",
            "the rows are kept; name another folder with `--out`",
        ) from None

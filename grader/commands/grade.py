"""`python -m grader grade`: one submission, its reports and the exit status."""

from __future__ import annotations

import argparse
import functools
from pathlib import Path
from typing import TYPE_CHECKING

from grader.commands import reports
from grader.commands.messages import BELOW, GRADED, USAGE, UsageError, admit, complain
from grader.commands.options import (
    add_grading_options,
    grading_options,
    isolation,
    require_something,
)
from grader.commands.reports import deliver, require_reports, wanted, write, write_so_far

if TYPE_CHECKING:
    from grader.grading import Options
    from grader.sandbox.intake import Submitted
    from grader.sandbox.lending import StartKept

STATUS = (
    "Exit status: 0 graded, whatever the score · 1 below --fail-under · 2 wrong usage, or nothing "
    "gradable at PATH · 3 the grader itself failed, which says nothing about the student · 130 "
    "interrupted."
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("path", metavar="PATH", help="folder, .zip or .tar.gz with the three files")
    reports.add_options(parser)
    add_grading_options(parser)
    parser.add_argument(
        "--view",
        choices=("student", "staff"),
        default="student",
        help="what the report shows; students see no seeds, and of hidden checks title, why, hint",
    )
    parser.add_argument(
        "--fail-under",
        metavar="N",
        type=_points,
        help="exit 1 when the score is below N (of the points attempted)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Grade one submission; the exit status is the contract's."""
    # Nothing heavy is imported before the arguments and the path are known to be good.
    from grader.sandbox.intake import IntakeError, take_in

    require_something(arguments)
    require_reports(arguments)
    start_host = isolation(arguments)
    try:
        submitted = take_in(Path(arguments.path).expanduser())
    except IntakeError as error:
        return _ungradable(arguments, str(error), error.hint)
    return _graded(arguments, submitted, grading_options(arguments), start_host)


def _points(text: str) -> int:
    try:
        points = int(text)
    except ValueError:
        points = -1
    if not 0 <= points <= 100:
        raise argparse.ArgumentTypeError(f"`{text}` is not a number of points from 0 to 100")
    return points


def _graded(
    arguments: argparse.Namespace, submitted: Submitted, options: Options, start_host: StartKept
) -> int:
    from rich.console import Console

    from grader.grading import GraderFault, grade
    from grader.report.progress import Progress
    from grader.sandbox.interface import Refused
    from grader.unscored import fault_report

    so_far = functools.partial(write_so_far, arguments)
    try:
        with Progress(Console(stderr=True)) as progress:
            report = grade(submitted, options, progress, start_host, so_far=so_far)
    except KeyboardInterrupt:
        write(arguments, fault_report(submitted, options, "interrupted", "interrupted by the user"))
        raise
    except Refused as refusal:
        raise UsageError(str(refusal), refusal.remedy) from None
    except GraderFault as fault:
        return _faulted(arguments, submitted, options, str(fault))
    except Exception as error:
        return _faulted(arguments, submitted, options, f"{type(error).__name__}: {error}")
    deliver(arguments, report)
    below = arguments.fail_under is not None and (report.score or 0) < arguments.fail_under
    return BELOW if below else GRADED


def _faulted(
    arguments: argparse.Namespace, submitted: Submitted, options: Options, reason: str
) -> int:
    from grader.unscored import fault_report

    write(arguments, fault_report(submitted, options, "grader_fault", reason))
    return admit(reason)


def _ungradable(arguments: argparse.Namespace, reason: str, hint: str) -> int:
    from grader.sandbox.intake import readable
    from grader.unscored import ungradable_report

    if wanted(arguments):
        name = readable(Path(arguments.path).name)
        write(arguments, ungradable_report(name, grading_options(arguments), reason))
    complain(reason, hint)
    return USAGE

"""The command line: which commands there are, and what they end in."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from grader.commands import explain, grade, rubric, watch
from grader.commands.messages import (
    FAULT,
    GRADED,
    INTERRUPTED,
    USAGE,
    UsageError,
    admit,
    complain,
)
from grader.commands.options import (
    add_grading_options,
    allowed_tiers,
    grading_options,
    require_something,
)

#: Commands whose rooms a student's copy does not have.
STAFF_ROOMS = {
    "study": "train with many seeds and compare recipes",
    "lab": "train with one part of DQN changed at a time",
}


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in the way of all other messages.

    Options are written out: a shortened one may mean another in the next version.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, f"see `{self.prog} --help`")


def main(arguments: Sequence[str]) -> int:
    """Run one command; the exit status is the contract's."""
    try:
        options = build_parser().parse_args(arguments)
        return _COMMANDS[options.command](options)
    except UsageError as error:
        complain(str(error), error.hint)
        return USAGE
    except Exception as error:
        return admit(f"{type(error).__name__}: {error}")
    except KeyboardInterrupt:
        print("\ninterrupted: nothing was graded, no process is left", file=sys.stderr)
        return INTERRUPTED


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; a student's copy has no commands of rooms that it lacks."""
    parser = _Parser(prog="python -m grader", description="Grades DQN submissions.")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    own = commands.add_parser("grade", help="grade one submission", epilog=grade.STATUS)
    grade.add_options(own)
    told = "check what was saved, part by part, as you work"
    watch.add_options(commands.add_parser("watch", help=told, epilog=watch.STATUS))
    if _is_here("classroom"):
        own = commands.add_parser("class", help="grade a whole class, and what follows from it")
        importlib.import_module("grader.classroom.command").add_options(own, add_grading_options)
    for room, told in STAFF_ROOMS.items():
        if _is_here(room):
            command = importlib.import_module(f"grader.{room}.command")
            own = commands.add_parser(room, help=told)
            own.set_defaults(run=command.run)
            command.add_options(own)
    commands.add_parser(
        "doctor",
        help="try out which isolation works on this machine",
        epilog="Exit status: 0 some tier works here · 3 none does.",
    )
    told = "tell about a misconception that a report names"
    explain.add_options(commands.add_parser("explain", help=told, epilog=explain.STATUS))
    told = "look for mistakes in a rubric"
    rubric.add_options(commands.add_parser("rubric", help=told, epilog=rubric.STATUS))
    return parser


def _is_here(room: str) -> bool:
    """Whether this copy of the grader has a room: a student's has none of the staff's."""
    return Path(__file__).with_name(room).is_dir()


def _train(arguments: argparse.Namespace) -> int:
    """The study or the lab: many runs, nothing graded."""
    from grader.trials.errors import TrialError, TrialFault, Untrainable

    try:
        return int(arguments.run(arguments))
    except TrialError as error:
        raise UsageError(str(error), error.hint) from None
    except Untrainable as error:
        raise UsageError(str(error), "only submissions that pass the checks are trained") from None
    except TrialFault as fault:
        complain(f"the {arguments.command} cannot go on: {fault}", "the rows so far are kept")
        return FAULT


def _class(arguments: argparse.Namespace) -> int:
    from grader.classroom.command import run_grade
    from grader.classroom.errors import ClassError, ClassFault

    try:
        if arguments.class_command != "grade":
            return int(arguments.run(arguments))
        require_something(arguments)
        options = grading_options(arguments)
        return run_grade(
            arguments,
            options.key,
            options.solve,
            options.only,
            options.hidden is not None,
            allowed_tiers(arguments),
        )
    except ClassError as error:
        raise UsageError(str(error), error.hint) from None
    except ClassFault as fault:
        complain(str(fault), fault.hint)
        return FAULT


def _doctor(_arguments: argparse.Namespace) -> int:
    from grader.sandbox.doctor import run_doctor

    return GRADED if run_doctor() else FAULT


_COMMANDS = {
    "grade": grade.run,
    "watch": watch.run,
    "class": _class,
    "study": _train,
    "lab": _train,
    "doctor": _doctor,
    "explain": explain.run,
    "rubric": rubric.run,
}

"""The command line: arguments to calls, nothing else."""

from __future__ import annotations

import argparse
import functools
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from grader.report.formats import FORMATS, Surroundings, rendered, require

if TYPE_CHECKING:
    from grader.grading import Options
    from grader.report.model import Report
    from grader.sandbox.intake import Submitted
    from grader.sandbox.lending import StartKept

GRADED, BELOW, USAGE, FAULT, INTERRUPTED = 0, 1, 2, 3, 130
#: Commands whose rooms a student's copy does not have.
STAFF_ROOMS = {
    "study": "train with many seeds and compare recipes",
    "lab": "train with one part of DQN changed at a time",
}
TIERS = ("bubblewrap", "landlock", "uid+seccomp", "plain")
PARTS = ("q_network", "sample", "update", "update_target", "cartpole")
KEY_VARIABLE = "DQN_GRADER_KEY_FILE"
_GRADE_STATUS = (
    "Exit status: 0 graded, whatever the score · 1 below --fail-under · 2 wrong usage, or nothing "
    "gradable at PATH · 3 the grader itself failed, which says nothing about the student · 130 "
    "interrupted."
)


class UsageError(Exception):
    """Wrong usage: what is wrong, and what would help."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in the way of all other messages."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, f"see `{self.prog} --help`")


def main(arguments: Sequence[str]) -> int:
    """Run one command; the exit status is the contract's."""
    try:
        options = build_parser().parse_args(arguments)
        return _COMMANDS[options.command](options)
    except UsageError as error:
        _complain(str(error), error.hint)
        return USAGE
    except Exception as error:
        return _admit(f"{type(error).__name__}: {error}")
    except KeyboardInterrupt:
        print("\ninterrupted: nothing was graded, no process is left", file=sys.stderr)
        return INTERRUPTED


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; a student's copy has no commands of rooms that it lacks."""
    parser = _Parser(prog="python -m grader", description="Grades DQN submissions.")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    grade = commands.add_parser("grade", help="grade one submission", epilog=_GRADE_STATUS)
    grade.add_argument("path", metavar="PATH", help="folder, .zip or .tar.gz with the three files")
    for name, told in FORMATS.items():
        grade.add_argument(f"--{name}", metavar="FILE", help=told)
    _add_grading_options(grade)
    grade.add_argument(
        "--view",
        choices=("student", "staff"),
        default="student",
        help="what the report shows; students see no seeds, and of hidden checks title, why, hint",
    )
    grade.add_argument(
        "--fail-under",
        metavar="N",
        type=_points,
        help="exit 1 when the score is below N (of the points attempted)",
    )
    watch = commands.add_parser(
        "watch",
        help="check what was saved, part by part, as you work",
        epilog="Exit status: 0 ended with Ctrl-C · 2 wrong usage.",
    )
    watch.add_argument("path", metavar="FOLDER", help="has the three files directly in it")
    _add_sandbox_options(watch)
    watch.set_defaults(no_solve=True, only=[], key=None, official=False, view="student")
    if _is_here("classroom"):
        own = commands.add_parser("class", help="grade a whole class, and what follows from it")
        importlib.import_module("grader.classroom.command").add_options(own, _add_grading_options)
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
    explain = commands.add_parser(
        "explain",
        help="tell about a misconception that a report names",
        epilog="Exit status: 0 told · 2 no misconception has this code.",
    )
    explain.add_argument("code", metavar="CODE", nargs="?", help="such as UPDATE_HUBER")
    rubric = commands.add_parser(
        "rubric",
        help="look for mistakes in a rubric",
        epilog="Exit status: 0 nothing is wrong · 2 there are mistakes, or no rubric.",
    )
    rubric.add_argument("action", choices=("check",), help="say what is wrong, with its line")
    rubric.add_argument("file", metavar="FILE", nargs="?", help="default: the kit's own rubric")
    return parser


def _is_here(room: str) -> bool:
    """Whether this copy of the grader has a room: a student's has none of the staff's."""
    return Path(__file__).with_name(room).is_dir()


def _add_grading_options(parser: argparse.ArgumentParser) -> None:
    """What a grading has, of one submission or of many."""
    parser.add_argument("--no-solve", action="store_true", help="leave the CartPole run out")
    parser.add_argument(
        "--only",
        metavar="PART",
        action="append",
        choices=PARTS,
        default=[],
        help=f"grade one part; may be repeated ({', '.join(PARTS)})",
    )
    parser.add_argument("--key", metavar="FILE", help=f"key of the seeds (or {KEY_VARIABLE})")
    _add_sandbox_options(parser)
    parser.add_argument(
        "--official",
        action="store_true",
        help="staff grading: with a secret key and hidden checks, in a real sandbox or not at all",
    )


def _add_sandbox_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sandbox",
        choices=("auto", *TIERS),
        default="auto",
        help="isolation tier (default: the strongest that works here)",
    )
    parser.add_argument(
        "--sandbox-min",
        metavar="TIER",
        choices=TIERS,
        default="plain",
        help=f"refuse to grade in a weaker tier ({', '.join(TIERS)})",
    )


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
        _complain(f"the {arguments.command} cannot go on: {fault}", "the rows so far are kept")
        return FAULT


def _class(arguments: argparse.Namespace) -> int:
    from grader.classroom.command import run_grade
    from grader.classroom.errors import ClassError, ClassFault

    try:
        if arguments.class_command != "grade":
            return int(arguments.run(arguments))
        _require_something(arguments)
        options = _options(arguments)
        return run_grade(
            arguments,
            options.key,
            options.solve,
            options.only,
            options.hidden is not None,
            _allowed_tiers(arguments),
        )
    except ClassError as error:
        raise UsageError(str(error), error.hint) from None
    except ClassFault as fault:
        _complain(str(fault), fault.hint)
        return FAULT


def _doctor(_arguments: argparse.Namespace) -> int:
    from grader.sandbox.doctor import run_doctor

    return GRADED if run_doctor() else FAULT


def _explain(arguments: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.markdown import Markdown

    from grader.explaining import UnknownCode, all_codes, explanation_page

    try:
        page = explanation_page(arguments.code) if arguments.code else all_codes()
    except UnknownCode as error:
        raise UsageError(str(error), error.hint) from None
    console = Console(highlight=False)
    if console.is_terminal:
        console.print(Markdown(page), width=min(console.width, 96))
    else:
        _deliver_bytes("-", page.encode())
    return GRADED


def _rubric(arguments: argparse.Namespace) -> int:
    from grader.rubric import HIDDEN_FOLDER, RUBRIC_FILE, RubricError, load_rubric
    from grader.rubric_check import mistakes_in

    path = Path(arguments.file) if arguments.file else RUBRIC_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UsageError(f"`{path}` cannot be read: {why}", "name a rubric") from None
    mistakes = mistakes_in(text)
    for mistake in mistakes:
        _complain(f"{path}:{mistake.line}: {mistake.told}", mistake.hint)
    if mistakes:
        return USAGE
    if not arguments.file and HIDDEN_FOLDER.is_dir():
        try:
            load_rubric(hidden=HIDDEN_FOLDER)
        except RubricError as error:
            raise UsageError(str(error), f"look into `{HIDDEN_FOLDER}`") from None
    print(f"{path}: nothing is wrong, the points add up to 100")
    return GRADED


def _points(text: str) -> int:
    try:
        points = int(text)
    except ValueError:
        points = -1
    if not 0 <= points <= 100:
        raise argparse.ArgumentTypeError(f"`{text}` is not a number of points from 0 to 100")
    return points


def _grade(arguments: argparse.Namespace) -> int:
    # Nothing heavy is imported before the arguments and the path are known to be good.
    from grader.sandbox.intake import IntakeError, take_in

    _require_something(arguments)
    _require_reports(arguments)
    start_host = _isolation(arguments)
    try:
        submitted = take_in(Path(arguments.path).expanduser())
    except IntakeError as error:
        return _ungradable(arguments, str(error), error.hint)
    return _run(arguments, submitted, _options(arguments), start_host)


def _watch(arguments: argparse.Namespace) -> int:
    from rich.console import Console

    from grader.report.progress import Progress
    from grader.watching import Watch

    folder = Path(arguments.path).expanduser()
    if not folder.is_dir():
        raise UsageError(f"`{folder}` is not a folder", "name the folder that you work in")
    start_host = _isolation(arguments)
    console, aside = Console(highlight=False), Console(stderr=True)
    watch = Watch(folder, _options(arguments), start_host, console, lambda: Progress(aside))
    print(f"watching `{folder}`: save a file and it is checked; Ctrl-C ends", file=sys.stderr)
    try:
        watch.run()
    except KeyboardInterrupt:
        print("\nno longer watching", file=sys.stderr)
    return GRADED


def _require_something(arguments: argparse.Namespace) -> None:
    if arguments.no_solve and set(arguments.only) == {"cartpole"}:
        raise UsageError(
            "`--only cartpole` and `--no-solve` leave nothing to grade", "drop one of the two"
        )


def _isolation(arguments: argparse.Namespace) -> StartKept:
    """How workers are started, within what the options allow."""
    from grader.sandbox.tiers import start_strongest

    wanted, least = _allowed_tiers(arguments)
    return functools.partial(start_strongest, wanted=wanted, least=least)


def _allowed_tiers(arguments: argparse.Namespace) -> tuple[str, str]:
    """The isolation tier that is wanted, and the weakest that may serve."""
    from grader.sandbox.tiers import REAL, eligible

    wanted, least = arguments.sandbox, arguments.sandbox_min
    if arguments.official and not eligible(least, REAL):
        least = REAL
    if not eligible(wanted, least):
        floor = "--official" if least != arguments.sandbox_min else f"--sandbox-min {least}"
        raise UsageError(
            f"`--sandbox {wanted}` is weaker than `{floor}` allows", "drop one of them"
        )
    return wanted, least


def _options(arguments: argparse.Namespace) -> Options:
    from grader.grading import Options
    from grader.keys import PUBLIC_KEY, Key, KeyFileError, load_key
    from grader.rubric import HIDDEN_FOLDER

    key_file = arguments.key or os.environ.get(KEY_VARIABLE)
    try:
        key = load_key(Path(key_file) if key_file else None)
    except KeyFileError as error:
        raise UsageError(str(error), "name a file with at least 16 random bytes") from None
    if arguments.official and key == Key(PUBLIC_KEY):
        raise UsageError(
            "`--official` needs a secret key, and the public one is in every student's hands",
            f"name a key file: `--key FILE` or {KEY_VARIABLE}",
        )
    if arguments.official and not HIDDEN_FOLDER.is_dir():
        raise UsageError(
            "`--official` needs the hidden checks, which are not in this copy of the grader",
            "grade officially with the course staff's copy",
        )
    return Options(
        solve=not arguments.no_solve,
        only=frozenset(arguments.only),
        view=getattr(arguments, "view", "staff"),
        key=key,
        hidden=HIDDEN_FOLDER if arguments.official else None,
    )


def _run(
    arguments: argparse.Namespace, submitted: Submitted, options: Options, start_host: StartKept
) -> int:
    from rich.console import Console

    from grader.grading import GraderFault, fault_report, grade
    from grader.report.progress import Progress
    from grader.sandbox.interface import Refused

    try:
        with Progress(Console(stderr=True)) as progress:
            report = grade(submitted, options, progress, start_host)
    except KeyboardInterrupt:
        _write(
            arguments, fault_report(submitted, options, "interrupted", "interrupted by the user")
        )
        raise
    except Refused as refusal:
        raise UsageError(str(refusal), refusal.remedy) from None
    except GraderFault as fault:
        return _faulted(arguments, submitted, options, str(fault))
    except Exception as error:
        return _faulted(arguments, submitted, options, f"{type(error).__name__}: {error}")
    _deliver(arguments, report)
    below = arguments.fail_under is not None and (report.score or 0) < arguments.fail_under
    return BELOW if below else GRADED


def _faulted(
    arguments: argparse.Namespace, submitted: Submitted, options: Options, reason: str
) -> int:
    from grader.grading import fault_report

    _write(arguments, fault_report(submitted, options, "grader_fault", reason))
    return _admit(reason)


def _admit(reason: str) -> int:
    """The grader's own fault, said as such."""
    _complain(
        f"the grader itself failed, which says nothing about the submission: {reason}",
        "run it again; if it happens again, send this message to the course staff",
    )
    return FAULT


def _ungradable(arguments: argparse.Namespace, reason: str, hint: str) -> int:
    from grader.grading import ungradable_report
    from grader.sandbox.intake import readable

    if _wanted(arguments):
        name = readable(Path(arguments.path).name)
        _write(arguments, ungradable_report(name, _options(arguments), reason))
    _complain(reason, hint)
    return USAGE


def _deliver(arguments: argparse.Namespace, report: Report) -> None:
    """Files first: a reader that leaves early must not cost a report."""
    unwritten: UsageError | None = None
    try:
        try:
            _write(arguments, report)
        except UsageError as error:
            unwritten = error
        _show(arguments, report)
    except BrokenPipeError:
        # Whoever read the report has had enough of it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if unwritten is not None:
        raise unwritten


def _show(arguments: argparse.Namespace, report: Report) -> None:
    from rich.console import Console

    from grader.report.terminal import print_report

    to_stderr = "-" in _wanted(arguments).values()
    print_report(report, Console(stderr=to_stderr, highlight=False))


def _write(arguments: argparse.Namespace, report: Report) -> None:
    """The reports that were asked for, each as bytes of its own."""
    around = _surroundings(arguments)
    for name, file in _wanted(arguments).items():
        _deliver_bytes(file, rendered(name, report, around))


def _wanted(arguments: argparse.Namespace) -> dict[str, str]:
    """The reports that were asked for, each with its file."""
    files = {name: getattr(arguments, name) for name in FORMATS}
    return {name: file for name, file in files.items() if file is not None}


def _surroundings(arguments: argparse.Namespace) -> Surroundings:
    """Paths are told from the folder where the command runs: in a job, the repository's root."""
    path = Path(arguments.path)
    inside = not path.is_absolute() and ".." not in path.parts and path.is_dir()
    folder = path.as_posix() if inside and path.parts else ""
    return Surroundings(folder=folder, environ=os.environ)


def _require_reports(arguments: argparse.Namespace) -> None:
    """That all reports asked for can be written is made sure before anything is graded."""
    from grader.report.classroom50 import NotClassroom50

    wanted = _wanted(arguments)
    for file in wanted.values():
        if file != "-":
            _require_writable(Path(file))
    if list(wanted.values()).count("-") > 1:
        raise UsageError("two reports on standard output cannot be told apart", "name a file")
    try:
        require(wanted, _surroundings(arguments))
    except NotClassroom50 as error:
        raise UsageError(
            str(error), "leave `--classroom50` out where Classroom 50 does not run"
        ) from None


def _deliver_bytes(file: str, data: bytes) -> None:
    from grader.release import write_atomic

    if file == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        write_atomic(Path(file).expanduser(), data)
    except OSError as error:
        raise UsageError(
            f"`{file}` cannot be written: {error.strerror}",
            "name a file in a folder that you may write to",
        ) from None


def _require_writable(path: Path) -> None:
    folder = path.expanduser().resolve().parent
    if not folder.is_dir():
        raise UsageError(f"the folder of `{path}` does not exist", f"make it: `mkdir {folder}`")
    if path.is_dir():
        raise UsageError(f"`{path}` is a folder", "name a file for the report")


def _complain(message: str, hint: str | None) -> None:
    from grader.report.safe import excerpt, printable

    # Lines after the first are indented: text of a student's cannot pass for another message.
    told = excerpt(message, 4_000, 60).replace("\n", "\n  ")
    print(f"error: {told}", file=sys.stderr)
    if hint:
        print(f"hint: {printable(hint[:4_000])}", file=sys.stderr)


_COMMANDS = {
    "grade": _grade,
    "watch": _watch,
    "class": _class,
    "study": _train,
    "lab": _train,
    "doctor": _doctor,
    "explain": _explain,
    "rubric": _rubric,
}

"""`python -m grader class`: options to calls, and what came of them to lines."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from grader.classroom.errors import ClassError
from grader.classroom.handins import RULES
from grader.trials.options import count

if TYPE_CHECKING:
    from grader.classroom.compare import Change
    from grader.classroom.executor import Executor
    from grader.classroom.journal import Journal
    from grader.classroom.records import Grading
    from grader.classroom.session import Order
    from grader.keys import Key

DONE, DIFFERENT, FAULT, INTERRUPTED = 0, 1, 3, 130
DEFAULT_OUT = "build/class"
#: Of what is passed over, so much is told.
_NOTES = 10


def add_options(
    parser: argparse.ArgumentParser, add_grading_options: Callable[[argparse.ArgumentParser], None]
) -> None:
    """The commands of `class`; `add_grading_options` adds what single gradings have too."""
    commands = parser.add_subparsers(
        dest="class_command", required=True, parser_class=type(parser), metavar="COMMAND"
    )
    grade = commands.add_parser(
        "grade",
        help="grade all submissions, or go on with it",
        epilog="Exit status: 0 done · 2 wrong usage · 3 the grader or the machine failed, and some "
        "were not graded.",
    )
    grade.add_argument("submissions", metavar="SUBMISSIONS", help="a folder, or a CSV roster")
    _add_out(grade)
    add_grading_options(grade)
    grade.add_argument(
        "--count", choices=RULES, default="newest", help="which of a student's submissions counts"
    )
    grade.add_argument("--jobs", metavar="N", type=count, help="gradings at a time on this machine")
    grade.add_argument("--regrade", metavar="REASON", help="grade all of them anew")
    _add_names(grade)
    grade.add_argument("--scheduler", metavar="ADDRESS", help="grade on a Dask cluster")
    for name, what in (("ca", "authority"), ("cert", "certificate"), ("key", "private key")):
        grade.add_argument(f"--tls-{name}", metavar="FILE", help=f"{what} for `tls://` schedulers")
    status = commands.add_parser("status", help="how far it is")
    _add_out(status)
    status.set_defaults(run=run_status)
    results = commands.add_parser("results", help="write tables, reports and pages anew")
    _add_out(results)
    _add_names(results)
    results.set_defaults(run=run_results)
    reproduce = commands.add_parser(
        "reproduce",
        help="repeat the verdict on a student's submission",
        epilog="Exit status: 0 the same in every check · 1 another verdict · 2 wrong usage.",
    )
    reproduce.add_argument("student", metavar="STUDENT", help="as in `grades.csv`")
    _add_out(reproduce)
    reproduce.set_defaults(run=run_reproduce)
    override = commands.add_parser("override", help="give points for a check by hand")
    override.add_argument("student", metavar="STUDENT", help="as in `grades.csv`")
    override.add_argument("check", metavar="CHECK", help="such as update.terminal")
    override.add_argument("points", metavar="POINTS", help="or `graded`, to take the points back")
    override.add_argument("--reason", required=True, help="the student reads it")
    _add_out(override)
    _add_names(override)
    override.set_defaults(run=run_override)
    gradebook = commands.add_parser("gradebook", help="fill a table that Canvas or Moodle exported")
    gradebook.add_argument(
        "platform", metavar="PLATFORM", choices=("canvas", "moodle"), help="whose table it is"
    )
    gradebook.add_argument("table", metavar="TABLE", help="the exported file")
    gradebook.add_argument("--column", metavar="TITLE", help="the assignment's, for Canvas")
    gradebook.add_argument("--to", metavar="FILE", required=True, help="the filled table")
    _add_out(gradebook)
    gradebook.set_defaults(run=run_gradebook)
    compare = commands.add_parser(
        "compare",
        help="what changed between two gradings",
        epilog="Exit status: 0 no grade went down · 1 one did · 2 wrong usage.",
    )
    for side in ("old", "new"):
        compare.add_argument(side, metavar=side.upper(), help="its folder, or FOLDER@NUMBER")
    compare.set_defaults(run=run_compare)


def _add_out(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", metavar="FOLDER", default=DEFAULT_OUT, help=f"journal, results ({DEFAULT_OUT})"
    )


def _add_names(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-names", action="store_true", help="leave names out of the class page")


def run_grade(
    arguments: argparse.Namespace,
    key: Key,
    solve: bool,
    only: frozenset[str],
    hidden: bool,
    tiers: tuple[str, str],
) -> int:
    """Grade what is missing, then write the results; returns the exit status.

    Raises `ClassError` for wrong usage and `ClassFault` when the machine or the grader fails.
    """
    from grader.classroom.journal import Journal
    from grader.classroom.session import Order, take_in_class
    from grader.classroom.store import only_one

    if arguments.regrade is not None and not arguments.regrade.strip():
        raise ClassError("a regrade needs a reason", "say it: `--regrade 'mended rubric'`")
    out = _out(arguments)
    order = Order(
        source=Path(arguments.submissions).expanduser(),
        rule=arguments.count,
        key=key,
        solve=solve,
        only=only,
        hidden=hidden,
        sandbox=tiers,
        regrade=arguments.regrade,
    )
    if out.resolve().is_relative_to(order.source.resolve()):
        raise ClassError(
            f"`{out}` lies in `{order.source}`, where it would be taken for a submission",
            "name another folder with `--out`",
        )
    with only_one(out), Journal.to_write(out) as journal:
        try:
            taken = take_in_class(journal, order)
            for note in taken.notes[:_NOTES]:
                _say(f"passed over: {note}")
            if len(taken.notes) > _NOTES:
                _say(f"passed over: {len(taken.notes) - _NOTES} more")
            return _grade(arguments, journal, taken.grading, order)
        except KeyboardInterrupt:
            return _interrupted(journal, arguments)


def _grade(arguments: argparse.Namespace, journal: Journal, grading: Grading, order: Order) -> int:
    from rich.console import Console

    from grader.classroom.progress import Progress
    from grader.classroom.results import write_results
    from grader.classroom.session import complete

    names: dict[str, str] = {}
    for standing in journal.standings(grading):
        if standing.turn.submission is not None:
            names.setdefault(standing.turn.submission, standing.turn.student)
    try:
        with Progress(Console(stderr=True, highlight=False), names) as progress:
            make = _executor(arguments, order.sandbox)
            grading = complete(journal, grading, make, progress, progress.watch)
    finally:
        # Whatever ends this, what has been graded can be read.
        write_results(journal, journal.grading(grading.id), not arguments.no_names)
    _conclude(journal, grading)
    return DONE if grading.finished else FAULT


def _executor(
    arguments: argparse.Namespace, sandbox: tuple[str, str]
) -> Callable[[int], AbstractContextManager[Executor]]:
    from grader.classroom.executor import Local, default_slots
    from grader.classroom.station import Setup

    setup = Setup(*sandbox)
    if arguments.scheduler is not None:
        if arguments.jobs is not None:
            raise ClassError(
                "`--jobs` is for this machine, `--scheduler` for others",
                "a cluster's workers have as many jobs as threads; drop one of the two",
            )
        from grader.classroom.cluster import Cluster, Tls

        tls = Tls(arguments.tls_ca, arguments.tls_cert, arguments.tls_key)
        return lambda _submissions: Cluster(arguments.scheduler, setup, tls)
    jobs = arguments.jobs or default_slots()
    return lambda submissions: Local(min(jobs, submissions), setup)


def _interrupted(journal: Journal, arguments: argparse.Namespace) -> int:
    from grader.classroom.marks import mark_of

    done = total = 0
    try:
        for standing in journal.standings(journal.grading()):
            total += 1
            done += mark_of(standing).status in ("graded", "ungradable")
    except LookupError:
        pass
    _say(f"\ninterrupted: {done} of {total} students have a mark in `{arguments.out}`")
    _say("hint: the same command goes on from there")
    return INTERRUPTED


def _conclude(journal: Journal, grading: Grading) -> None:
    from grader.classroom.results import PAGE, STAFF, STUDENTS, TABLE
    from grader.classroom.status import status_lines

    for line in status_lines(journal.out)[1:]:
        _say(line)
    out = journal.out
    print(f"grades   {out / TABLE}\nclass    {out / PAGE}")
    print(f"students {out / STUDENTS}\nstaff    {out / STAFF}")
    if not grading.finished:
        _say("hint: the same command tries again what could not be graded")


def run_status(arguments: argparse.Namespace) -> int:
    """Print how far it is."""
    from grader.classroom.status import status_lines
    from grader.report.safe import printable

    for line in status_lines(_out(arguments)):
        print(printable(line))
    return DONE


def run_results(arguments: argparse.Namespace) -> int:
    """Write everything anew from the journal."""
    from grader.classroom.journal import Journal
    from grader.classroom.results import write_results
    from grader.classroom.store import only_one

    out = _out(arguments)
    with Journal.to_read(out):
        pass  # a folder without a journal is not made one
    with only_one(out), Journal.to_write(out) as journal:
        grading = _last(journal)
        write_results(journal, grading, not arguments.no_names, anew=True)
        _conclude(journal, grading)
    return DONE


def run_reproduce(arguments: argparse.Namespace) -> int:
    """Repeat a verdict; 1 when another one comes of it."""
    from grader.classroom.appeals import reproduce
    from grader.classroom.journal import Journal
    from grader.report.safe import printable

    with Journal.to_read(_out(arguments)) as journal:
        _last(journal)
        repetition = reproduce(journal, arguments.student)
    for change in repetition.changed:
        print(f"not as it was: {printable(change)}")
    for difference in repetition.differences:
        print(f"differs: {printable(difference)}")
    if repetition.differences:
        print(f"{printable(repetition.student)}: {repetition.score} before, {repetition.again} now")
        return DIFFERENT
    print(f"{printable(repetition.student)}: {repetition.score} again, the same in every check")
    return DONE


def run_override(arguments: argparse.Namespace) -> int:
    """Give points, and write the results anew."""
    from grader.classroom.appeals import override
    from grader.classroom.journal import Journal
    from grader.classroom.marks import mark_of
    from grader.classroom.results import write_results
    from grader.classroom.store import only_one
    from grader.report.safe import printable

    points = _points(arguments.points)
    out = _out(arguments)
    with Journal.to_read(out):
        pass
    with only_one(out), Journal.to_write(out) as journal:
        grading = _last(journal)
        standing, made = override(
            journal, arguments.student, arguments.check, points, arguments.reason
        )
        write_results(journal, grading, not arguments.no_names)
    mark = mark_of(standing)
    print(f"{printable(made.student)}: {mark.score} (graded {mark.graded_score})")
    return DONE


def _points(text: str) -> int | None:
    if text == "graded":
        return None
    try:
        return int(text)
    except ValueError:
        raise ClassError(
            f"`{text}` is not a number of points", "give a whole number, or `graded`"
        ) from None


def run_gradebook(arguments: argparse.Namespace) -> int:
    """Fill a platform's table with the scores."""
    from grader.classroom.gradebooks import fill
    from grader.classroom.journal import Journal

    if arguments.platform == "canvas" and not arguments.column:
        raise ClassError(
            "Canvas' table has a column for each assignment", "name this one with `--column`"
        )
    to = Path(arguments.to).expanduser()
    with Journal.to_read(_out(arguments)) as journal:
        filled = fill(
            journal,
            _last(journal),
            arguments.platform,
            Path(arguments.table).expanduser(),
            arguments.column,
            to,
        )
    print(f"{filled.filled} scores written to {to}")
    if filled.empty:
        _say(f"rows without a score, which stay as they are: {filled.empty}")
    for student in filled.unknown:
        _say(f"not in the table: {student}")
    return DONE


def run_compare(arguments: argparse.Namespace) -> int:
    """Print what changed; 1 when a grade went down."""
    from grader.classroom.compare import compare, open_side
    from grader.report.safe import printable

    old = open_side(arguments.old)
    with old[0]:
        new = open_side(arguments.new)
        with new[0]:
            comparison = compare(old, new)
    for change in comparison.changes:
        print("\n".join(printable(line) for line in _change_lines(change)))
    ups = sum(1 for c in comparison.changes if not c.is_loss and c.old != c.new)
    print(
        f"{len(comparison.changes)} changed ({comparison.losses} down, {ups} up), "
        f"{comparison.unchanged} did not"
        + (
            f", {comparison.resubmitted} of them with another submission"
            if comparison.resubmitted
            else ""
        )
    )
    return DIFFERENT if comparison.losses else DONE


def _change_lines(change: Change) -> list[str]:
    whose = change.student if change.student == change.name else f"{change.student} ({change.name})"
    scores = (str(score) if score is not None else "none" for score in (change.old, change.new))
    lines = [f"{whose}: {' -> '.join(scores)}{'  DOWN' if change.is_loss else ''}"]
    lines += [f"    {check}" for check in change.checks]
    lines += [f"    why: {why}" for why in change.why]
    return lines


def _last(journal: Journal) -> Grading:
    try:
        return journal.grading()
    except LookupError:
        raise ClassError(
            f"nothing has been graded in `{journal.out}`", "start with `class grade`"
        ) from None


def _out(arguments: argparse.Namespace) -> Path:
    return Path(arguments.out).expanduser()


def _say(line: str) -> None:
    from grader.report.safe import printable

    print(printable(line, lines=True), file=sys.stderr)

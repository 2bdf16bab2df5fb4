"""The reports that a command line asks for, to files, standard output and the terminal."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from grader.commands.messages import UsageError
from grader.report.formats import FORMATS, Surroundings, rendered, require

if TYPE_CHECKING:
    from grader.report.model import Report


def add_options(parser: argparse.ArgumentParser) -> None:
    """An option per format."""
    for name, told in FORMATS.items():
        parser.add_argument(f"--{name}", metavar="FILE", help=told)


def require_reports(arguments: argparse.Namespace) -> None:
    """That all reports asked for can be written is made sure before anything is graded."""
    from grader.report.classroom50 import NotClassroom50

    files = wanted(arguments)
    for file in files.values():
        if file != "-":
            _require_writable(Path(file))
    if list(files.values()).count("-") > 1:
        raise UsageError("two reports on standard output cannot be told apart", "name a file")
    try:
        require(files, _surroundings(arguments))
    except NotClassroom50 as error:
        raise UsageError(
            str(error), "leave `--classroom50` out where Classroom 50 does not run"
        ) from None


def deliver(arguments: argparse.Namespace, report: Report) -> None:
    """Files first: a reader that leaves early must not cost a report."""
    unwritten: UsageError | None = None
    try:
        try:
            write(arguments, report)
        except UsageError as error:
            unwritten = error
        _show(arguments, report)
    except BrokenPipeError:
        # Whoever read the report has had enough of it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if unwritten is not None:
        raise unwritten


def write(arguments: argparse.Namespace, report: Report) -> None:
    """The reports that were asked for, each as bytes of its own."""
    around = _surroundings(arguments)
    for name, file in wanted(arguments).items():
        deliver_bytes(file, rendered(name, report, around))


def write_so_far(arguments: argparse.Namespace, report: Report) -> None:
    """Reports in files are there early and replaced by better ones: whatever ends this process,
    they say how far it came. What cannot be written now is complained of at the end.
    """
    around = _surroundings(arguments)
    for name, file in wanted(arguments).items():
        path = Path(file).expanduser()
        # A pipe takes one report. The curve is the run's, which comes last.
        if file == "-" or name == "curve" or (path.exists() and not path.is_file()):
            continue
        with contextlib.suppress(UsageError):
            deliver_bytes(file, rendered(name, report, around))


def wanted(arguments: argparse.Namespace) -> dict[str, str]:
    """The reports that were asked for, each with its file."""
    files = {name: getattr(arguments, name) for name in FORMATS}
    return {name: file for name, file in files.items() if file is not None}


def deliver_bytes(file: str, data: bytes) -> None:
    """Bytes to standard output (`-`) or to a file, in one step; `UsageError` when that fails."""
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


def _show(arguments: argparse.Namespace, report: Report) -> None:
    from rich.console import Console

    from grader.report.terminal import print_report

    to_stderr = "-" in wanted(arguments).values()
    print_report(report, Console(stderr=to_stderr, highlight=False))


def _surroundings(arguments: argparse.Namespace) -> Surroundings:
    """Paths are told from the folder where the command runs: in a job, the repository's root."""
    path = Path(arguments.path)
    inside = not path.is_absolute() and ".." not in path.parts and path.is_dir()
    folder = path.as_posix() if inside and path.parts else ""
    return Surroundings(folder=folder, environ=os.environ)


def _require_writable(path: Path) -> None:
    folder = path.expanduser().resolve().parent
    if not folder.is_dir():
        raise UsageError(f"the folder of `{path}` does not exist", f"make it: `mkdir {folder}`")
    if path.is_dir():
        raise UsageError(f"`{path}` is a folder", "name a file for the report")

"""`python -m grader watch`: what was saved is checked, until Ctrl-C."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from grader.commands.messages import GRADED, UsageError
from grader.commands.options import add_sandbox_options, grading_options, isolation

STATUS = "Exit status: 0 ended with Ctrl-C · 2 wrong usage."


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("path", metavar="FOLDER", help="has the three files directly in it")
    add_sandbox_options(parser)
    parser.set_defaults(no_solve=True, only=[], key=None, official=False, view="student")


def run(arguments: argparse.Namespace) -> int:
    """Watch a folder; 0 when it is over."""
    from rich.console import Console

    from grader.report.progress import Progress
    from grader.watching import Watch

    folder = Path(arguments.path).expanduser()
    if not folder.is_dir():
        raise UsageError(f"`{folder}` is not a folder", "name the folder that you work in")
    start_host = isolation(arguments)
    console, aside = Console(highlight=False), Console(stderr=True)
    watch = Watch(folder, grading_options(arguments), start_host, console, lambda: Progress(aside))
    print(f"watching `{folder}`: save a file and it is checked; Ctrl-C ends", file=sys.stderr)
    try:
        watch.run()
    except KeyboardInterrupt:
        print("\nno longer watching", file=sys.stderr)
    return GRADED

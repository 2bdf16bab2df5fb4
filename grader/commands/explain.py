"""`python -m grader explain`: what is known of a misconception."""

from __future__ import annotations

import argparse

from grader.commands.messages import GRADED, UsageError
from grader.commands.reports import deliver_bytes

STATUS = "Exit status: 0 told · 2 no misconception has this code."


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("code", metavar="CODE", nargs="?", help="such as UPDATE_HUBER")


def run(arguments: argparse.Namespace) -> int:
    """Print the page of a misconception, or all codes."""
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
        deliver_bytes("-", page.encode())
    return GRADED

"""`python -m grader rubric check`: what is wrong with an edited rubric, line by line."""

from __future__ import annotations

import argparse
from pathlib import Path

from grader.commands.messages import GRADED, USAGE, UsageError, complain

STATUS = "Exit status: 0 nothing is wrong · 2 there are mistakes, or no rubric."


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("action", choices=("check",), help="say what is wrong, with its line")
    parser.add_argument("file", metavar="FILE", nargs="?", help="default: the kit's own rubric")


def run(arguments: argparse.Namespace) -> int:
    """Look for mistakes; 2 when there are any."""
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
        complain(f"{path}:{mistake.line}: {mistake.told}", mistake.hint)
    if mistakes:
        return USAGE
    if not arguments.file and HIDDEN_FOLDER.is_dir():
        try:
            load_rubric(hidden=HIDDEN_FOLDER)
        except RubricError as error:
            raise UsageError(str(error), f"look into `{HIDDEN_FOLDER}`") from None
    print(f"{path}: nothing is wrong, the points add up to 100")
    return GRADED

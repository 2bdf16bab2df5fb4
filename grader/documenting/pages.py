"""The reference pages, from the code and the data that they are about."""

from __future__ import annotations

import inspect
from pathlib import Path

import msgspec

from grader.cli import build_parser
from grader.documenting.checks import checks_page, docstrings
from grader.documenting.commands import commands_page
from grader.documenting.measured import by_check, failing_checks
from grader.documenting.misconceptions import misconceptions_page
from grader.documenting.schema import report_page
from grader.explanations import load_explanations
from grader.rubric import HIDDEN_FOLDER, load_rubric
from grader.solving import grade_cartpole

ROOT = Path(__file__).resolve().parents[2]
#: Where the pages stand, from the root.
FOLDER = "docs/reference"


def pages(root: Path = ROOT) -> dict[str, str]:
    """The pages' texts by file name.

    Raises:
        Unreadable: docs/validity.md is not as `make validity` writes it.
    """
    rubric = load_rubric(hidden=HIDDEN_FOLDER)
    failing = failing_checks((root / "docs" / "validity.md").read_text(encoding="utf-8"))
    told = docstrings(root / "grader" / "checks", HIDDEN_FOLDER)
    told["cartpole.solved"] = inspect.getdoc(grade_cartpole) or ""
    titles = {part.id: part.title for part in rubric.part}
    schema = msgspec.json.decode((root / "docs" / "report.schema.json").read_bytes())
    return {
        "checks.md": checks_page(rubric, told, by_check(failing)),
        "misconceptions.md": misconceptions_page(load_explanations(), titles, failing),
        "cli.md": commands_page(build_parser(), root),
        "report.md": report_page(schema),
    }

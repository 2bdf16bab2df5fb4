"""The class page: one self-contained HTML file, without scripts."""

from __future__ import annotations

from pathlib import Path

import jinja2
from markupsafe import Markup

from grader.classroom.journal import Grading, Journal
from grader.classroom.statistics import Statistics
from grader.explanations import load_explanations
from grader.report.safe import encodable, printable
from grader.rubric import load_rubric

_TEMPLATES = Path(__file__).with_name("templates")


#: Statuses in words.
_WORDS = {
    "graded": "graded",
    "ungradable": "with nothing gradable",
    "grader_fault": "not graded, by a fault of the grader",
    "pending": "not graded yet",
}


def class_page(
    statistics: Statistics, grading: Grading, journal: Journal, linked: str = "report.txt"
) -> bytes:
    """The page on one grading. Whatever a student could word goes through autoescape.

    linked : the file in a student's folder that names lead to
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    titles = {check.id: check.title for check in load_rubric().check}
    explanations = {code: each.title for code, each in load_explanations().items()}
    text = environment.get_template("class.html.j2").render(
        s=statistics,
        grading=grading,
        reason=journal.regrade_reason(grading.regrade),
        environments=[journal.environment(each) for each in grading.environments],
        linked=linked,
        words=_WORDS,
        titles=titles,
        explanations=explanations,
        parts=[part.id for part in load_rubric().part],
        most=max((count for _low, _high, count in statistics.bins), default=0),
    )
    return text.encode()


def _shown(value: object) -> object:
    """Nothing that steers, however it is worded."""
    if value is None:
        return ""
    if isinstance(value, str) and not isinstance(value, Markup):
        return printable(encodable(value[:2_000]))
    return value

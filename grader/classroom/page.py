"""The class page: one self-contained HTML file, without scripts."""

from __future__ import annotations

from pathlib import Path

from grader.classroom.journal import Journal
from grader.classroom.records import Grading
from grader.classroom.statistics import Statistics
from grader.explanations import load_explanations
from grader.report.templating import environment
from grader.rubric import HIDDEN_FOLDER, load_rubric

_TEMPLATES = Path(__file__).with_name("templates")
#: Statuses in words.
_WORDS = {
    "graded": "graded",
    "ungradable": "with nothing gradable",
    "grader_fault": "not graded, by a fault of the grader",
    "pending": "not graded yet",
}


def class_page(
    statistics: Statistics, grading: Grading, journal: Journal, linked: str = "report.html"
) -> bytes:
    """The page on one grading. Whatever a student could word goes through autoescape.

    linked : the file in a student's folder that names lead to
    """
    rubric = load_rubric(hidden=HIDDEN_FOLDER if grading.terms.hidden else None)
    titles = {check.id: check.title for check in rubric.check}
    explanations = {code: each.title for code, each in load_explanations().items()}
    text = (
        environment(_TEMPLATES)
        .get_template("class.html")
        .render(
            s=statistics,
            grading=grading,
            reason=journal.regrade_reason(grading.regrade),
            environments=[journal.environment(each) for each in grading.environments],
            linked=linked,
            words=_WORDS,
            titles=titles,
            explanations=explanations,
            parts=[part.id for part in rubric.part],
            most=max((count for _low, _high, count in statistics.bins), default=0),
        )
    )
    return text.encode()

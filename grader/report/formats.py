"""Which reports can be written to files, by the name of their option."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grader.report.model import Report

#: Option of the command line without its dashes, and its help.
FORMATS = {
    "json": "also write the report as JSON (- for stdout)",
    "html": "also write the report as a web page",
    "markdown": "also write the report as Markdown",
    "junit": "also write the report as JUnit XML",
    "gradescope": "also write Gradescope's results.json",
    "classroom50": "also write Classroom 50's result.json",
    "prairielearn": "also write PrairieLearn's results.json",
    "annotations": "also write remarks for GitHub Actions (- in a job)",
    "curve": "also draw the CartPole run as SVG",
}


@dataclass(frozen=True)
class Surroundings:
    """What some formats tell beside the report: where the submission lies, and what the service
    says of it in its environment variables."""

    folder: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))


def require(wanted: Iterable[str], around: Surroundings) -> None:
    """Raise `NotClassroom50` where a format that is wanted cannot be written here."""
    if "classroom50" in wanted:
        from grader.report.classroom50 import handed_in

        handed_in(around.environ)


def rendered(wanted: str, report: Report, around: Surroundings) -> bytes:
    """One kind of report; what it is made with is imported only when it is wanted."""
    match wanted:
        case "json":
            from grader.report.json_report import to_json

            return to_json(report)
        case "html":
            from grader.report.html import to_html

            return to_html(report)
        case "markdown":
            from grader.report.markdown import to_markdown

            return to_markdown(report).encode()
        case "junit":
            from grader.report.junit import to_junit

            return to_junit(report)
        case "gradescope":
            from grader.report.gradescope import to_gradescope

            return to_gradescope(report)
        case "classroom50":
            from grader.report.classroom50 import handed_in, to_classroom50

            return to_classroom50(report, handed_in(around.environ), around.now)
        case "prairielearn":
            from grader.report.prairielearn import to_prairielearn

            return to_prairielearn(report)
        case "annotations":
            from grader.report.annotations import to_annotations

            return to_annotations(report, around.folder).encode()
        case "curve":
            from grader.report.curve import curve_svg

            return curve_svg(report.solve)
    raise ValueError(f"no report is called `{wanted}`")

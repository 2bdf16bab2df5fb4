"""The report as commands to a GitHub Actions job: remarks beside the lines of the code."""

from __future__ import annotations

from grader.report.model import LocationEntry, Report
from grader.report.safe import excerpt, printable
from grader.report.words import remark, slots, told_score, troubled, verdict

#: GitHub shows so many of a kind for one step.
MAX_ERRORS = 10
MAX_SLOT, MAX_SLOT_LINES = 1_000, 20


def to_annotations(report: Report, folder: str = "") -> str:
    """A line per check that went wrong, and one with the score.

    `folder` is the submission's, as a path from the repository's root.
    """
    untold = verdict(report)
    if untold is not None:
        told = f"{untold}\n{_shown(report.reason or '')}"
        return _command("error", "No grade" if report.score is None else "Score: 0", told)
    wrong = troubled(report)
    shown = wrong if len(wrong) <= MAX_ERRORS else wrong[: MAX_ERRORS - 1]
    lines = [_command("notice", "Score", told_score(report))]
    for check in shown:
        note = remark(check, report.view)
        said = [*([note] if note else []), *(f"{n}: {_shown(text)}" for n, text in slots(check))]
        told = "\n".join(said) or check.id
        lines.append(_command("error", check.title, told, check.location, folder))
    if left := [check.id for check in wrong[len(shown) :]]:
        lines.append(_command("error", f"{len(left)} more checks failed", ", ".join(left)))
    return "".join(lines)


def _command(
    level: str, title: str, told: str, place: LocationEntry | None = None, folder: str = ""
) -> str:
    properties = {"title": title}
    if place is not None:
        path = f"{folder.rstrip('/')}/{place.file}" if folder else place.file
        properties |= {"file": printable(path[:500]), "line": str(place.line)}
    said = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{level} {said}::{_data(told)}\n"


def _shown(text: str) -> str:
    return excerpt(text, MAX_SLOT, MAX_SLOT_LINES)


def _data(text: str) -> str:
    """A command's text as GitHub reads it."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """A command's property as GitHub reads it."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")

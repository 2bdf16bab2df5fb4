"""The layouts in which platforms hand submissions out: recognised by what lies there."""

from __future__ import annotations

from pathlib import Path

from grader.classroom.errors import ClassError
from grader.classroom.handins import Found
from grader.classroom.layouts import canvas, gradescope, moodle, plain, roster

EXPECTED = (
    "name a folder with a folder or an archive per student, a download of Gradescope, Canvas or "
    "Moodle, unpacked, or a CSV file with the columns `student` and `path`"
)


def find(path: Path) -> Found:
    """Every hand-in at `path`; `ClassError` when there are none or it cannot be told who they are
    of."""
    try:
        found = _find(path)
    except OSError as error:
        raise ClassError(
            f"`{error.filename or path}` cannot be read: {error.strerror}", "check its permissions"
        ) from None
    if not found.hand_ins:
        raise ClassError(f"no submission in `{path}`", EXPECTED)
    return found


def _find(path: Path) -> Found:
    if not path.exists():
        raise ClassError(f"there is nothing at `{path}`", "check the path for a typing error")
    if path.suffix.lower() == ".csv" and path.is_file():
        return roster.find(path)
    if not path.is_dir():
        raise ClassError(f"`{path}` is neither a folder nor a CSV file", _hint_for_file(path))
    export = gradescope.export_in(path)
    if export is not None:
        return gradescope.find(export)
    of_platforms = (moodle.find(path), canvas.find(path))
    return next((found for found in of_platforms if found.hand_ins), None) or plain.find(path)


def _hint_for_file(path: Path) -> str:
    if path.name.lower().endswith(plain.ARCHIVES):
        return "unpack it and name the folder; for one submission, `python -m grader grade`"
    return EXPECTED

"""Gradescope's autograder: the zip that staff uploads, with all that grades and both scripts."""

from pathlib import Path

from grader.release.staff_files import staff_grader
from grader.release.student_kit import read

FOLDER = "grader/release/gradescope"
#: At the archive's root, where Gradescope looks for them.
SCRIPTS = ("run_autograder", "setup.sh")
KEY = "course.key"


def gradescope_autograder(root: Path, key: bytes | None = None) -> dict[str, bytes]:
    """The files of the autograder by path, made from the checkout at ``root``.

    Args:
        root: a checkout of the staff's.
        key: what the secret key's file holds, for official grading; public grading without it.

    Raises:
        KitError: the checkout is not whole.
    """
    files = staff_grader(root)
    files |= {script: read(root / FOLDER / script) for script in SCRIPTS}
    if key is not None:
        files[KEY] = key
    return dict(sorted(files.items()))

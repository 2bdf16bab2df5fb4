"""The autograder of Classroom 50. Anyone can read it: it has what students have anyway."""

from pathlib import Path

from grader.release.student_kit import CUT, cut, grader_files, read

ENTRY = "grader/release/classroom50/autograder.py"
SETUP = "scripts/setup_venv.py"


def classroom50_bundle(root: Path) -> dict[str, bytes]:
    """The files of an assignment's folder in `CLASSROOM/autograders/`, by path.

    Raises:
        KitError: a file of the checkout at ``root`` is missing, or the staff's mark is.
    """
    files = {path: cut(read(root / path), path) for path in CUT}
    files[SETUP] = read(root / SETUP)
    for path in grader_files(root / "grader"):
        files[path.relative_to(root).as_posix()] = read(path)
    files["autograder.py"] = read(root / ENTRY)
    return dict(sorted(files.items()))

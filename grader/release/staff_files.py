"""The grader as it runs on a service that students cannot look into: with the hidden checks."""

from pathlib import Path

from grader.release.student_kit import CUT, KINDS, KitError, cut, grader_files, read

SETUP = "scripts/setup_venv.py"


def staff_grader(root: Path) -> dict[str, bytes]:
    """What grades single submissions, officially too, by path in the checkout at ``root``.

    That is what students have, without the starter and its texts, and `grader/hidden`. There is
    no solution and no key in it, and nothing that installs development tools.

    Raises:
        KitError: a file is missing, the hidden checks are, or the mark where a student's copy ends.
    """
    files = {path: cut(read(root / path), path) for path in CUT}
    files[SETUP] = read(root / SETUP)
    hidden = [path for path in (root / "grader/hidden").glob("*") if path.suffix in KINDS]
    if not hidden:
        raise KitError(
            "there are no hidden checks in `grader/hidden`\n"
            "hint: make a release from the staff's checkout"
        )
    for path in [*grader_files(root / "grader"), *hidden]:
        files[path.relative_to(root).as_posix()] = read(path)
    return dict(sorted(files.items()))

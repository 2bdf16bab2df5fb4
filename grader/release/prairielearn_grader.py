"""What PrairieLearn needs: an image that grades, and a question that sends submissions to it."""

from pathlib import Path

from grader.release.archive import pack
from grader.release.staff_files import staff_grader
from grader.release.student_kit import read, student_kit, without_dead_links

PAGE = "docs/platforms/prairielearn.md"
OURS = "grader/release/prairielearn"
#: PrairieLearn pulls images that anybody can pull, so the hidden checks are not in it. It hands the
#: files of a question's folder `tests` to the grader, and to nobody else.
HIDDEN, IN_QUESTION = "grader/hidden/", "question/tests/hidden/"


def prairielearn_grader(root: Path, secret: bytes | None = None) -> dict[str, bytes]:
    """The image's build folder, the question and a guide, by path, of the checkout at ``root``.

    With the key's ``secret``, the question has it: gradings are then official.

    Raises:
        KitError: a file is missing, or the student's copy or the staff's grader cannot be made.
        StarterError: the solution cannot be turned into a starter.
    """
    files = {}
    for path, data in staff_grader(root).items():
        name = path.removeprefix(HIDDEN)
        files[f"image/{path}" if name == path else f"{IN_QUESTION}{name}"] = data
    for name in ("Dockerfile", "run.py"):
        files[f"image/{name}"] = read(root / OURS / name)
    for name in ("info.json", "question.html"):
        files[f"question/{name}"] = read(root / OURS / name)
    files["question/clientFilesQuestion/student-kit.zip"] = pack(student_kit(root))
    if secret is not None:
        files["question/tests/course.key"] = secret
    files["README.md"] = without_dead_links(read(root / PAGE).decode(), "README.md", files).encode()
    return files

"""A student's copy of the kit: the starter and the grader, and nothing of the staff's."""

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from grader.release.starter import MANIFEST, generate

#: The folder that the archive unpacks to.
FOLDER = "dqn-assignment"
#: Where the files that both copies have end for students.
STAFF_MARK = "# --- For the course staff: a student's copy ends here. ---"
#: Files with such a mark, and files as they are; by their paths in the kit.
CUT = ("pyproject.toml", "constraints.txt")
WHOLE = ("Makefile", "scripts/setup_venv.py", "docs/assignment.md", "docs/students.md")
#: What of the grader a grading needs. A room that is not named here stays with the staff.
ROOMS = (
    "cartpole",
    "checks",
    "commands",
    "confine",
    "oracle",
    "protocol",
    "report",
    "sandbox",
    "worker",
)
#: What in these rooms is about classes, which are graded by the staff alone.
OF_CLASSES = "report/gradebook"
OF_RELEASE = ("__init__.py", "archive.py", "digest.py", "submit.py")
#: Files that only a student's copy has, by where they come from.
OF_STUDENTS = {
    "README.md": "grader/release/student/README.md",
    ".github/workflows/grade.yml": "grader/release/student/github.yml",
    ".gitlab-ci.yml": "grader/release/student/gitlab.yml",
    ".gitignore": "grader/release/student/gitignore",
}
#: Kinds of files that make up a room.
KINDS = (".py", ".toml", ".ini", ".html", ".css", ".typed")
LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]+)\]\((?P<target>[^)#\s]+)(?:#[^)\s]*)?\)")


class KitError(Exception):
    """The kit cannot be made; the text says why and what would help."""


def student_kit(root: Path) -> dict[str, bytes]:
    """The files of a student's copy by path, made from the checkout at ``root``.

    Line ends are ``\\n`` whatever the checkout has, so that equal contents give equal bytes.

    Raises:
        KitError: the starter is not what the solution gives, a file is missing, or the staff's
            mark is.
        StarterError: the solution cannot be turned into a starter.
    """
    files = {path: read(root / path) for path in WHOLE}
    files |= {path: cut(read(root / path), path) for path in CUT}
    files |= {path: read(root / source) for path, source in OF_STUDENTS.items()}
    files |= {f"starter/{name}": data for name, data in generate(root / "solution").items()}
    for path in grader_files(root / "grader"):
        files[path.relative_to(root).as_posix()] = read(path)
    for page in [path for path in files if path.endswith(".md")]:
        files[page] = without_dead_links(files[page].decode(), page, files).encode()
    assert f"starter/{MANIFEST}" not in files
    return {f"{FOLDER}/{path}": data for path, data in sorted(files.items())}


def grader_files(grader: Path) -> Iterator[Path]:
    """What grades one submission with the public checks, in the folder ``grader``."""
    for path in sorted(grader.iterdir()):
        if path.is_file() and path.suffix in KINDS:
            yield path
    for room in ROOMS:
        for path in sorted((grader / room).rglob("*")):
            of_classes = path.is_relative_to(grader / OF_CLASSES)
            if path.is_file() and path.suffix in KINDS and not of_classes:
                yield path
    for name in OF_RELEASE:
        yield grader / "release" / name


def read(path: Path) -> bytes:
    """A file of the checkout with ``\\n`` as line ends; `KitError` when it is not there."""
    try:
        return path.read_bytes().replace(b"\r\n", b"\n")
    except OSError as error:
        raise KitError(
            f"`{path}` cannot be read: {error.strerror}\nhint: make a release from a whole checkout"
        ) from None


def cut(data: bytes, path: str) -> bytes:
    """What stands before the staff's mark; `KitError` when ``path`` has none."""
    before, mark, _after = data.decode().partition(STAFF_MARK)
    if not mark:
        raise KitError(f"`{path}` has no line `{STAFF_MARK}`\nhint: it says where a student's ends")
    return (before.rstrip("\n") + "\n").encode()


def without_dead_links(text: str, path: str, files: Collection[str]) -> str:
    """The page with links to files that are not in the kit turned into their texts."""
    folder = Path(path).parent

    def keep(link: re.Match[str]) -> str:
        target = link["target"]
        elsewhere = "://" in target or (folder / target).as_posix() not in files
        return link["text"] if elsewhere and "://" not in target else link[0]

    return LINK.sub(keep, text)

"""`python -m grader.documenting.pictures`: what people will see, as pictures of real runs.

The runs are real, with their times and dates; all else in the pictures is the same each time.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from grader.documenting.browser import Missing, screenshot
from grader.documenting.submissions import write_class, write_submission
from grader.documenting.terminal import Failed, frames, picture, run
from grader.release import write_atomic

ROOT = Path(__file__).resolve().parents[2]
#: Where the pictures are, from the root.
FOLDER = "docs/pictures"
#: How the pictures are made anew; the tests name it where one is stale.
RENEW = "make pictures"
_PAGE_SIZE = (900, 1720)


def main() -> int:
    """Make all of them; 1 when a command that is to be shown fails."""
    folder = ROOT / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name).resolve()
        _hand_in(work)
        for make in PICTURES:
            try:
                made = make(work)
            except Missing as error:
                print(f"left as they are, the pictures of web pages: {error}", file=sys.stderr)
                continue
            except Failed as error:
                print(f"error: {error}", file=sys.stderr)
                return 1
            for file, data in made.items():
                write_atomic(folder / file, data)
                print(f"{FOLDER}/{file}")
    return 0


def _hand_in(work: Path) -> None:
    solution = ROOT / "solution"
    write_submission("no-terminal-mask", solution, work / "mine")
    write_submission("right", solution, work / "right")
    write_class(solution, work / "handed-in")


def failing(work: Path) -> dict[str, bytes]:
    """The terminal report on an update without its terminal mask."""
    command = ["grade", "--only", "update", "mine"]
    return {"failing.svg": _terminal(run(command, work).out, command, "failing")}


def passing(work: Path) -> dict[str, bytes]:
    """The terminal report on right code, with the CartPole run, and that run's curve."""
    command = ["grade", "--only", "update_target", "--only", "cartpole", "right"]
    shown = run([*command, "--curve", "curve.svg"], work)
    return {
        "passing.svg": _terminal(shown.out, command, "passing"),
        "curve.svg": (work / "curve.svg").read_bytes(),
    }


def a_class(work: Path) -> dict[str, bytes]:
    """A class in the midst of its grading, and how it stands afterwards."""
    grade = ["class", "grade", "handed-in", "--out", "graded", "--no-solve"]
    live = frames(run([*grade, "--jobs", "2"], work).err)
    status = ["class", "status", "--out", "graded"]
    return {
        "class.svg": _terminal(_midst(live), grade, "class"),
        "class-status.svg": _terminal(run(status, work).out, status, "status"),
    }


def _midst(live: list[str]) -> str:
    """Of the frames that tell most, the one in the middle; the last is followed by other text."""
    lines = max(len(frame.splitlines()) for frame in live[:-1])
    telling = [frame for frame in live[:-1] if len(frame.splitlines()) == lines]
    return telling[len(telling) // 2]


def page(work: Path) -> dict[str, bytes]:
    """The upper part of the web page for a student."""
    run(["grade", "--no-solve", "--html", "mine.html", "--json", "mine.json", "mine"], work)
    checks = json.loads((work / "mine.json").read_bytes())["checks"]
    titles = [check["title"] for check in checks if check["status"] == "failed"]
    width, height = _PAGE_SIZE
    shot = screenshot(work / "mine.html", width, height, "\n".join(titles), work)
    return {"page.png": shot}


def _terminal(shown: str, command: list[str], name: str) -> bytes:
    return picture(shown, f"python -m grader {' '.join(command)}", name).encode()


#: Each makes pictures, by file name, in a folder where the submissions are.
PICTURES: tuple[Callable[[Path], dict[str, bytes]], ...] = (failing, passing, a_class, page)

if __name__ == "__main__":
    sys.exit(main())

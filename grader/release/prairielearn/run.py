"""Grade what PrairieLearn laid out in /grade, and leave /grade/results/results.json.

PrairieLearn reads the results of a container that ended by itself, in time and with exit status 0;
after anything else, the student has a zero. So a result that costs nobody a point is there from the
beginning, the time limit is kept here, and the exit status is 0 whatever happened. The standard
library is enough, so that this also holds when the grader itself cannot be imported.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

KIT = Path(__file__).resolve().parent
#: PrairieLearn allows 600 seconds at most.
WITHIN_S = 570.0
STOPPING_S = 10.0
NOT_YOUR_FAULT = (
    "This is not your fault, it says nothing about your code, and it costs you no points and no "
    "attempt. Submit again; if it happens a second time, tell the course staff."
)
FAILED = f"The grader failed or ran out of memory before it had a verdict. {NOT_YOUR_FAULT}"
TOO_LONG = (
    "The grading took longer than {:.0f} seconds and was stopped. It costs you no points and no "
    "attempt. Submit again. If it happens a second time, grade your files on your own machine with "
    "`make grade`: that takes a minute or two. If it does, tell the course staff."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Grade once; always 0, since PrairieLearn has no other way to hear that it was not a zero."""
    parser = argparse.ArgumentParser(description="Grade a submission for PrairieLearn.")
    parser.add_argument("--grade", type=Path, default=Path("/grade"), metavar="FOLDER")
    parser.add_argument("--within", type=float, default=WITHIN_S, metavar="SECONDS")
    parser.add_argument(
        "more", nargs="*", metavar="-- OPTION", help="further options of `python -m grader grade`"
    )
    options = parser.parse_args(arguments)
    results = options.grade / "results" / "results.json"
    results.parent.mkdir(exist_ok=True)
    write(results, FAILED)
    try:
        grade(options.grade, results, options.within, options.more)
    except Exception:
        traceback.print_exc()
    return 0


def grade(folder: Path, results: Path, within: float, more: Sequence[str]) -> None:
    """Let the grader replace the results, or say in them that there was no time for it."""
    # Submissions may run as another user of this container: the key and the hidden checks are not
    # for them.
    folder.chmod(0o700)
    key, hidden = folder / "tests" / "course.key", folder / "tests" / "hidden"
    official = []
    if key.is_file():
        official = ["--official", "--key", str(key)]
        mine = KIT / "grader" / "hidden"
        mine.mkdir(mode=0o700, exist_ok=True)
        shutil.copytree(hidden, mine, dirs_exist_ok=True)
        mine.chmod(0o700)
    command = [sys.executable, "-m", "grader", "grade", str(folder / "student"), *official]
    grader = subprocess.Popen(
        [*command, "--sandbox-min", "uid+seccomp", "--prairielearn", str(results), *more],
        cwd=KIT,
        stdin=subprocess.DEVNULL,
        env=os.environ | {"NO_COLOR": "1", "TERM": "dumb"},
    )
    try:
        print(f"exit status of the grader: {grader.wait(within)}", file=sys.stderr)
    except subprocess.TimeoutExpired:
        stop(grader)
        write(results, TOO_LONG.format(within))


def stop(grader: subprocess.Popen[bytes]) -> None:
    """Let the grader remove its processes; it has some seconds for that."""
    grader.terminate()
    try:
        grader.wait(STOPPING_S)
    except subprocess.TimeoutExpired:
        grader.kill()
        grader.wait()


def write(results: Path, message: str) -> None:
    """Replace the results by a message, without a score."""
    partial = results.with_name("results.json.partial")
    partial.write_text(json.dumps({"gradable": False, "message": message}), encoding="utf-8")
    partial.replace(results)


if __name__ == "__main__":
    sys.exit(main())

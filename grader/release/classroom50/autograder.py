"""What Classroom 50 runs in a student's checkout; the grader lies beside this file.

`result.json` and `release-body.md` are written into the checkout. The exit status is 0 whatever the
score. Where there is none, because the grader failed or could not be set up, it is another one and
there is no `result.json`: Classroom 50 then records an error, and no zero. Why, and that it is not
the student's fault, stands in the log, in the summary of the run and in `release-body.md`.

Classroom 50 chooses the Python that starts this file. It imports nothing but the standard library,
and `scripts/setup_venv.py` looks for a Python that the grader supports.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

BUNDLE = Path(__file__).resolve().parent
RESULT, BODY = "result.json", "release-body.md"
#: Set by Classroom 50's runner. `USERNAME` says the same as `OWNER`.
REQUIRED = ("CLASSROOM", "ASSIGNMENT", "SUBMISSION_TAG", "COMMIT_URL", "RELEASE_URL")
GRADED, UNUSABLE, FAULT = 0, 2, 3
#: In the words of the other reports.
NOT_YOUR_FAULT = (
    "This is not your fault, it says nothing about your code, and it costs you no points."
)


class Fault(Exception):
    """There is no verdict, and not by the student's doing: says why."""


def main(checkout: Path, environ: Mapping[str, str]) -> int:
    """Grade what lies in ``checkout``; 0 graded, 2 not run by Classroom 50, 3 no verdict."""
    if missing := missing_variables(environ):
        names = ", ".join(f"`{name}`" for name in missing)
        say(f"error: {names}: not set, so no result can say whose it is")
        say("hint: Classroom 50's runner sets them; to grade by hand, use `python -m grader grade`")
        return UNUSABLE
    for name in (RESULT, BODY):  # the student may have committed files of these names
        (checkout / name).unlink(missing_ok=True)
    try:
        python = set_up(environ)
        grade(python, checkout)
    except Fault as fault:
        (checkout / RESULT).unlink(missing_ok=True)
        admit(checkout, environ, str(fault))
        return FAULT
    return GRADED


def missing_variables(environ: Mapping[str, str]) -> list[str]:
    """Which of the runner's variables are not there."""
    missing = [name for name in REQUIRED if not environ.get(name)]
    if not (environ.get("OWNER") or environ.get("USERNAME")):
        missing.append("OWNER")
    return missing


def set_up(environ: Mapping[str, str]) -> Path:
    """Prepare the grader's own environment beside it; its Python."""
    script = BUNDLE / "scripts" / "setup_venv.py"
    done = subprocess.run(
        [sys.executable, "-S", "-E", str(script), "runtime"],
        env={**environ, "TORCH": "cpu"},
    )
    if done.returncode != 0:
        raise Fault("The grader could not be set up; the log says why.")
    return BUNDLE / ".venv" / "bin" / "python"


def grade(python: Path, checkout: Path) -> None:
    """Write both files; `Fault` when that is not a verdict on the submission."""
    reports = ("--classroom50", checkout / RESULT, "--markdown", checkout / BODY)
    # From the bundle's folder: `-m grader` would find a `grader` in the checkout first.
    done = subprocess.run(
        [python, "-E", "-s", "-m", "grader", "grade", checkout, *reports], cwd=BUNDLE
    )
    # Status 2 with a result: nothing there could be graded, which is a score of 0.
    told = (checkout / RESULT).is_file()
    if not (told and done.returncode in (GRADED, UNUSABLE)):
        raise Fault(f"The grader ended with exit status {done.returncode}; the log says why.")


def admit(checkout: Path, environ: Mapping[str, str], reason: str) -> None:
    """Say wherever the student looks that there is no score, and whose fault that is not."""
    body = checkout / BODY
    if not body.is_file():  # else the grader itself had time to say it
        body.write_text(
            f"# DQN assignment: no score\n\n> **{NOT_YOUR_FAULT}**\n\n{reason}\n", "utf-8"
        )
    if summary := environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8") as page:
            page.write(body.read_text("utf-8"))
    print(f"::error title=No grade::{reason} {NOT_YOUR_FAULT}", flush=True)


def say(line: str) -> None:
    """A line to whoever reads the log."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(Path.cwd(), os.environ))

"""Which of the commands are run in the tests, in what place of words, and why others are not."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

#: What commands begin with that the tests do not run, and why. Their options are looked at all the
#: same where the kit has a parser for them.
NOT_RUN = {
    "make train": "trains for a minute; tests/solution trains with the same file",
    "make watch": "waits for files to change; tests/watching",
    "make test": "this is it",
    "make lint": "`make test` runs it",
    "make setup": "installs packages; tests/setup",
    "make setup-dev": "installs packages; tests/setup",
    "make pictures": "takes a minute; tests/documenting",
    "make release": "tests/release makes each archive",
    "make validity": "a suite of its own, a quarter of an hour",
    "make hostile": "a suite of its own",
    "make fuzz": "a suite of its own",
    "make mutants": "a suite of its own",
    "make bench": "a measurement, minutes",
    "python -m grader study": "trains for hours; tests/study",
    "python -m grader lab": "trains for an hour; tests/lab",
    "python -m grader doctor": "tries every act in every tier; tests/sandbox",
    "python -m grader watch": "waits for files to change; tests/watching",
    "python starter/train.py": "trains for a minute; tests/solution trains with the same file",
    "python -m tests.bench": "a measurement, minutes",
    "python -m pytest": "pytest within pytest; tests/checks",
    "python tests/checks/record_traces.py": "writes files that the tests rest on",
    "python -m pip": "installs packages",
    "python -m venv": "installs packages",
    "python -3.12 -m venv": "installs packages",
    "pip": "installs packages",
    "sudo": "changes the system",
    "apt": "changes the system",
    "apt-get": "changes the system",
    "brew": "changes the system",
    "winget": "changes the system",
    "dask": "needs several machines; tests/classroom starts a scheduler and workers",
    "gh": "needs an account at GitHub",
    "unzip": "the archive is made by tests/release",
    "docker": "needs Docker",
    "podman": "needs Podman",
    "kubectl": "needs a cluster",
    "cd": "the shell's own",
    "source": "the shell's own",
    "export": "the shell's own",
}
#: Options with which a command needs what the tests do not have.
NEEDS = {
    "--scheduler": "needs a Dask cluster; tests/classroom starts one",
    "--classroom50": "needs what Classroom 50 says in the environment; tests/report",
}
#: What stands in commands for something of the reader's, and what the tests have for it; folders
#: and files are made by `tests/docs/test_commands.py`.
WORDS = {
    "PATH": "starter",
    "FOLDER": "starter",
    "SUBMISSION": "starter",
    "SUBMISSIONS": "handed-in",
    "OUT": "out",
    "OLD": "out",
    "NEW": "out",
    "STUDENT": "ada",
    "CHECK": "sample.shapes",
    "POINTS": "3",
    "CODE": "UPDATE_HUBER",
    "PART": "sample",
    "TIER": "plain",
    "REASON": "a reason",
    "ADDRESS": "tcp://127.0.0.1:8786",
    "KEY": "course.key",
    "course.key": "course.key",
    "EXPORT.csv": "EXPORT.csv",
    "WORKSHEET.csv": "WORKSHEET.csv",
    "FILE": "file",
    "N": "5",
    "…": "a reason",
}
_WORD = re.compile("|".join(rf"(?<![\w.-]){re.escape(w)}(?![\w.=-])" for w in WORDS))


def filled(command: str) -> list[str]:
    """A command's words, with what the tests have in the place of what the reader has.

    Raises:
        ValueError: it is no command: a quote is open.
    """
    return [_WORD.sub(lambda m: WORDS[m[0]], word) for word in shlex.split(command)]


def why_not(command: str, reasons: Mapping[str, str] = NOT_RUN) -> str | None:
    """Why the tests do not run it, or None."""
    words = command.split()
    for beginning, why in reasons.items():
        first = beginning.split()
        if words[: len(first)] == first:
            return why
    return next((why for option, why in NEEDS.items() if option in words), None)


def arguments_of_make(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The targets of a `make` command, and the words of its ARGS."""
    targets = [word for word in words[1:] if "=" not in word and not word.startswith("-")]
    extra = [word.removeprefix("ARGS=") for word in words if word.startswith("ARGS=")]
    return targets, [argument for text in extra for argument in shlex.split(text)]

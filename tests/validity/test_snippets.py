"""What a student can paste into a prompt shows the fault, and says what correct code prints."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.validity.corpus import Case, build

#: Cases whose failures come with lines to paste, one for each kind of snippet.
CASES = (
    "net-output-relu-module",
    "net-one-hidden-sequential",
    "net-dropout-call",
    "net-batch-centred",
    "net-squeeze-all",
    "sample-swapped-reward-done",
    "sample-columns-all",
    "update-no-mask-plain",
    "update-huber-module",
    "update-no-zero-grad",
    "update-no-guard",
    "update-returns-none",
    "sync-pass",
    "sync-same-object",
    "sync-first-only",
)
PROMPT = Path(__file__).with_name("prompt.py")


def placed(case, folder):
    folder.mkdir()
    for name, content in build(case).items():
        (folder / name).write_bytes(content)
    return str(folder)


@pytest.fixture(scope="session")
def failures(graded):
    """(case, check, lines) of every failed check that has some."""
    return [(v.case, c.id, c.reproduce) for v in graded(CASES) for c in v.checks if c.reproduce]


@pytest.fixture(scope="session")
def printed(failures, tmp_path_factory):
    """For each failure, what a prompt prints beside the wrong files and beside the base's."""
    root = tmp_path_factory.mktemp("prompts")
    sessions = []
    for n, (case, _check, lines) in enumerate(failures):
        base = Case(id=case.base, base=case.base, why="")
        sessions += [
            (placed(case, root / f"{n} wrong"), lines),
            (placed(base, root / f"{n} right"), lines),
        ]
    run = subprocess.run(
        [sys.executable, str(PROMPT)],
        input=json.dumps(sessions),
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    answers = json.loads(run.stdout)
    return list(zip(answers[::2], answers[1::2], strict=True))


def test_there_are_lines_for_every_case(failures):
    assert {case.id for case, _check, _lines in failures} == set(CASES)


def test_lines_run_on_correct_code_and_print_something(failures, printed):
    told = [
        (case.id, check, lines, right)
        for (case, check, lines), (_wrong, right) in zip(failures, printed, strict=True)
        if right["complaints"] or not right["printed"]
    ]
    assert told == []


def test_lines_show_the_fault(failures, printed):
    told = [
        (case.id, check, lines, wrong)
        for (case, check, lines), (wrong, right) in zip(failures, printed, strict=True)
        if wrong == right
    ]
    assert told == []


def test_lines_say_what_correct_code_prints(failures, printed):
    told = []
    for (case, check, lines), (_wrong, right) in zip(failures, printed, strict=True):
        out = right["printed"].splitlines()
        due = [x.removeprefix("# expected: ") for x in lines.split("\n") if "# expected: " in x]
        told += [
            (case.id, check, line, shown)
            for line, shown in zip(due, out, strict=False)
            if not agrees(line, shown)
        ]
    assert told == []


def agrees(due, shown):
    """Numbers are what was said, to the digits shown; words are for the reader."""
    try:
        numbers = ast.literal_eval(due)
    except (SyntaxError, ValueError):
        return True
    return close(ast.literal_eval(shown), numbers)


def close(got, due):
    if isinstance(due, list | tuple):
        return len(got) == len(due) and all(map(close, got, due))
    return got == due or abs(got - due) <= 1e-4 * (abs(due) + 1e-3)

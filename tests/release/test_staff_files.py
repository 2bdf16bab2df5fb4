"""What grades on a service: all that an official grading needs, and no answers."""

import re
from pathlib import Path

import pytest

from grader.release.staff_files import staff_grader
from grader.release.starter import CLOSING, OPENING, TODO_LINE
from grader.release.student_kit import KitError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def files():
    return staff_grader(ROOT)


def test_it_has_the_hidden_checks_and_what_installs_it(files):
    hidden = {f"grader/hidden/{p.name}" for p in (ROOT / "grader/hidden").iterdir() if p.is_file()}
    assert hidden <= set(files)
    assert {"pyproject.toml", "constraints.txt", "scripts/setup_venv.py"} <= set(files)
    assert "mutmut" not in files["constraints.txt"].decode()


def test_no_solution_and_no_tests_are_in_it(files):
    assert {path.split("/")[0] for path in files if "/" in path} == {"grader", "scripts"}
    starter = "".join(path.read_text("utf-8") for path in (ROOT / "starter").glob("*.py"))
    told = [re.sub(r"\s+", " ", data.decode()) for data in files.values()]
    for path in (ROOT / "solution").glob("*.py"):
        inside = False
        for line in path.read_text("utf-8").splitlines():
            if OPENING.fullmatch(line) or CLOSING.fullmatch(line):
                inside = OPENING.fullmatch(line) is not None
            elif inside and not TODO_LINE.fullmatch(line) and len(line.strip()) > 18:
                answer = re.sub(r"\s+", " ", line.strip())
                assert answer in starter or not any(answer in text for text in told), answer


def test_without_hidden_checks_there_is_no_staffs_grader(tmp_path):
    for path in ("pyproject.toml", "constraints.txt", "scripts/setup_venv.py"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes((ROOT / path).read_bytes())
    with pytest.raises(KitError, match="no hidden checks in `grader/hidden`"):
        staff_grader(tmp_path)

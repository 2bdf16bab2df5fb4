"""The student's copy: it grades, and there is nothing of the staff's in it."""

import ast
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from grader.release import __main__ as release
from grader.release import student_kit as kit
from grader.release.archive import pack
from grader.release.starter import CLOSING, OPENING, TODO_LINE

ROOT = Path(__file__).resolve().parents[2]
STAFF = ("solution", "tests", "grader/hidden", "grader/classroom", "grader/report/gradebook", ".ci")
STAFF += ("grader/study", "grader/lab", "grader/trials", "grader/documenting")


@pytest.fixture(scope="module")
def files():
    return kit.student_kit(ROOT)


@pytest.fixture(scope="module")
def unpacked(files, tmp_path_factory):
    folder = tmp_path_factory.mktemp("a student's computer")
    with zipfile.ZipFile(io.BytesIO(pack(files))) as archive:
        archive.extractall(folder)
    return folder / kit.FOLDER


def answers():
    """Lines of the solution that students write, but the shortest, such as `super().__init__()`."""
    for path in (ROOT / "solution").glob("*.py"):
        inside = False
        for line in path.read_text("utf-8").splitlines():
            if OPENING.fullmatch(line) or CLOSING.fullmatch(line):
                inside = OPENING.fullmatch(line) is not None
            elif inside and not TODO_LINE.fullmatch(line) and len(line.strip()) > 18:
                yield line.strip()


def run(unpacked, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "grader", *arguments],
        cwd=unpacked,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )


def test_it_grades_an_unwritten_starter(unpacked, tmp_path):
    out = tmp_path / "report.json"
    done = run(unpacked, "grade", "starter", "--json", str(out))
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_bytes())
    assert report["status"] == "graded"
    assert "is not written yet" in done.stdout


def test_it_grades_right_code(unpacked):
    done = run(unpacked, "grade", "--no-solve", "--fail-under", "85", str(ROOT / "solution"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_grades_with_its_own_files(unpacked):
    told = subprocess.run(
        [sys.executable, "-c", "import grader; print(grader.__file__)"],
        cwd=unpacked,
        capture_output=True,
        encoding="utf-8",
    )
    assert Path(told.stdout.strip()) == unpacked / "grader" / "__init__.py"


def test_every_module_finds_what_it_imports(unpacked):
    """Also the imports inside functions."""
    known = {path.relative_to(unpacked).with_suffix("") for path in unpacked.rglob("*.py")}
    known |= {path.parent for path in known if path.name == "__init__"}
    wanted = {
        node.module
        for path in (unpacked / "grader").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("grader.")
    }
    # Reached by the commands of rooms that are not there.
    wanted -= {"grader.classroom.command", "grader.classroom.errors", "grader.trials.errors"}
    assert {name for name in wanted if Path(*name.split(".")) not in known} == set()


def test_commands_of_the_staff_are_not_there(unpacked):
    shown = run(unpacked, "--help").stdout
    assert "grade" in shown
    assert "doctor" in shown
    assert "study" not in shown
    assert "lab" not in shown
    refused = run(unpacked, "study")
    assert refused.returncode == 2
    assert "invalid choice: 'study'" in refused.stderr


def test_nothing_of_the_staff_is_in_it(files):
    paths = [path.removeprefix(f"{kit.FOLDER}/") for path in files]
    assert [path for path in paths if path.startswith(STAFF)] == []
    assert "staff.mk" not in paths
    for name in ("pyproject.toml", "constraints.txt"):
        text = files[f"{kit.FOLDER}/{name}"].decode()
        assert "torch" in text
        assert "mutmut" not in text
        assert "importlinter" not in text


def test_no_answer_is_in_it(files):
    starter = [data.decode() for path, data in files.items() if "/starter/" in path]
    given = {line.strip() for text in starter for line in text.splitlines()}
    lines = sorted(set(answers()) - given)
    assert len(lines) > 15
    everything = "\n".join(
        re.sub(r"\s+", " ", data.decode())
        for path, data in files.items()
        if path.endswith((".py", ".md"))
    )
    assert [line for line in lines if re.sub(r"\s+", " ", line) in everything] == []


def test_the_starter_is_the_generated_one(files):
    for name in ("q_network.py", "replay_buffer.py", "dqn_agent.py", "train.py"):
        mine = (ROOT / "starter" / name).read_bytes().replace(b"\r\n", b"\n")
        assert files[f"{kit.FOLDER}/starter/{name}"] == mine


def test_links_lead_to_files_of_the_kit(files):
    pages = {path: data.decode() for path, data in files.items() if path.endswith(".md")}
    assert {Path(path).name for path in pages} == {"README.md", "assignment.md", "students.md"}
    for path, text in pages.items():
        for link in kit.LINK.finditer(text):
            if "://" not in link["target"]:
                assert (Path(path).parent / link["target"]).as_posix() in files, link[0]
    assert "experiments.md" in (ROOT / "docs/assignment.md").read_text("utf-8")
    assert "[experiments.md](" not in pages[f"{kit.FOLDER}/docs/assignment.md"]


def test_make_in_a_students_copy(unpacked):
    # The tests themselves may have been started by make.
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}

    def make(*arguments):
        return subprocess.run(
            ["make", *arguments], cwd=unpacked, env=env, capture_output=True, encoding="utf-8"
        ).stdout

    targets = re.findall(r"^  make (\S+) ", make("help"), re.M)
    assert targets == ["help", "grade", "check", "watch", "train", "submit", "clean"]
    assert make("-n", "test").splitlines()[-1] == (
        ".venv/bin/python -m grader grade --no-solve 'starter' "
    )


def test_made_twice_it_is_the_same(tmp_path, capsys):
    digests = []
    for name in ("one", "two"):
        assert release.main(["--out", str(tmp_path / name)]) == 0
        data = (tmp_path / name / "student-kit.zip").read_bytes()
        digests.append(hashlib.sha256(data).hexdigest())
    assert digests[0] == digests[1]
    assert capsys.readouterr().out.count(digests[0]) == 2


def test_a_checkout_without_the_mark_is_refused(tmp_path):
    for path in (*kit.WHOLE, *kit.CUT):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("all of it\n", "utf-8")
    with pytest.raises(kit.KitError, match=r"`pyproject\.toml` has no line `# --- For the course"):
        kit.student_kit(tmp_path)


def test_an_incomplete_checkout_is_refused(tmp_path):
    with pytest.raises(kit.KitError, match="make a release from a whole checkout"):
        kit.student_kit(tmp_path)


def test_a_folder_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / "dist").write_text("a file", "utf-8")
    assert release.main(["--out", str(tmp_path / "dist")]) == 2
    error, hint = capsys.readouterr().err.splitlines()
    assert error.startswith(f"error: `{tmp_path / 'dist'}` cannot be written")
    assert hint.startswith("hint: name a folder")

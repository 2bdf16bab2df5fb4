"""Classroom 50's autograder: in a student's checkout, as its runner starts it."""

import ast
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from datetime import datetime
from pathlib import Path

import jsonschema
import pytest

from grader.release import __main__ as release
from grader.release import student_kit as kit
from grader.release.archive import pack
from grader.release.classroom50 import autograder
from grader.release.classroom50_bundle import classroom50_bundle
from grader.report import classroom50
from grader.report.words import NOT_YOUR_FAULT
from tests.release.ready import make_ready
from tests.release.test_student_kit import STAFF, answers

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads(
    (ROOT / "tests/report/classroom50-result-v1.schema.json").read_text(encoding="utf-8")
)
FILES = ("q_network.py", "replay_buffer.py", "dqn_agent.py")
COMMIT = "https://github.com/course/dqn-ada/commit/c0ffee"
RUNNER = {
    "CLASSROOM": "rl-2026",
    "ASSIGNMENT": "dqn",
    "ASSIGNMENT_TYPE": "individual",
    "MODE": "individual",
    "SUBMISSION_TAG": "submit/2026-11-23T10-20-30Z-c0ffee0",
    "USERNAME": "ada",
    "OWNER": "ada",
    "COMMIT_URL": COMMIT,
    "RELEASE_URL": "https://github.com/course/dqn-ada/releases/tag/submit%2F2026",
    "REVIEW_URL": "https://github.com/course/dqn-ada/compare/a...b",
}
posix = pytest.mark.skipif(os.name == "nt", reason="the set-up of the kit needs a POSIX system")


@pytest.fixture(scope="module")
def files():
    return classroom50_bundle(ROOT)


@pytest.fixture(scope="module")
def bundle(files, tmp_path_factory):
    """The unpacked archive, as the runner has it."""
    folder = tmp_path_factory.mktemp("classroom50-runtime") / "dqn"
    with zipfile.ZipFile(io.BytesIO(pack(files))) as archive:
        archive.extractall(folder)
    make_ready(folder)
    return folder


@pytest.fixture
def checkout(tmp_path):
    """A student's repository: made from the student kit, and with files of its own."""
    folder = tmp_path / "rl-2026-dqn-ada"
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "HEAD").write_text("ref: refs/heads/main\n", "utf-8")
    (folder / "grader").mkdir()
    (folder / "grader" / "__init__.py").write_text("raise SystemExit('not this one')\n", "utf-8")
    (folder / "result.json").write_text('{"score": 100}', "utf-8")
    return folder


@pytest.fixture
def submit(bundle, checkout, tmp_path):
    """Start the autograder there; what it wrote to the log, and its exit status."""

    def run(entry=bundle / "autograder.py", **more):
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "DQN_"))}
        keep |= RUNNER | {
            "CLASSROOM50_BUNDLE_DIR": str(entry.parent),
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        }
        return subprocess.run(
            [sys.executable, str(entry)],
            cwd=checkout,
            env={k: v for k, v in (keep | more).items() if v is not None},
            capture_output=True,
            encoding="utf-8",
            timeout=300,
        )

    return run


def result(checkout):
    document = json.loads((checkout / "result.json").read_bytes())
    jsonschema.validate(document, SCHEMA)
    return document


def hand_in(checkout, source, folder="starter"):
    (checkout / folder).mkdir(exist_ok=True)
    for name in FILES:
        shutil.copy(ROOT / source / name, checkout / folder / name)


@posix
def test_right_code_has_all_points(checkout, submit):
    hand_in(checkout, "solution")
    done = submit()
    assert done.returncode == 0, done.stderr
    document = result(checkout)
    assert (document["score"], document["max-score"]) == (100, 100)
    assert all(test["passed"] for test in document["tests"])
    assert (document["owner"], document["review"]) == ("ada", RUNNER["REVIEW_URL"])
    assert document["datetime"] == "2026-11-23T10:20:30Z"
    datetime.fromisoformat(document["graded_at"])
    assert "# DQN assignment: 100/100" in (checkout / "release-body.md").read_text("utf-8")


@posix
def test_broken_code_has_the_points_of_what_works(checkout, submit):
    hand_in(checkout, "solution", "src")
    (checkout / "src" / "dqn_agent.py").write_text("def broken(:\n", "utf-8")
    done = submit(REVIEW_URL=None)
    assert done.returncode == 0, done.stderr
    document = result(checkout)
    assert (document["score"], document["max-score"]) == (40, 100)
    assert document["review"] == COMMIT
    assert any("SyntaxError" in test.get("output", "") for test in document["tests"])
    body = (checkout / "release-body.md").read_text("utf-8")
    assert "# DQN assignment: 40/100" in body
    assert "SyntaxError" in body


@posix
def test_a_checkout_without_the_files_has_no_points_and_is_told_why(checkout, submit):
    done = submit()
    assert done.returncode == 0, done.stderr
    document = result(checkout)
    assert (document["score"], document["max-score"]) == (0, 100)
    assert "none of" in document["tests"][0]["output"]
    assert "Nothing could be graded" in (checkout / "release-body.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("unset", "named"),
    [
        (["CLASSROOM", "RELEASE_URL"], "`CLASSROOM`, `RELEASE_URL`"),
        (["OWNER", "USERNAME"], "`OWNER`"),
    ],
)
def test_missing_variables_are_named(checkout, submit, unset, named):
    done = submit(**dict.fromkeys(unset))
    assert done.returncode == 2
    error, hint = done.stderr.splitlines()
    assert error == f"error: {named}: not set, so no result can say whose it is"
    assert hint.startswith("hint: Classroom 50's runner sets them")
    assert not (checkout / "release-body.md").exists()


def test_it_asks_for_what_the_report_needs():
    assert autograder.REQUIRED == classroom50.REQUIRED
    assert autograder.NOT_YOUR_FAULT == NOT_YOUR_FAULT


def no_fault_of_the_students(done, checkout, summary):
    """Nothing says zero, and wherever a student looks it says whose fault it is not."""
    assert done.returncode == 3
    assert not (checkout / "result.json").exists()
    body = (checkout / "release-body.md").read_text("utf-8")
    assert "# DQN assignment: no score" in body
    assert NOT_YOUR_FAULT in body
    assert summary.read_text("utf-8") == body
    assert NOT_YOUR_FAULT in done.stdout
    assert done.stdout.startswith("::error title=No grade::")


@posix
def test_a_set_up_that_fails_is_nobodys_zero(bundle, checkout, submit, tmp_path):
    hand_in(checkout, "solution")
    copy = tmp_path / "bundle"
    copy.mkdir()
    (copy / "scripts").mkdir()
    shutil.copy(bundle / "autograder.py", copy)
    (copy / "scripts" / "setup_venv.py").write_text("raise SystemExit('no network')", "utf-8")
    done = submit(copy / "autograder.py")
    no_fault_of_the_students(done, checkout, tmp_path / "summary.md")
    assert "The grader could not be set up" in done.stdout
    assert "no network" in done.stderr


@posix
def test_a_grader_that_fails_is_nobodys_zero(bundle, checkout, submit, tmp_path):
    hand_in(checkout, "starter")
    copy = tmp_path / "bundle"
    shutil.copytree(bundle, copy, ignore=shutil.ignore_patterns(".venv"))
    (copy / "grader" / "grading.py").write_text(
        (copy / "grader" / "grading.py").read_text("utf-8")
        + "\n\ndef grade(*_, **__):\n    raise GraderFault('the channel is gone')\n",
        "utf-8",
    )
    make_ready(copy)
    done = submit(copy / "autograder.py")
    no_fault_of_the_students(done, checkout, tmp_path / "summary.md")
    assert "The grader ended with exit status 3" in done.stdout
    assert "the channel is gone" in (checkout / "release-body.md").read_text("utf-8")


@posix
def test_a_grader_that_is_killed_is_nobodys_zero(bundle, checkout, submit, tmp_path):
    hand_in(checkout, "starter")
    copy = tmp_path / "bundle"
    shutil.copytree(bundle, copy, ignore=shutil.ignore_patterns(".venv", "grader"))
    make_ready(copy)
    python = copy / ".venv" / "bin" / "python"
    python.write_text("#!/bin/sh\nkill -9 $$\n", "utf-8")
    done = submit(copy / "autograder.py")
    no_fault_of_the_students(done, checkout, tmp_path / "summary.md")
    assert "The grader ended with exit status -9" in done.stdout


def test_it_starts_on_every_python_that_a_runner_has(files):
    """Nothing but the standard library, and no syntax newer than the oldest supported Python's."""
    tree = ast.parse(files["autograder.py"], feature_version=(3, 11))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
        )
    }
    assert imported <= sys.stdlib_module_names


def test_what_is_in_it_is_what_students_have(files):
    students = {
        path.removeprefix(f"{kit.FOLDER}/"): data for path, data in kit.student_kit(ROOT).items()
    }
    more = {path for path, data in files.items() if students.get(path) != data}
    assert more == {"autograder.py"}
    assert [path for path in files if path.startswith((*STAFF, "starter"))] == []
    for name in FILES:
        assert name not in {Path(path).name for path in files}


def test_no_answer_is_in_it(files):
    everything = re.sub(r"\s+", " ", "\n".join(data.decode() for data in files.values()))
    starter = "\n".join((ROOT / "starter" / name).read_text("utf-8") for name in FILES)
    lines = sorted({line for line in answers() if line not in starter})
    assert len(lines) > 15
    assert [line for line in lines if re.sub(r"\s+", " ", line) in everything] == []


def test_the_runner_downloads_all_of_it(files):
    """It refuses bundles of more than 10 MB, packed."""
    assert len(pack(files)) < 10 * 1024**2


def test_made_twice_it_is_the_same(tmp_path, capsys):
    digests = set()
    for name in ("one", "two"):
        assert release.main(["--out", str(tmp_path / name)]) == 0
        data = (tmp_path / name / "classroom50-autograder.zip").read_bytes()
        digests.add(hashlib.sha256(data).hexdigest())
    assert len(digests) == 1
    assert capsys.readouterr().out.count(digests.pop()) == 2

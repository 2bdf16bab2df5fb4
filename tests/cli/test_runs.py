"""Runs that end with a grade: options, reports, and nothing left behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from grader.keys import Key

#: The cheapest grading there is.
QUICK = ("--only", "update_target", "--no-solve")


needs_shell = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's file names, /proc")


def parts_of(report):
    return {part["id"]: part["score"] for part in report["parts"] if part["attempted"]}


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def listing(folder):
    """Every path below a folder, with its contents."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


# --- what is graded ------------------------------------------------------------------------------


def test_only_may_be_repeated(grader, mine, cwd):
    done = grader(mine, "--only", "sample", "--only", "update_target", "--json", "out.json")
    report = read(cwd / "out.json")
    assert done.returncode == 0
    assert parts_of(report) == {"sample": 20, "update_target": 10}
    assert (report["score"], report["attempted_max"]) == (30, 30)
    assert "Score: 30/30 of the points attempted" in done.stdout
    other = {c["status"] for c in report["checks"] if c["part"] not in parts_of(report)}
    assert other == {"not_attempted"}
    assert "QNetwork" not in done.stdout


def test_the_curve_is_drawn_beside_the_other_reports(grader, root, cwd):
    options = ("--only", "cartpole", "--json", "out.json", "--curve", "-")
    done = grader(root / "starter", *options)
    assert done.returncode == 0
    assert done.stdout.startswith("<?xml")
    assert "The agent was not trained" in done.stdout
    assert "Score: 0/15" in done.stderr
    assert read(cwd / "out.json")["solve"]["attempts"] == []


def test_only_cartpole_shows_nothing_else(grader, root, cwd):
    done = grader(root / "starter", "--only", "cartpole", "--view", "staff", "--json", "out.json")
    report = read(cwd / "out.json")
    assert done.returncode == 0
    assert parts_of(report) == {"cartpole": 0}
    assert (report["score"], report["attempted_max"], report["view"]) == (0, 15, "staff")
    assert report["solve"]["status"] == "blocked"
    assert "Score: 0/15 of the points attempted" in done.stdout
    assert "ReplayBuffer" not in done.stdout


def test_fail_under_counts_the_points_attempted(grader, mine, cwd):
    (cwd / "my.key").write_bytes(b"a secret of the staff's\n")
    # The option comes before the variable, which names no file.
    options = ("--no-solve", "--fail-under", "85", "--key", "my.key", "--json", "out.json")
    done = grader(mine, *options, env={"DQN_GRADER_KEY_FILE": "no.key"})
    assert done.returncode == 0
    assert "Score: 85/85 of the points attempted" in done.stdout
    report = read(cwd / "out.json")
    assert report["attempted_max"] == 85
    assert report["grader"]["key_id"] == Key(b"a secret of the staff's").id


def test_fail_under_tells_in_the_exit_status(grader, root, cwd):
    options = ("--only", "update_target", "--fail-under", "1", "--json", "out.json")
    done = grader(root / "starter", *options)
    assert done.returncode == 1
    assert read(cwd / "out.json")["status"] == "graded"
    assert "Score: 0/10" in done.stdout


# --- reports -------------------------------------------------------------------------------------


def test_json_on_standard_output_stands_alone(grader, mine, cwd):
    (cwd / "my.key").write_bytes(b"a secret of the staff's\n")
    done = grader(mine, *QUICK, "--json", "-", env={"DQN_GRADER_KEY_FILE": "my.key"})
    report = json.loads(done.stdout)
    assert (report["status"], report["score"], report["view"]) == ("graded", 10, "student")
    assert report["grader"]["key_id"] == Key(b"a secret of the staff's").id
    assert "secret" not in done.stdout + done.stderr
    assert "Score: 10/10 of the points attempted" in done.stderr
    assert [path.name for path in cwd.iterdir()] == ["my.key"]


def test_an_existing_report_is_replaced_in_one_step(environment, mine, cwd):
    out = cwd / "out.json"
    out.write_text("the old report")
    process = subprocess.Popen(
        [sys.executable, "-m", "grader", "grade", str(mine), *QUICK, "--json", "out.json"],
        cwd=cwd,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    seen = set()
    while process.poll() is None:
        seen.add(out.read_bytes())
    assert read(out)["score"] == 10
    # At any moment there is a whole report: the old one, how far the grading has come, the verdict.
    reports = [json.loads(data) for data in seen - {b"the old report"}]
    assert {report["status"] for report in reports} <= {"interrupted", "graded"}
    assert list(cwd.iterdir()) == [out]


def test_all_reports_at_once(grader, root, cwd):
    (cwd / "hw").mkdir()
    (cwd / "hw" / "dqn_agent.py").write_bytes((root / "starter" / "dqn_agent.py").read_bytes())
    runner = {
        "CLASSROOM": "rl",
        "ASSIGNMENT": "dqn",
        "OWNER": "ada",
        "SUBMISSION_TAG": "submit/20260901T101112Z-abc1234",
        "COMMIT_URL": "https://example.org/commit",
        "RELEASE_URL": "https://example.org/release",
    }
    names = ("json", "html", "markdown", "junit", "gradescope", "classroom50", "prairielearn")
    options = [option for name in names for option in (f"--{name}", f"out.{name}")]
    done = grader("hw", *QUICK, *options, "--annotations", "-", env=runner)
    assert done.returncode == 0
    assert done.stdout.startswith("::notice title=Score::0/10 of the points attempted\n")
    assert ",file=hw/dqn_agent.py,line=" in done.stdout
    assert "Score: 0/10" in done.stderr
    assert read(cwd / "out.json")["checks"][0]["excerpt"] is None
    failed = next(c for c in read(cwd / "out.json")["checks"] if c["status"] == "failed")
    first, lines = failed["excerpt"]["first"], failed["excerpt"]["lines"]
    assert "update_target" in lines[failed["location"]["line"] - first] or any(
        "NotImplementedError" in line for line in lines
    )
    assert "<title>0/10 of the points attempted" in (cwd / "out.html").read_text("utf-8")
    assert (cwd / "out.markdown").read_text("utf-8").startswith("# DQN assignment: 0/10")
    assert b"<testsuites" in (cwd / "out.junit").read_bytes()
    assert read(cwd / "out.gradescope")["score"] == 0
    assert read(cwd / "out.classroom50")["max-score"] == 10
    assert read(cwd / "out.prairielearn")["gradable"] is True


@needs_linux
def test_a_report_that_cannot_be_written_is_an_error(grader, mine):
    done = grader(mine, *QUICK, "--json", "/proc/report.json")
    assert done.returncode in (2, 3)
    assert "error:" in done.stderr
    assert "/proc/report.json" in done.stderr


@needs_linux
def test_names_that_are_not_unicode_are_reported(grader, mine, cwd):
    (mine / b"\xffnotes.txt".decode("utf-8", "surrogateescape")).write_text("x")
    done = grader(mine, *QUICK, "--json", "out.json")
    assert done.returncode == 0
    assert read(cwd / "out.json")["submission"]["left_out"] != []


# --- surroundings --------------------------------------------------------------------------------


def test_nobodys_pytest_settings_have_an_effect(grader, mine, cwd):
    for folder in (cwd, mine, mine.parent):
        (folder / "conftest.py").write_text("raise RuntimeError('conftest was imported')\n")
        (folder / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
        (folder / "setup.cfg").write_text("[tool:pytest]\naddopts = --collect-only\n")
        (folder / "tox.ini").write_text("[pytest]\naddopts = --collect-only\n")
        (folder / "pyproject.toml").write_text('[tool.pytest.ini_options]\naddopts = ["-x"]\n')
    env = {"PYTEST_ADDOPTS": "--collect-only -p no_such_plugin", "PYTEST_PLUGINS": "no_such_plugin"}
    done = grader(mine, *QUICK, "--json", "-", env=env)
    assert done.returncode == 0
    report = json.loads(done.stdout)
    assert report["score"] == 10
    assert report["submission"]["left_out"] == sorted(
        ["conftest.py", "pytest.ini", "setup.cfg", "tox.ini", "pyproject.toml"]
    )


def test_nothing_is_left_behind(grader, mine, cwd, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    line = "open('written-at-import.txt', 'w').write('x')\nimport contextlib, subprocess\n"
    # In a sandbox no program can be started at all.
    line += "with contextlib.suppress(OSError): subprocess.Popen(['sleep', '600'])\n"
    (mine / "dqn_agent.py").write_bytes((mine / "dqn_agent.py").read_bytes() + line.encode())
    before = listing(mine)
    # The stronger tiers start no program in the first place.
    done = grader(mine, *QUICK, "--sandbox", "plain", env={"TMPDIR": str(temporary)})
    assert done.returncode == 0
    assert "Score: 10/10" in done.stdout
    assert "\x1b" not in done.stdout
    assert done.stderr == "checking update_target ...\n"
    assert listing(mine) == before
    assert listing(cwd) == {}
    assert listing(temporary) == {}
    assert running_in(temporary) == []


def running_in(folder):
    """Processes that work in a folder, or were started with a path in it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = os.readlink(process / "cwd") + (process / "cmdline").read_text()
        except OSError:
            continue
        if str(folder) in told:
            found.append(told)
    return found


@needs_shell
@pytest.mark.parametrize("redirection", ["<&-", "<&- >&-"])
def test_closed_streams_do_no_harm(environment, mine, cwd, redirection):
    command = [sys.executable, "-m", "grader", "grade", str(mine), *QUICK, "--json", "out.json"]
    done = subprocess.run(
        ["sh", "-c", f'"$@" {redirection}', "sh", *command],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0
    assert read(cwd / "out.json")["score"] == 10
    assert "Traceback" not in done.stderr


@needs_shell
@pytest.mark.parametrize("reader", ["head -n 1", "true"])
def test_a_reader_that_has_had_enough_is_no_error(environment, mine, cwd, reader):
    pipe = f'; echo "status $?" >&2; }} | {reader}'
    command = f"{{ {sys.executable} -m grader grade {mine} {' '.join(QUICK)} --json out.json {pipe}"
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.stderr == "checking update_target ...\nstatus 0\n"
    assert read(cwd / "out.json")["score"] == 10


def test_a_stream_that_takes_ascii_only_gets_the_whole_report(grader, root):
    env = {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    # A title of this part holds a Greek letter.
    done = grader(root / "starter", "--only", "update", "--no-solve", env=env)
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "Given code: select_action is" in done.stdout
    assert "Score: 0/35" in done.stdout

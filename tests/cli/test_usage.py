"""Wrong usage, and paths at which nothing can be graded: status 2, `error:` and `hint:`."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


def complaint(done):
    """The message after `error:` and the one after `hint:`, which are all there is."""
    assert done.returncode == 2
    assert done.stdout == ""
    error, hint = done.stderr.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    return error.removeprefix("error: "), hint.removeprefix("hint: ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--frobnicate"], "--frobnicate"),
        (["--gradescop", "results.json"], "--gradescop"),
        (["--only", "everything"], "everything"),
        (["--view", "parent"], "parent"),
        (["--sandbox", "cardboard"], "cardboard"),
        (["--sandbox-min", "cardboard"], "cardboard"),
        (["--sandbox", "plain", "--sandbox-min", "landlock"], "than `--sandbox-min landlock`"),
        (["--sandbox", "plain", "--official"], "`--sandbox plain` is weaker than `--official`"),
        (["--official"], "`--official` needs a secret key"),
        (["--fail-under", "101"], "`101` is not a number of points from 0 to 100"),
        (["--fail-under", "-1"], "-1"),
        (["--fail-under", "many"], "`many` is not a number of points from 0 to 100"),
        (["--only", "cartpole", "--no-solve"], "leave nothing to grade"),
        (["--json"], "--json"),
        (["--json", "-", "--curve", "-"], "two reports on standard output"),
    ],
)
def test_wrong_options_are_named(grader, mine, arguments, told):
    error, _hint = complaint(grader(mine, *arguments))
    assert told in error


def test_a_path_is_required(grader):
    error, hint = complaint(grader())
    assert "PATH" in error
    assert "--help" in hint


def test_a_command_is_required(environment, cwd):
    done = subprocess.run(
        [sys.executable, "-m", "grader"],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
    )
    complaint(done)


def test_help_names_every_option_of_the_contract(grader):
    done = grader("--help")
    assert done.returncode == 0
    reports = ("--html", "--markdown", "--junit", "--gradescope", "--classroom50")
    for option in (*reports, "--prairielearn", "--annotations"):
        assert option in done.stdout
    for option in ("--json", "--curve", "--no-solve", "--only", "--key", "--view", "--fail-under"):
        assert option in done.stdout
    for option in ("--sandbox", "--sandbox-min", "--official"):
        assert option in done.stdout


def test_a_path_that_is_not_there(grader, cwd):
    error, hint = complaint(grader("no/such/folder"))
    assert error == "there is nothing at `no/such/folder`"
    assert "path" in hint
    assert list(cwd.iterdir()) == []


def test_a_file_that_is_no_archive(grader, cwd):
    (cwd / "essay.txt").write_text("Dear grader,")
    error, hint = complaint(grader("essay.txt"))
    assert error == "`essay.txt` is neither a folder nor a zip or tar archive"
    assert "`q_network.py`" in hint


def test_an_archive_cut_short(grader, cwd, mine):
    with zipfile.ZipFile(cwd / "mine.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in mine.iterdir():
            archive.write(path, path.name)
    data = (cwd / "mine.zip").read_bytes()
    (cwd / "mine.zip").write_bytes(data[: len(data) // 2])
    error, _hint = complaint(grader("mine.zip"))
    assert "`mine.zip`" in error


def test_a_folder_with_none_of_the_files(grader, cwd):
    (cwd / "empty").mkdir()
    (cwd / "empty" / "notes.md").write_text("nothing yet")
    error, _hint = complaint(grader("empty"))
    assert error == "none of `q_network.py`, `replay_buffer.py` and `dqn_agent.py` in `empty`"


def test_nothing_gradable_is_in_the_json_too(grader, cwd):
    done = grader("no/such/folder", "--json", "out.json")
    assert done.returncode == 2
    report = json.loads((cwd / "out.json").read_text(encoding="utf-8"))
    assert (report["status"], report["score"]) == ("ungradable", 0)
    assert report["reason"] == "there is nothing at `no/such/folder`"


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's file names")
def test_a_path_that_is_not_unicode(grader, cwd):
    done = grader(b"\xffnix".decode("utf-8", "surrogateescape"), "--json", "out.json")
    assert done.returncode == 2
    assert done.stderr.startswith("error: there is nothing at ")
    assert json.loads((cwd / "out.json").read_text(encoding="utf-8"))["status"] == "ungradable"


# --- keys and outputs ----------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["option", "variable"])
def test_a_key_file_that_is_not_there(grader, mine, how):
    if how == "option":
        done = grader(mine, "--key", "no.key")
    else:
        done = grader(mine, env={"DQN_GRADER_KEY_FILE": "no.key"})
    error, hint = complaint(done)
    assert error == "the key file `no.key` cannot be read: No such file or directory"
    assert "16" in hint


def test_a_key_that_is_too_short(grader, mine, cwd):
    (cwd / "short.key").write_bytes(b"0123456789\n")
    error, _hint = complaint(grader(mine, "--key", "short.key"))
    assert error == "the key in `short.key` has 10 bytes, at least 16 are needed"


@pytest.mark.parametrize("option", ["--json", "--curve", "--html"])
def test_a_report_in_a_folder_that_is_not_there(grader, mine, cwd, option):
    error, hint = complaint(grader(mine, option, "out/report"))
    assert "`out/report`" in error
    assert "mkdir" in hint
    assert list(cwd.iterdir()) == []


def test_a_report_in_the_place_of_a_folder(grader, mine, cwd):
    (cwd / "out").mkdir()
    error, _hint = complaint(grader(mine, "--json", "out"))
    assert error == "`out` is a folder"


def test_classroom50_needs_its_runner(grader, mine, cwd):
    error, hint = complaint(grader(mine, "--classroom50", "result.json"))
    assert error.startswith("Classroom 50's result needs `CLASSROOM`, `ASSIGNMENT`")
    assert hint == "leave `--classroom50` out where Classroom 50 does not run"
    assert list(cwd.iterdir()) == []


def test_control_characters_of_a_path_are_not_printed(grader):
    error, _hint = complaint(grader("no\x1b[2Jsuch"))
    assert r"no\x1b[2Jsuch" in error


# --- isolation -----------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="looks for programs in PATH")
@pytest.mark.parametrize(
    "options", [["--sandbox", "bubblewrap"], ["--sandbox-min", "bubblewrap"]], ids="-".join
)
def test_a_tier_that_is_not_there(grader, mine, cwd, options):
    done = grader(mine, *options, "--json", "out.json", env={"PATH": str(cwd)})
    assert done.returncode == 2
    *_progress, error, hint = done.stderr.splitlines()
    assert error.startswith("error: no isolation that was asked for works on this machine: ")
    assert "`bwrap` is not installed" in error
    assert "apt-get install bubblewrap" in hint
    assert done.stdout == ""
    assert not (cwd / "out.json").exists()


def test_official_grading_refuses_a_copy_without_hidden_checks(grader, mine, cwd):
    """A student's copy is played by one that looks for them elsewhere."""
    (cwd / "course.key").write_bytes(b"a secret of sixteen bytes or more")
    (cwd / "sitecustomize.py").write_text(
        "import sys\n"
        "if 'grade' in sys.orig_argv:\n"
        "    from pathlib import Path\n"
        "    from grader import rubric\n"
        "    rubric.HIDDEN_FOLDER = Path('hidden')\n"
    )
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join((str(cwd), root, os.environ.get("PYTHONPATH", "")))
    done = grader(mine, "--official", "--key", "course.key", env={"PYTHONPATH": path})
    assert done.returncode == 2
    assert "`--official` needs the hidden checks, which are not in this copy" in done.stderr
    assert "hint: grade officially with the course staff's copy" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="looks for programs in PATH")
def test_official_grading_refuses_the_plain_tier(grader, mine, cwd):
    """A machine on which nothing but `plain` works is played by one that forbids the others."""
    (cwd / "course.key").write_bytes(b"a secret of sixteen bytes or more")
    (cwd / "sitecustomize.py").write_text(
        "import os, sys\n"
        "if 'grade' in sys.orig_argv:\n"
        "    from grader.sandbox import landlock\n"
        "    landlock.this_machine = lambda: None\n"
    )
    path = f"{cwd}:{os.environ.get('PYTHONPATH', '')}"
    options = ("--official", "--key", "course.key")
    root = str(Path(__file__).resolve().parents[2])
    done = grader(mine, *options, env={"PATH": str(cwd), "PYTHONPATH": f"{path}:{root}"})
    assert done.returncode == 2
    assert "`bwrap` is not installed" in done.stderr
    assert "`landlock`: needs Linux on x86_64 or aarch64" in done.stderr
    assert "`uid+seccomp`: needs Linux" in done.stderr

"""`python -m grader study` from outside: wrong usage, a whole study, one that was interrupted."""

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.study.conftest import SHORT


def read(folder):
    with (folder / "rows.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "--seeds"),
        (["--seeds", "0"], "`0` is not a number of 1 or more"),
        (["--seeds", "few"], "`few` is not a number of 1 or more"),
        (["--seeds", "1", "--jobs", "0"], "`0` is not a number of 1 or more"),
        (["--seeds", "1", "--recipe", "magic"], "no recipe `magic`"),
        (["--seeds", "1", "--recipe", "kit:no"], "`no` is not a number of 1 or more"),
        (["--seeds", "1", "--recipe", "kit", "kit:2"], "the recipe `kit` is named twice"),
        (["--seeds", "1", "--submission", "nowhere"], "there is nothing at `nowhere`"),
        (["--seeds", "1", "--schedule", "speed=3"], "the schedule has no setting `speed`"),
        (["--seeds", "1", "--recipe", "page", "--schedule", "lr=1"], "the kit's recipe only"),
    ],
)
def test_wrong_usage_is_named(arguments, told, capsys):
    from grader.cli import main

    assert main(["study", *arguments]) == 2
    out, err = capsys.readouterr()
    error, hint = err.splitlines()
    assert out == ""
    assert error.startswith("error: ")
    assert told in error
    assert hint.startswith("hint: ")


def complaint(arguments, capsys):
    from grader.cli import main

    status = main(["study", "--seeds", "1", *map(str, arguments)])
    return status, capsys.readouterr().err


def test_submissions_must_be_complete_and_different(root, tmp_path, capsys):
    (tmp_path / "q_network.py").write_text("")
    status, err = complaint(["--submission", tmp_path], capsys)
    assert status == 2
    assert f"`{tmp_path}` lacks `replay_buffer.py`" in err
    twice = ["--submission", root / "solution", root / "solution"]
    status, err = complaint(twice, capsys)
    assert status == 2
    assert "is named twice" in err


def test_a_missing_extra_says_how_to_get_it(root, capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    status, err = complaint(["--recipe", "sb3", "--submission", root / "solution"], capsys)
    assert status == 2
    assert "needs Stable-Baselines3, which is not installed" in err
    assert '".[study]"' in err


def test_a_submission_that_is_not_written_yet(study, root):
    done = study("--seeds", "1", "--submission", root / "starter", *SHORT, "--out", "out")
    assert done.returncode == 2
    assert "error: `starter` cannot be trained" in done.stderr


def test_a_small_study_from_beginning_to_end(study, root, tmp_path):
    arguments = ["--seeds", "2", "--submission", root / "solution", *SHORT, "--out", "out"]
    done = study(*arguments)
    assert done.returncode == 0
    assert "kit 2 of 2 (0 solved); solution, seed" in done.stderr
    first, second = read(tmp_path / "out")
    assert {first["seed"], second["seed"]} == {"0", "1"}
    assert (first["recipe"], first["submission"], first["outcome"]) == (
        "kit",
        "solution",
        "unsolved",
    )
    assert (first["updates"], first["solved"], first["mean_return"]) == ("50", "0", "")
    assert 0 < float(first["largest_audit_error"]) < 2e-3
    assert first["note"].startswith("In attempt 1, the agent was not confirmed within 50 updates")
    curves = (tmp_path / "out" / "curves.jsonl").read_text(encoding="utf-8").splitlines()
    assert [updates for updates, _mean in json.loads(curves[0])[-1]] == [25, 50]
    assert done.stdout == (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")
    assert "0 of 2" in done.stdout
    assert (tmp_path / "out" / "study.svg").exists()
    assert (tmp_path / "out" / "study.png").exists()

    # Nothing is left to be played, and the summary is of what was asked for.
    before = (tmp_path / "out" / "rows.csv").read_bytes()
    arguments[1] = "1"
    again = study(*arguments)
    assert again.stderr.startswith("left alone in `out`: 1 rows of other seeds")
    assert "0 of 1" in again.stdout
    assert (tmp_path / "out" / "rows.csv").read_bytes() == before


def heed_interrupts():
    """As in a foreground terminal: what runs these tests may have interrupts ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
def test_an_interrupted_study_goes_on_where_it_was(command, study, root, tmp_path):
    arguments = ["--seeds", "6", "--submission", root / "solution", *SHORT, "--out", "out"]
    line, environment = command(*arguments, "--jobs", "1")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = subprocess.Popen(
        line,
        cwd=tmp_path,
        env=environment | {"TMPDIR": str(temporary)},
        stderr=subprocess.PIPE,
        encoding="utf-8",
        preexec_fn=heed_interrupts,
        start_new_session=True,
    )
    try:
        rows = tmp_path / "out" / "rows.csv"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            if rows.exists() and rows.read_bytes().count(b"\n") > 2:
                break
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=20)
    except BaseException:
        process.kill()
        raise
    assert process.returncode == 130
    assert "Traceback" not in stderr
    assert "the same command goes on from there" in stderr
    assert list(temporary.iterdir()) == []
    deadline = time.monotonic() + 5
    while still_running(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)  # multiprocessing's own helper ends when it notices
    assert not still_running(process.pid)
    kept = rows.read_bytes()
    count = kept.count(b"\n") - 1
    assert 2 <= count < 6
    assert f"{count} of 6 rows are in `out`" in stderr
    assert study(*arguments).returncode == 0
    assert rows.read_bytes().startswith(kept)
    assert sorted(int(row["seed"]) for row in read(tmp_path / "out")) == list(range(6))


def still_running(session):
    """Processes of a session, where /proc tells. Workers have sessions of their own; that their
    folders are gone tells of them."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(status.parent.name)
    return found

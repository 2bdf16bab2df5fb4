"""`python -m grader class` from the outside: real gradings, statuses, messages."""

import csv
import json
import shutil
import sqlite3

import pytest


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory, root):
    """Three students: right, the same again, and not written; and one with nothing."""
    source = tmp_path_factory.mktemp("class")
    for student, base in (("ada", "solution"), ("bob", "solution"), ("cyd", "starter")):
        shutil.copytree(root / base, source / student)
    (source / "eve").mkdir()
    for number in range(12):
        (source / f"note-{number:02}.txt").write_text("")
    return source


@pytest.fixture(scope="module")
def graded(tmp_path_factory, handed_in, root):
    """The class graded, parts that take little time only."""
    import subprocess
    import sys

    out = tmp_path_factory.mktemp("graded") / "out"
    words = [sys.executable, "-m", "grader", "class", "grade", handed_in, "--out", out]
    done = subprocess.run(
        [*map(str, words), "--only", "q_network", "--jobs", "1"],
        cwd=root,
        capture_output=True,
        encoding="utf-8",
        timeout=600,
    )
    return out, done


def complaint(done, status=2):
    """The message after `error:` and the one after `hint:`."""
    assert (done.returncode, done.stdout) == (status, "")
    *_, error, hint = done.stderr.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    return error.removeprefix("error: "), hint.removeprefix("hint: ")


def test_a_class_is_graded(graded):
    out, done = graded
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "2 different submissions, 0 graded before" in done.stderr
    told = [line for line in done.stderr.splitlines() if line.startswith("passed over: ")]
    assert told[0] == "passed over: `note-00.txt` is neither a folder nor an archive"
    assert told[10:] == ["passed over: 2 more"]
    assert "2 of 2 graded" in done.stderr
    assert "4 of 4 students have a mark, 1 of them with nothing gradable" in done.stderr
    assert done.stdout.splitlines()[0] == f"grades   {out / 'grades.csv'}"
    rows = list(csv.DictReader((out / "grades.csv").read_text("utf-8-sig").splitlines()))
    assert [row["score"] for row in rows] == ["20", "20", "0", "0"]
    assert [row["status"] for row in rows] == ["graded"] * 3 + ["ungradable"]


def test_its_status(graded, command):
    done = command("status", "--out", graded[0])
    assert done.returncode == 0
    assert "(plain, the newest counts), begun 20" in done.stdout
    assert "\nfinished 20" in done.stdout
    assert "scores from 0 to 20, median 20" in done.stdout


def test_a_verdict_is_repeated(graded, command):
    done = command("reproduce", "ada", "--out", graded[0])
    assert (done.returncode, done.stdout) == (0, "ada: 20 again, the same in every check\n")


def test_a_verdict_that_is_not_repeated_is_told(graded, command, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(graded[0], out)
    database = sqlite3.connect(out / "journal.sqlite")
    # As if the starter's verdict had been the solution's.
    rows = database.execute(
        "SELECT verdict.id FROM verdict JOIN turn USING (submission)"
        " WHERE student IN ('ada', 'cyd') ORDER BY student"
    ).fetchall()
    (ada,), (cyd,) = rows
    database.execute(
        "UPDATE report SET data = (SELECT data FROM report WHERE verdict = ?) WHERE verdict = ?",
        (ada, cyd),
    )
    database.commit()
    database.close()
    done = command("reproduce", "cyd", "--out", out)
    assert done.returncode == 1
    assert "differs: q_network.output_shape: passed, " in done.stdout
    assert done.stdout.endswith("cyd: 20 before, 0 now\n")


def test_an_override_and_what_it_changes(graded, command, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(graded[0], out)
    done = command("override", "cyd", "q_network.output_shape", "1", "--reason", "x", "--out", out)
    assert (done.returncode, done.stdout) == (0, "cyd: 1 (graded 0)\n")
    done = command("compare", graded[0], out)
    assert done.returncode == 0
    assert done.stdout == (
        "cyd: 0 -> 1\n"
        "    why: override: q_network.output_shape: 1 instead of 0: x\n"
        "1 changed (0 down, 1 up), 3 did not\n"
    )
    done = command("compare", out, graded[0])
    assert done.returncode == 1
    assert "cyd: 1 -> 0  DOWN\n" in done.stdout
    assert "1 changed (1 down, 0 up), 3 did not\n" in done.stdout
    report = json.loads((out / "students" / "cyd" / "report.json").read_bytes())
    assert report["score"] == 1


def test_results_are_written_anew(graded, command, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(graded[0], out)
    (out / "grades.csv").unlink()
    done = command("results", "--no-names", "--out", out)
    assert done.returncode == 0
    assert (out / "grades.csv").exists()
    assert "student 4" in (out / "index.html").read_text("utf-8")


@pytest.fixture
def export(tmp_path):
    """What Canvas exports."""
    path = tmp_path / "canvas.csv"
    path.write_text(
        "Student,ID,SIS User ID,SIS Login ID,Section,DQN (77)\n"
        "    Points Possible,,,,,100\n"
        "Lovelace,1,,ada,A,\nThompson,2,,bob,A,3\nDoe,3,,zed,A,5\n"
    )
    return path


def test_gradebooks_are_filled(hand_in, grade_class, export, command, tmp_path):
    out, to = tmp_path / "out", tmp_path / "filled.csv"
    fails = "# fails: update.terminal\n"
    grade_class(hand_in({"ada": "x = 1\n", "bob": fails, "cyd": fails, "eve": None}), solve=True)
    words = ("gradebook", "canvas", export, "--to", to, "--out", out)
    done = command(*words, "--column", "DQN")
    assert (done.returncode, done.stdout) == (0, f"2 scores written to {to}\n")
    assert "rows without a score, which stay as they are: 1" in done.stderr
    assert "not in the table: cyd\nnot in the table: eve\n" in done.stderr
    rows = list(csv.DictReader(to.read_text("utf-8").splitlines()))
    assert [row["DQN (77)"] for row in rows] == ["100", "100", "96", ""]
    assert complaint(command(*words))[1] == "name this one with `--column`"
    error, _ = complaint(command(*words, "--column", "DQM"))
    assert "DQM" in error
    missing = ("gradebook", "moodle", tmp_path / "no.csv", "--to", to, "--out", out)
    assert "No such file" in complaint(command(*missing))[0]


def test_scores_out_of_less_than_100_go_into_no_gradebook(
    graded, hand_in, grade_class, export, command, tmp_path
):
    to = tmp_path / "filled.csv"
    canvas = ("gradebook", "canvas", export, "--column", "DQN", "--to", to, "--out")
    assert complaint(command(*canvas, graded[0])) == (
        "the class was graded with `--only q_network`: 20 of 100 points were attempted, and the "
        "column is out of 100",
        "grade it whole, by `class grade` without `--only q_network`, and fill the table then",
    )
    worksheet = tmp_path / "moodle.csv"
    worksheet.write_text("Identifier,Email,Grade,Maximum Grade\nParticipant 1,ada,,100\n")
    out = tmp_path / "out"
    source = hand_in({"ada": "x = 1\n", "eve": None})
    grade_class(source, solve=False)
    moodle = ("gradebook", "moodle", worksheet, "--to", to, "--out", out)
    error, _hint = complaint(command(*moodle))
    assert error.startswith("the class was graded with `--no-solve`: 85 of 100 points")
    assert not to.exists()
    # The newest grading counts, the one before it is no obstacle.
    grade_class(source, solve=True)
    assert command(*moodle).stdout == f"1 scores written to {to}\n"


def test_parts_that_are_all_of_them_are_the_whole(hand_in, grade_class, export, command, tmp_path):
    out, to = tmp_path / "out", tmp_path / "filled.csv"
    parts = ("q_network", "sample", "update", "update_target", "cartpole")
    grade_class(hand_in({"ada": "x = 1\n"}), solve=True, only=frozenset(parts))
    words = ("gradebook", "canvas", export, "--column", "DQN", "--to", to, "--out", out)
    assert command(*words).stdout == f"1 scores written to {to}\n"


def test_wrong_usage_is_told(command, handed_in, tmp_path):
    out = tmp_path / "no-such"
    assert complaint(command("status", "--out", out))[0] == f"there is no journal in `{out}`"
    assert complaint(command("results", "--out", out))[0] == f"there is no journal in `{out}`"
    assert not out.exists()
    error, _ = complaint(command("grade", tmp_path, "--out", out))
    assert error == f"`{out}` lies in `{tmp_path}`, where it would be taken for a submission"
    empty = tmp_path / "empty"
    empty.mkdir()
    error, hint = complaint(command("grade", empty, "--out", out))
    assert (error, "name a folder" in hint) == (f"no submission in `{empty}`", True)
    error, _ = complaint(command("grade", handed_in, "--out", out, "--regrade", " "))
    assert error == "a regrade needs a reason"
    error, _ = complaint(command("grade", handed_in, "--out", out, "--official"))
    assert error.startswith("`--official` needs a secret key")
    error, _ = complaint(
        command("grade", handed_in, "--out", out, "--no-solve", "--only", "cartpole")
    )
    assert error.endswith("leave nothing to grade")
    error, _ = complaint(
        command("grade", handed_in, "--out", out, "--scheduler", "tcp://x:1", "--jobs", "2")
    )
    assert error == "`--jobs` is for this machine, `--scheduler` for others"
    error, hint = complaint(command("override", "a", "b", "many", "--reason", "x", "--out", out))
    assert (error, hint) == ("`many` is not a number of points", "give a whole number, or `graded`")
    assert "COMMAND" in complaint(command())[0]

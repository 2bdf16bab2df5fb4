"""Submissions are found, put together and told apart, however a platform hands them out."""

import io
import os
import zipfile

import pytest

from grader.classroom.errors import ClassError
from grader.classroom.handins import turns
from grader.classroom.layouts import find
from grader.sandbox.errors import IntakeError

FILES = ("q_network.py", "replay_buffer.py", "dqn_agent.py")


def submission(folder, text="x = 1\n"):
    """The three files in a folder."""
    folder.mkdir(parents=True)
    for name in FILES:
        (folder / name).write_text(f"{text}# {name}\n")
    return folder


def zipped(path, texts):
    """A zip of texts by name."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in texts.items():
            archive.writestr(name, text)
    return path


def found(path, rule="newest"):
    """Student's key to turn."""
    return {turn.student.key: turn for turn in turns(find(path).hand_ins, rule)}


def contents(turn):
    return {name: data.decode() for name, data in turn.hand_in.read().files.items()}


def complaint(path):
    with pytest.raises(ClassError) as caught:
        find(path)
    assert caught.value.hint
    return str(caught.value)


# --- plain ---


def test_plain_folders_and_archives(tmp_path):
    submission(tmp_path / "alice")
    zipped(tmp_path / "bob.zip", {"deep/q_network.py": "b"})
    (tmp_path / ".DS_Store").write_text("")
    (tmp_path / "grades.xlsx").write_text("")
    here = find(tmp_path)
    assert here.layout == "plain"
    assert list(here.notes) == ["`grades.xlsx` is neither a folder nor an archive"]
    by_student = found(tmp_path)
    assert list(by_student) == ["alice", "bob"]
    assert set(contents(by_student["alice"])) == set(FILES)
    assert contents(by_student["bob"]) == {"q_network.py": "b"}


def test_the_newest_of_a_students_submissions_counts_and_the_others_are_listed(tmp_path):
    old = submission(tmp_path / "alice", "old")
    for path in old.iterdir():
        os.utime(path, (1_000, 1_000))
    zipped(tmp_path / "alice.zip", {"q_network.py": "new"})
    newest = found(tmp_path)["alice"]
    assert (newest.hand_in.path, newest.others) == ("alice.zip", ("alice",))
    oldest = found(tmp_path, "oldest")["alice"]
    assert (oldest.hand_in.path, oldest.others) == ("alice", ("alice.zip",))


def test_one_submission_is_no_class(tmp_path):
    submission(tmp_path / "mine")
    assert "it is one submission, not a class" in complaint(tmp_path / "mine")


def test_an_empty_folder(tmp_path):
    assert complaint(tmp_path) == f"no submission in `{tmp_path}`"


def test_nothing_there(tmp_path):
    assert "there is nothing at" in complaint(tmp_path / "no")


def test_an_archive_of_the_class_is_to_be_unpacked(tmp_path):
    path = zipped(tmp_path / "all.zip", {"alice/q_network.py": ""})
    with pytest.raises(ClassError) as caught:
        find(path)
    assert "unpack it" in caught.value.hint


def test_an_unreadable_archive_is_that_students_matter(tmp_path):
    (tmp_path / "alice.zip").write_bytes(b"PK\x03\x04 no more")
    submission(tmp_path / "bob")
    by_student = found(tmp_path)
    with pytest.raises(IntakeError):
        by_student["alice"].hand_in.read()
    assert set(contents(by_student["bob"])) == set(FILES)


# --- Gradescope ---

EXPORT = """\
---
submission_11:
  :submitters:
  - :name: Ada Lovelace
    :sid: '1815'
    :email: ada@example.org
  - :name: Grace Hopper
    :sid:
    :email: grace@example.org
  :created_at: 2026-10-02 16:39:06.000000000 Z
  :score: 3.0
  :results: !ruby/hash:ActiveSupport::HashWithIndifferentAccess
    tests: []
submission_12:
  :submitters:
  - :name: Grace Hopper
    :email: grace@example.org
  :created_at: 2026-10-01 16:39:06 +0000
"""


@pytest.fixture
def export(tmp_path):
    folder = tmp_path / "export" / "assignment_1_export"
    submission(folder / "submission_11", "together")
    submission(folder / "submission_12", "alone")
    (folder / "submission_metadata.yml").write_text(EXPORT)
    return folder


def test_gradescopes_export_with_several_submitters(export):
    (export / "submission_13").mkdir()
    here = find(export.parent)
    assert here.layout == "gradescope"
    assert list(here.notes) == ["`submission_13` is not in `submission_metadata.yml`"]
    by_student = found(export.parent)
    assert sorted(by_student) == ["1815", "grace@example.org"]
    ada, grace = by_student["1815"], by_student["grace@example.org"]
    assert ada.student.name == "Ada Lovelace"
    assert (ada.hand_in.path, ada.others) == ("submission_11", ())
    assert (grace.hand_in.path, grace.others) == ("submission_11", ("submission_12",))
    assert ada.hand_in.at == "2026-10-02T16:39:06+00:00"
    assert found(export, "oldest")["grace@example.org"].hand_in.path == "submission_12"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "is not the YAML of an export"),
        ("- x\n", "lists no submissions"),
        ("submission_11:\n  :score: 1\n", "`submission_11` in"),
        ("submission_99:\n  :submitters:\n  - :name: A\n", "names `submission_99`, which is not"),
        ("../x:\n  :submitters:\n  - :name: A\n", "names `../x`, which is not in"),
        ("submission_11:\n  :submitters:\n  - :sid: ''\n", "has no name"),
        ("!!python/object/apply:os.getcwd []\n", "is not the YAML of an export"),
    ],
)
def test_metadata_that_is_not_as_it_should_be(export, text, told):
    (export / "submission_metadata.yml").write_text(text)
    assert told in complaint(export)


# --- Canvas ---


def test_canvas_files_are_put_together_again(tmp_path):
    for name in (
        "lovelaceada_501_9001_q_network.py",
        "lovelaceada_501_9002_replay_buffer.py",
        "lovelaceada_501_9003_dqn_agent.py",
        "hoppergrace_LATE_502_9004_q_network-2.py",
        "hoppergrace_LATE_502_8004_q_network.py",
        "hoppergrace_LATE_502_9005_dqn_agent (1).py",
        "hoppergrace_LATE_502_9006_replay_buffer-11.py",
        "hoppergrace_LATE_502_9007_notes.txt",
        "readme.txt",
    ):
        (tmp_path / name).write_text(name)
    here = find(tmp_path)
    assert here.layout == "canvas"
    assert list(here.notes) == ["`readme.txt` is not named like a file of Canvas'"]
    by_student = found(tmp_path)
    ada, grace = by_student["501"], by_student["502"]
    assert (ada.student.name, ada.hand_in.late) == ("lovelaceada", False)
    assert set(contents(ada)) == set(FILES)
    assert (grace.student.name, grace.hand_in.late) == ("hoppergrace", True)
    assert contents(grace) == {
        "q_network.py": "hoppergrace_LATE_502_9004_q_network-2.py",
        "dqn_agent.py": "hoppergrace_LATE_502_9005_dqn_agent (1).py",
        "replay_buffer.py": "hoppergrace_LATE_502_9006_replay_buffer-11.py",
    }
    left_out = grace.hand_in.read().left_out
    assert left_out == ["notes.txt", "hoppergrace_LATE_502_8004_q_network.py"]


def test_canvas_archives(tmp_path):
    zipped(tmp_path / "lovelaceada_501_9001_mine.zip", {"q_network.py": "old"})
    zipped(tmp_path / "lovelaceada_501_9009_mine-2.zip", {"q_network.py": "new"})
    (tmp_path / "lovelaceada_501_9008_report.pdf").write_text("")
    ada = found(tmp_path)["501"]
    assert contents(ada) == {"q_network.py": "new"}
    assert set(ada.hand_in.read().left_out) == {
        "lovelaceada_501_9001_mine.zip",
        "lovelaceada_501_9008_report.pdf",
    }


def test_canvas_files_without_any_of_the_three(tmp_path):
    (tmp_path / "lovelaceada_501_9001_report.pdf").write_text("")
    with pytest.raises(IntakeError, match=r"none of `q_network\.py`"):
        found(tmp_path)["501"].hand_in.read()


# --- Moodle ---


def test_moodles_folders_and_loose_files(tmp_path):
    submission(tmp_path / "Ada Lovelace_501_assignsubmission_file_" / "nested")
    submission(tmp_path / "Ada Lovelace_502_assignsubmission_file")
    for name in FILES:
        (tmp_path / f"Grace_Hopper_503_assignsubmission_file_{name}").write_text(name)
    (tmp_path / "Ada Lovelace_501_assignsubmission_onlinetext_").mkdir()
    here = find(tmp_path)
    assert here.layout == "moodle"
    assert len(here.notes) == 1
    by_student = found(tmp_path)
    assert list(by_student) == ["501", "502", "503"]
    assert by_student["501"].student.name == by_student["502"].student.name == "Ada Lovelace"
    assert by_student["503"].student.name == "Grace_Hopper"
    for turn in by_student.values():
        assert set(contents(turn)) == set(FILES)


# --- a roster ---


def test_a_roster_names_paths(tmp_path):
    submission(tmp_path / "box" / "one")
    submission(tmp_path / "box" / "two")
    roster = tmp_path / "class.csv"
    roster.write_text(
        "\ufeffStudent;Path;Name;submitted_at\n"
        "ada;box/one;Ada Lovelace;2026-10-02T10:00:00+02:00\n"
        "ada;box/two;Ada Lovelace;2026-10-02T09:00:00+00:00\n"
        "grace;;Grace Hopper;\n",
        encoding="utf-8",
    )
    here = find(roster)
    assert list(here.notes) == ["line 4: `grace` has no path"]
    ada = found(roster)["ada"]
    assert ada.student.name == "Ada Lovelace"
    assert (ada.hand_in.path, ada.others) == ("box/two", ("box/one",))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "has no column `student`; it has none"),
        ("student,file\nada,x\n", "has no column `path`; it has `student`, `file`"),
        ("student,path\n", "names nobody who handed in"),
        ("student,path\nada,\n", "names nobody who handed in"),
        ("student,path\nada,no/such\n", "line 2: there is nothing at `no/such`"),
        ("student,path\n,.\n", "line 2 names no student"),
        ("student,path,submitted_at\nada,.,yesterday\n", "line 2: `yesterday` is no time"),
        ('student,path\n"ada\n', "names nobody who handed in"),
    ],
)
def test_bad_rosters(tmp_path, text, told):
    roster = tmp_path / "class.csv"
    roster.write_text(text)
    assert told in complaint(roster)


def test_a_roster_in_another_encoding(tmp_path):
    roster = tmp_path / "class.csv"
    roster.write_bytes("student,path\nAndré,.\n".encode("utf-16"))
    assert "is not in UTF-8" in complaint(roster)


def test_many_wrong_rows_are_told_in_short(tmp_path):
    roster = tmp_path / "class.csv"
    roster.write_text("student,path\n" + "".join(f"s{n},no/{n}\n" for n in range(9)))
    told = complaint(roster)
    assert "line 6: there is nothing at `no/4` and 4 more" in told


def test_names_of_any_bytes(tmp_path):
    if os.name != "posix":
        pytest.skip("names are bytes on POSIX")
    os.mkdir(os.fsencode(tmp_path) + b"/\xff\xfe")
    (turn,) = found(tmp_path).values()
    turn.student.key.encode()
    assert io.StringIO(turn.hand_in.path).read()

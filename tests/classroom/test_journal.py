"""The journal: nothing lost, nothing graded twice, whatever ends a grading."""

import os
import shutil
import sqlite3
import subprocess
import sys

import pytest

from grader.classroom import store
from grader.classroom.errors import ClassError, ClassFault
from grader.classroom.journal import Journal
from grader.classroom.marks import mark_of
from grader.classroom.records import Override
from grader.keys import Key
from tests.classroom.conftest import Fake, entry

ONE = "# fails: update.terminal=UPDATE_NO_TERMINAL_MASK\n"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def marks(out, number=None):
    """Students' scores in a grading."""
    with Journal.to_read(out) as journal:
        standings = list(journal.standings(journal.grading(number)))
    return {each.turn.student: mark_of(each).score for each in standings}


def test_identical_submissions_are_graded_once(hand_in, grade_class, out):
    source = hand_in({"ada": "x = 1\n", "bob": "x = 1\n", "eve": ONE, "nobody": None})
    fake, heard = grade_class(source)
    assert len(fake.graded) == len(heard.graded_) == 2
    assert heard.known_ == (2, 0)
    assert marks(out) == {"ada": 85, "bob": 85, "eve": 81, "nobody": 0}


def test_the_same_command_again_grades_nothing(hand_in, grade_class, out):
    source = hand_in({"ada": "x = 1\n", "eve": ONE})
    grade_class(source)
    fake, heard = grade_class(source)
    assert (fake.graded, heard.known_) == ([], (2, 2))
    with Journal.to_read(out) as journal:
        assert [grading.id for grading in journal.gradings()] == [1]


def test_an_interrupted_grading_goes_on(hand_in, grade_class, out):
    source = hand_in({f"s{n}": f"x = {n}\n" for n in range(6)})
    first = Fake(capacity=1, stop_after=4)
    with pytest.raises(KeyboardInterrupt):
        grade_class(source, executor=first)
    with Journal.to_read(out) as journal:
        assert journal.grading().finished is None
    second, heard = grade_class(source)
    assert heard.known_ == (6, 4)
    assert sorted(first.graded + second.graded) == sorted(set(first.graded + second.graded))
    assert set(marks(out).values()) == {85}
    with Journal.to_read(out) as journal:
        assert journal.grading().finished is not None


def test_a_new_submission_is_graded_and_the_others_are_not(hand_in, grade_class, out):
    grade_class(hand_in({"ada": "x = 1\n", "eve": ONE}))
    fake, _ = grade_class(hand_in({"eve": "x = 2\n"}))
    assert len(fake.graded) == 1
    assert marks(out) == {"ada": 85, "eve": 85}
    assert marks(out, 1) == {"ada": 85, "eve": 81}


@pytest.mark.parametrize(
    "changes",
    [
        {"key": Key(b"another key, of enough bytes")},
        {"solve": True},
        {"only": frozenset({"update"})},
        {"executor": Fake(entry(cpu="another"))},
    ],
    ids=["key", "solve", "only", "environment"],
)
def test_under_other_terms_everything_is_graded_anew(hand_in, grade_class, changes):
    source = hand_in({"ada": "x = 1\n"})
    grade_class(source)
    fake, _ = grade_class(source, **changes)
    assert len(fake.graded) == 1
    # And back: what had been graded under the first terms still counts.
    fake, _ = grade_class(source)
    assert fake.graded == []


def test_a_regrade_grades_all_anew_once(hand_in, grade_class, out):
    source = hand_in({f"s{n}": f"x = {n}\n" for n in range(4)})
    grade_class(source)
    with pytest.raises(KeyboardInterrupt):
        grade_class(source, executor=Fake(capacity=1, stop_after=2), regrade="a mended machine")
    # Going on needs no reason, and the same reason orders no second one.
    fake, heard = grade_class(source, regrade="a mended machine")
    assert (len(fake.graded), heard.known_) == (2, (4, 2))
    fake, _ = grade_class(source)
    assert fake.graded == []
    with Journal.to_read(out) as journal:
        last = journal.grading()
        assert journal.regrade_reason(last.regrade) == "a mended machine"
        assert journal.regrade_reason(0) is None
    fake, _ = grade_class(source, regrade="a mended machine")
    assert len(fake.graded) == 4


def test_a_fault_is_no_verdict_and_is_tried_again(hand_in, grade_class, out):
    source = hand_in({"ada": "# fault\n", "eve": ONE})
    _, heard = grade_class(source)
    assert heard.failed_ == ["out of order"]
    assert marks(out) == {"ada": None, "eve": 81}
    with Journal.to_read(out) as journal:
        assert journal.grading().finished is None
        (ada, _eve) = journal.standings(journal.grading())
        assert ada.fault == "out of order"
    fake, _ = grade_class(source)
    assert len(fake.graded) == 1


def test_the_longest_are_graded_first(hand_in, grade_class):
    whole = hand_in({"ada": "# seconds: 2\n", "bob": "# seconds: 9\n", "eve": "# seconds: 5\n"})
    first, _ = grade_class(whole)
    again, _ = grade_class(whole, regrade="once more")
    expected = [first.graded[n] for n in (1, 2, 0)]
    assert again.graded == expected


def test_what_has_not_been_written_is_expected_to_be_short(hand_in, grade_class, root):
    source = hand_in({"a-starter": None, "b-solution": None})
    for student, base in (("a-starter", "starter"), ("b-solution", "solution")):
        shutil.copytree(root / base, source / student, dirs_exist_ok=True)
    fake, _ = grade_class(source)
    with Journal.to_read(source.parent / "out") as journal:
        turns = {s.turn.submission: s.turn.student for s in journal.standings(journal.grading())}
    assert [turns[sha256] for sha256 in fake.graded] == ["b-solution", "a-starter"]


# --- the file ---


def test_the_journal_is_for_its_owner_only(hand_in, grade_class, out):
    if os.name != "posix":
        pytest.skip("modes are of POSIX")
    grade_class(hand_in({"ada": "x = 1\n"}))
    assert (out / store.NAME).stat().st_mode & 0o077 == 0


def test_it_holds_bytes_and_key_for_repeating_verdicts(hand_in, grade_class, out):
    key = Key(b"a key that is not public")
    grade_class(hand_in({"ada": "x = 1\n"}), key=key)
    with Journal.to_read(out) as journal:
        grading = journal.grading()
        (ada,) = journal.standings(grading)
        assert journal.files(ada.turn.submission) == {"q_network.py": b"x = 1\n"}
        assert journal.secret(grading.terms.key_id) == key.secret


def told(opening):
    with pytest.raises(ClassError) as caught:
        opening()
    assert caught.value.hint
    return str(caught.value)


def test_a_journal_of_another_version(hand_in, grade_class, out):
    grade_class(hand_in({"ada": "x = 1\n"}))
    for version in (0, 99):
        database = sqlite3.connect(out / store.NAME)
        database.execute(f"PRAGMA user_version = {version}")
        database.commit()
        database.close()
        for opening in (Journal.to_read, Journal.to_write):
            expected = f"a journal of version {version}; this grader reads version 1"
            assert expected in told(lambda opening=opening: opening(out))


def test_a_file_that_is_no_journal(out):
    out.mkdir()
    (out / store.NAME).write_bytes(b"something else" * 100)
    assert "is no journal" in told(lambda: Journal.to_write(out))
    (out / store.NAME).unlink()
    database = sqlite3.connect(out / store.NAME)
    database.execute("CREATE TABLE mine (x)")
    database.close()
    assert "is no journal of this grader" in told(lambda: Journal.to_write(out))


def test_a_folder_without_a_journal(out):
    assert "there is no journal in" in told(lambda: Journal.to_read(out))
    out.mkdir()
    (out / store.NAME).touch()
    assert "is empty" in told(lambda: Journal.to_read(out))


def test_a_second_command_on_one_folder_refuses(out):
    with store.only_one(out):
        assert store.is_at_work(out)
        code = (
            "import sys, pathlib\nfrom grader.classroom import errors, store\n"
            "try:\n    with store.only_one(pathlib.Path(sys.argv[1])): print('in')\n"
            "except errors.ClassError as error: print(error)\n"
        )
        second = [sys.executable, "-c", code, str(out)]
        done = subprocess.run(second, capture_output=True, encoding="utf-8", check=True)
        assert done.stdout == f"another command is at work in `{out}`\n"
    assert not store.is_at_work(out)
    done = subprocess.run(second, capture_output=True, encoding="utf-8", check=True)
    assert done.stdout == "in\n"


def test_a_full_disk_leaves_the_journal_whole(hand_in, grade_class, out):
    source = hand_in({f"s{n}": f"x = {n}\n" for n in range(60)})
    out.mkdir()
    made = store.open_to_write

    def small(folder):
        connection = made(folder)
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 50}")
        return connection

    store.open_to_write = small
    try:
        with pytest.raises(ClassFault) as caught:
            grade_class(source)
    finally:
        store.open_to_write = made
    assert "is full; every verdict that was made so far is in the journal" in str(caught.value)
    assert "make room, then start the same command again" in caught.value.hint
    database = sqlite3.connect(out / store.NAME)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    fake, _ = grade_class(source)
    assert fake.graded
    assert set(marks(out).values()) == {85}


# --- overrides ---


def override(out, points, check="update.terminal", student="eve"):
    with Journal.to_write(out) as journal:
        made = Override(student, check, points, "because", "0" * 64, "now")
        journal.add_override(journal.grading(), made)


def test_overrides_survive_regrades_and_can_be_taken_back(hand_in, grade_class, out):
    source = hand_in({"ada": ONE, "eve": ONE})
    grade_class(source)
    override(out, 3)
    override(out, 4)
    assert marks(out) == {"ada": 81, "eve": 85}
    grade_class(source, regrade="once more")
    assert marks(out) == {"ada": 81, "eve": 85}
    override(out, None)
    assert marks(out)["eve"] == 81
    # What was in force at the time of the first grading still is, for that one.
    assert marks(out, 1)["eve"] == 85

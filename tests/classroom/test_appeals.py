"""Overrides: who, which check, how many points; each mistake has its message."""

import pytest

from grader.classroom.appeals import override
from grader.classroom.errors import ClassError
from grader.classroom.journal import Journal
from grader.classroom.marks import mark_of
from grader.classroom.people import find_student

TERMINAL = "# fails: update.terminal=UPDATE_NO_TERMINAL_MASK\n"


@pytest.fixture
def journal(tmp_path, grade_class):
    """A graded class in which names are not all different."""
    for folder, text in (("one", TERMINAL), ("two", "x = 1\n"), ("none", None)):
        (tmp_path / folder).mkdir()
        if text is not None:
            (tmp_path / folder / "q_network.py").write_text(text)
    (tmp_path / "class.csv").write_text(
        "student,path,name,email\n"
        "501,one,Ada Lovelace,ada@example.org\n"
        "502,two,Grace Hopper,\n"
        "503,one,Grace Hopper,\n"
        "504,none,Nobody,\n"
        "Nobody,two,X,\n"
    )
    grade_class(tmp_path / "class.csv")
    with Journal.to_write(tmp_path / "out") as journal:
        yield journal


def found(journal, wanted):
    return find_student(journal.standings(journal.grading()), wanted).turn.student


@pytest.mark.parametrize(
    ("wanted", "key"),
    [("501", "501"), ("ada@example.org", "501"), ("Ada Lovelace", "501"), ("Nobody", "Nobody")],
)
def test_students_are_found_by_what_is_theirs(journal, wanted, key):
    assert found(journal, wanted) == key


@pytest.mark.parametrize(
    ("wanted", "told", "hint"),
    [
        ("Grace Hopper", "`Grace Hopper` may be any of 2 students", "`502`, `503`"),
        ("Ada Lovelaec", "there is no student `Ada Lovelaec`", "did you mean `Ada Lovelace`"),
        ("zzz", "there is no student `zzz`", "grades.csv"),
    ],
)
def test_students_who_are_not_found(journal, wanted, told, hint):
    with pytest.raises(ClassError, match=told) as caught:
        found(journal, wanted)
    assert hint in caught.value.hint


def test_points_are_given_and_taken_back(journal):
    standing, made = override(journal, "501", "update.terminal", 3, " a misread mask ")
    assert mark_of(standing).score == 84
    assert made.reason == "a misread mask"
    assert made.submission == standing.turn.submission
    standing, _ = override(journal, "501", "update.terminal", None, "no, it was right")
    assert mark_of(standing).score == 81


@pytest.mark.parametrize(
    ("student", "check", "points", "reason", "told", "hint"),
    [
        ("501", "update.terminal", 5, "x", "`update.terminal` has 4 points, not 5", "give 0 to 4"),
        ("501", "update.terminal", -1, "x", "has 4 points, not -1", "give 0 to 4"),
        ("501", "update.termnal", 4, "x", "there is no check `update.termnal`", "update.terminal"),
        ("501", "zzz", 4, "x", "there is no check `zzz`", "the checks are `q_network."),
        ("501", "update.terminal", 4, "  ", "an override needs a reason", "--reason"),
        ("501", "update.terminal", None, "x", "no points were given to `501`", "nothing to take"),
        ("504", "update.terminal", 4, "x", "`504` has no graded checks: none of", "`class grade`"),
        ("501", "CARTPOLE", 15, "x", "was not attempted in this grading", "--no-solve"),
    ],
)
def test_what_cannot_be_given(journal, student, check, points, reason, told, hint):
    if check == "CARTPOLE":
        (ada, *_) = journal.standings(journal.grading())
        check = next(c.id for c in ada.summary.checks if c.id.startswith("cartpole."))
    with pytest.raises(ClassError) as caught:
        override(journal, student, check, points, reason)
    assert told in str(caught.value)
    assert hint in caught.value.hint
    assert journal.overrides(journal.grading()) == {}

"""Filling an offline grading worksheet of Moodle's."""

import csv
import io

import pytest

from grader.report.gradebook.moodle import fill_moodle
from grader.report.gradebook.table import GradebookError

ENGLISH = [
    "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,"
    "Last modified (submission),Last modified (grade),Feedback comments",
    'Participant 41,Ada Lovelace,ada@x.org,Submitted for grading,,100.00,Yes,"Monday, 1",-,',
    "Participant 42,Eve Müller,eve@x.org,No submission,12.00,100.00,Yes,-,-,well done",
]
GERMAN = [
    "ID;Vollständiger Name;Status;Bewertung;Bestwertung;Bewertung kann geändert werden",
    "Teilnehmer/in41;Ada Lovelace;Zur Bewertung abgegeben;;100,00;Ja",
    "Teilnehmer/in42;Eve Müller;Keine Abgabe;;100,00;Ja",
]


def worksheet(rows):
    return "".join(f"{row}\n" for row in rows).encode()


def table(data, delimiter=","):
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=delimiter))


def refused(rows, **options):
    with pytest.raises(GradebookError) as raised:
        fill_moodle(worksheet(rows), {"41": 82}, name="sheet.csv", **options)
    return str(raised.value), raised.value.hint


def test_grades_are_filled_in_and_all_else_stays():
    filled = fill_moodle(worksheet(ENGLISH), {"41": 82, "zoe": 3})
    before = table(worksheet(ENGLISH))
    before[1][4] = "82"
    assert table(filled.data) == before
    assert (filled.filled, filled.unknown, filled.empty) == (1, ["zoe"], 1)


def test_a_site_in_another_language():
    filled = fill_moodle(b"\xef\xbb\xbf" + worksheet(GERMAN), {"42": 7})
    assert filled.data.startswith(b"\xef\xbb\xbf")
    assert table(filled.data, ";")[2][3] == "7"


@pytest.mark.parametrize("student", ["42", "eve@x.org", "Eve Müller"])
def test_students_go_by_whatever_names_one(student):
    assert table(fill_moodle(worksheet(ENGLISH), {student: 9}).data)[2][4] == "9"


def test_a_name_that_two_students_have_names_nobody():
    same = [row.replace("Eve Müller", "Ada Lovelace") for row in ENGLISH]
    assert fill_moodle(worksheet(same), {"Ada Lovelace": 9}).unknown == ["Ada Lovelace"]


def test_a_fault_of_the_grader_leaves_the_grade_alone():
    filled = fill_moodle(worksheet(ENGLISH), {"42": None, "41": 0})
    assert [row[4] for row in table(filled.data)[1:]] == ["0", "12.00"]


def test_a_column_may_be_named():
    bare = [row.replace("100.00", "") for row in ENGLISH]
    error, hint = refused(bare)
    assert error == "it is not to be seen which column of `sheet.csv` holds the grade"
    assert hint == "name the column by its head"
    assert table(fill_moodle(worksheet(bare), {"41": 5}, "Grade").data)[1][4] == "5"
    error, hint = refused(bare, column="Note")
    assert error == "`sheet.csv` has no column `Note`"
    assert hint.startswith("its columns are `Identifier`, `Full name`")


def test_another_maximum():
    error, hint = refused([row.replace("100.00", "10.00") for row in ENGLISH])
    assert error == "grades in `sheet.csv` are out of 10; scores are out of 100"
    assert hint == "set the assignment's maximum grade to 100 in Moodle and download it again"


def test_a_participant_who_stands_there_twice():
    error, _hint = refused([*ENGLISH, ENGLISH[1]])
    assert error == "`41` stands twice in `sheet.csv`, in rows 2 and 4"


def test_another_table_of_moodles():
    error, hint = refused(["First name,Grade", "Ada,3"])
    assert error == "the first column of `sheet.csv` does not number participants"
    assert "offline grading worksheet" in hint

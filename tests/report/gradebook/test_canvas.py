"""Filling the export of a Canvas gradebook."""

import csv
import io

import pytest
from finalgrade.canvas.read import read_canvas

from grader.report.gradebook.canvas import fill_canvas
from grader.report.gradebook.table import GradebookError

HEAD = "Student,ID,SIS User ID,SIS Login ID,Section,Essay (11),DQN (12345),Final Score"
POSTING = ",,,,,,Manual Posting,(read only)"
POINTS = "    Points Possible,,,,,10.00,100.00,(read only)"
ADA = '"Lovelace, Ada",101,s1,ada,Lab 1,9.00,,54.1'
EVE = '"Müller, Eve",102,s2,eve,Lab 1 and Lab 2,8.00,70.00,88.0'
TEST = '"Student, Test",199,,f0e1d2,Lab 1,,,'
ROWS = (HEAD, POSTING, POINTS, ADA, EVE, TEST)


def export(*rows):
    return "".join(f"{row}\r\n" for row in rows).encode()


def table(filled):
    return list(csv.reader(io.StringIO(filled.data.decode("utf-8-sig"), newline="")))


def refused(*rows, title="DQN", scores=None, data=None):
    with pytest.raises(GradebookError) as raised:
        fill_canvas(data or export(*rows), scores or {"101": 82}, title, "grades.csv")
    return str(raised.value), raised.value.hint


def test_the_column_is_filled_and_nothing_else_goes_back():
    filled = fill_canvas(export(*ROWS), {"101": 82, "eve": 97}, "DQN")
    assert table(filled) == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "DQN (12345)"],
        ["", "", "", "", "", "Manual Posting"],
        ["    Points Possible", "", "", "", "", "100.00"],
        ["Lovelace, Ada", "101", "s1", "ada", "Lab 1", "82"],
        ["Müller, Eve", "102", "s2", "eve", "Lab 1 and Lab 2", "97"],
        ["Student, Test", "199", "", "f0e1d2", "Lab 1", ""],
    ]
    assert (filled.filled, filled.unknown, filled.empty) == (2, [], 1)
    assert filled.data.count(b"\r\n") == 6


def test_somebody_elses_reader_finds_the_scores(tmp_path):
    path = tmp_path / "canvas.csv"
    path.write_bytes(fill_canvas(export(HEAD, POINTS, ADA, EVE, TEST), {"s1": 82}, "DQN").data)
    read = read_canvas(path)
    assert read["points"].to_dict() == {"dqn": 100.0}
    assert read["df_score"]["dqn"]["s1"] == 82.0
    # What is blank is not graded, which is another thing than a zero.
    assert read["df_submit"]["dqn"].to_dict() == {"s1": True, "s2": False}


def test_a_fault_of_the_grader_is_blank_and_never_zero():
    filled = fill_canvas(export(*ROWS), {"101": None, "102": 0}, "DQN")
    assert [row[-1] for row in table(filled)[3:]] == ["", "0", ""]
    assert (filled.filled, filled.empty) == (1, 2)


@pytest.mark.parametrize("title", ["DQN", "DQN (12345)", "12345", " DQN "])
def test_a_title_with_or_without_its_number(title):
    assert table(fill_canvas(export(*ROWS), {"101": 5}, title))[3][-1] == "5"


def test_students_who_are_not_in_the_course_are_told():
    assert fill_canvas(export(*ROWS), {"zoe": 1, "bob": 2, "ada": 3}, "DQN").unknown == [
        "bob",
        "zoe",
    ]


def test_semicolons_decimal_commas_and_a_byte_order_mark_stay():
    rows = [row.replace(",", ";").replace(".00", ",00") for row in (HEAD, POINTS)]
    ada = "Lovelace Ada;101;s1;ada;Lab 1;9,00;;54,1"
    filled = fill_canvas(b"\xef\xbb\xbf" + export(*rows, ada), {"ada": 82}, "DQN")
    text = filled.data.decode()
    assert text.startswith("\ufeffStudent;ID;")
    assert text.endswith("Lovelace Ada;101;s1;ada;Lab 1;82\r\n")


def test_another_title_is_told_with_the_closest():
    error, hint = refused(*ROWS, title="DQNs")
    assert (
        error
        == "`grades.csv` has no assignment `DQNs`; its assignments: `Essay (11)`, `DQN (12345)`"
    )
    assert hint == "did you mean `DQN (12345)`?"
    _error, hint = refused(*ROWS, title="Lineare Algebra")
    assert hint == "make the assignment in Canvas first, then export the gradebook"


def test_a_title_that_two_assignments_have():
    error, hint = refused(HEAD.replace("Essay", "DQN"), ADA)
    assert error == "`DQN` may be any of `DQN (11)`, `DQN (12345)` in `grades.csv`"
    assert hint == "give the title with its number"


def test_a_student_who_stands_there_twice():
    error, hint = refused(*ROWS, ADA)
    assert error.endswith("stands twice in `grades.csv`, in rows 4 and 7")
    assert "a grade belongs to one row" in hint


def test_two_names_for_one_student():
    error, hint = refused(*ROWS, scores={"101": 3, "ada": 5})
    assert error == "`101` and `ada` are both row 4 of `grades.csv`"
    assert "roster" in hint


def test_an_assignment_of_another_scale():
    error, hint = refused(HEAD, POINTS.replace("100.00", "10,5").replace("10,5", '"10,5"'), ADA)
    assert error == "`DQN (12345)` is worth 10.5 points in `grades.csv`; scores are out of 100"
    assert hint == "set the assignment's points to 100 in Canvas and export again"


def test_an_export_in_another_language():
    error, hint = refused(HEAD.replace("Student", "Étudiant", 1), ADA)
    assert (
        error == "`grades.csv` has no column `Student`, as every gradebook exported from Canvas has"
    )
    assert "English" in hint


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"Student,ID\n\xff\xfe\xfd", "`grades.csv` is not saved as UTF-8 text"),
        (b"PK\x03\x04rest", "`grades.csv` is a workbook or an archive"),
        (b"\n", "`grades.csv` is empty"),
        (export(HEAD, ADA + ",1"), "row 2 of `grades.csv` has 9 cells, its head has 8"),
        (b'Student,ID\n"a', "`grades.csv` is no table: unexpected end of data"),
    ],
)
def test_what_is_no_table(data, told):
    error, hint = refused(data=data)
    assert error == told
    assert "download it" in hint

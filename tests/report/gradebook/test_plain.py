"""The plain table of grades."""

import csv
import io

from grader.report.gradebook.plain import Grade, cell, grades_csv


def table(grades):
    return list(csv.DictReader(io.StringIO(grades_csv(grades).decode(), newline="")))


def test_a_row_per_student(told, untold):
    rows = table(
        [
            Grade("ada", told),
            Grade("bob", untold("grader_fault")),
            Grade("eve", untold("ungradable")),
        ]
    )
    assert [(row["student"], row["score"], row["out_of"], row["status"]) for row in rows] == [
        ("ada", "16", "100", "graded"),
        ("bob", "", "", "grader_fault"),
        ("eve", "0", "100", "ungradable"),
    ]
    assert (rows[0]["cartpole"], rows[1]["cartpole"]) == ("15", "")
    assert rows[1]["reason"] == "the worker `x` is gone"
    assert len(rows[0]["sha256"]) == 64


def test_nobody_is_a_table_too():
    assert grades_csv([]) == b"student,score,out_of,status,reason,sha256\n"


def test_no_cell_is_computed():
    assert cell("=1+1") == "'=1+1"
    assert cell(" \t@x") == "'     @x"
    assert cell("a=1") == "a=1"

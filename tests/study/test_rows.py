"""The files of a study: what is written is read again, whatever interrupted the writing."""

import pytest

from grader.cartpole.schedule import Schedule
from grader.study.plan import key_of, tasks
from grader.study.rows import COLUMNS, Files, row_of
from grader.study.settings import study_hash
from grader.trials.errors import TrialError
from grader.trials.session import matching
from grader.trials.subjects import Subject


def test_rows_come_back_as_they_were(row, tmp_path):
    files = Files(tmp_path / "new" / "folder")
    written = [row(0), row(1, "unsolved", largest_audit_error=None), row(2, "raised", curve=[])]
    for each in written:
        files.add(each)
    assert list(Files(tmp_path / "new" / "folder").read().values()) == written


def test_the_table_has_a_header_and_a_line_per_row(row, tmp_path):
    Files(tmp_path).add(row(7, seconds=1.23456))
    header, line = (tmp_path / "rows.csv").read_text(encoding="utf-8").splitlines()
    assert tuple(header.split(",")) == COLUMNS
    assert line == "abc,kit,mine,123,7,1,solved,800,12800,1.235,490.00,2e-05,"


def test_notes_stay_on_their_line(row, tmp_path):
    Files(tmp_path).add(row(outcome="raised", note='two\nlines, a "quote"'))
    (again,) = Files(tmp_path).read().values()
    assert again.result.note == 'two lines, a "quote"'


@pytest.mark.parametrize("name", ["rows.csv", "curves.jsonl"])
def test_a_torn_line_is_dropped(row, tmp_path, name):
    files = Files(tmp_path)
    files.add(row(0))
    whole = {path: path.read_bytes() for path in tmp_path.iterdir()}
    files.add(row(1))
    last = (tmp_path / name).read_bytes()
    for path, data in whole.items():
        path.write_bytes(data)
    (tmp_path / name).write_bytes(last[:-3])
    reopened = Files(tmp_path)
    assert [r.seed for r in reopened.read().values()] == [0]
    reopened.add(row(1, updates=900))
    reopened.add(row(2))
    assert [r.result.updates for r in Files(tmp_path).read().values()] == [800, 900, 800]


def test_a_torn_header_is_written_anew(row, tmp_path):
    (tmp_path / "rows.csv").write_text("study,rec")
    Files(tmp_path).add(row())
    assert len(Files(tmp_path).read()) == 1


def test_the_first_of_two_equal_rows_counts(row, tmp_path):
    files = Files(tmp_path)
    files.add(row(updates=800))
    files.add(row(updates=900))
    (kept,) = files.read().values()
    assert kept.result.updates == 800


def test_another_table_is_left_alone(tmp_path):
    (tmp_path / "rows.csv").write_text("name,points\nme,100\n")
    with pytest.raises(TrialError, match="another table"):
        Files(tmp_path).read()


def test_a_damaged_row_is_named(row, tmp_path):
    files = Files(tmp_path)
    files.add(row())
    with (tmp_path / "rows.csv").open("a") as file:
        file.write("abc,kit,mine\n")
    with pytest.raises(TrialError, match="line 3 of"):
        files.read()


def test_a_file_in_the_place_of_the_folder(tmp_path):
    (tmp_path / "out").touch()
    with pytest.raises(TrialError, match="cannot be written to"):
        Files(tmp_path / "out")


# --- what belongs together ------------------------------------------------------------------------

ONE, TWO = Subject("one", "1", {}), Subject("two", "2", {})


def test_only_rows_of_the_same_experiment_are_taken_up(row):
    plan = tasks({"kit": 4}, {"kit": "abc"}, [ONE, TWO], Schedule())
    right = [row_of(task, row().result) for task in plan]
    wrong = [
        row(0, study="other", sha256="1"),
        row(0, sha256="3"),
        row(0, recipe="page", sha256="1"),
        row(3, sha256="1"),
        row(4, sha256="2"),
    ]
    assert matching([*right, *wrong], plan) == right


def test_three_seeds_are_the_attempts_of_one_key_and_one_submission():
    plan = tasks({"kit": 9}, {"kit": "abc"}, [ONE, TWO], Schedule())
    assert [task.subject.name for task in plan] == ["one"] * 3 + ["two"] * 3 + ["one"] * 3
    assert [key_of(seed)[1] for seed in range(6)] == [1, 2, 3, 1, 2, 3]
    assert [key_of(seed)[0] for seed in (0, 2, 3)] == [
        b"key of the study, number 0",
        b"key of the study, number 0",
        b"key of the study, number 1",
    ]


def test_recipes_are_spread_over_the_run():
    studies = {"kit": "a", "sb3": "b"}
    plan = tasks({"kit": 8, "sb3": 2}, studies, [ONE], Schedule())
    assert [n for n, task in enumerate(plan) if task.recipe == "sb3"] == [2, 7]
    assert {task.subject.name for task in plan if task.recipe == "sb3"} == {"-"}


def test_the_hash_tells_schedules_apart_where_they_matter():
    usual, other = Schedule(), Schedule(lr=0.02)
    assert study_hash("kit", usual) == study_hash("kit", Schedule()) != study_hash("kit", other)
    assert study_hash("sb3", usual) == study_hash("sb3", other) != study_hash("page", usual)

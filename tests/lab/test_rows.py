"""The file of a lab: what is written is read again, whatever interrupted the writing."""

import dataclasses

import pytest

from grader.lab.experiments import EXPERIMENTS
from grader.lab.plan import lab_hash, tasks
from grader.lab.rows import File, row_of
from grader.lab.setting import Setting
from grader.trials.errors import TrialError
from grader.trials.subjects import Subject

ME = Subject("mine", "123", {})


def test_rows_come_back_as_they_were(row, tmp_path):
    file = File(tmp_path / "new" / "folder")
    written = [row(), row(seed=1, final=12.5), row("newest-batch")]
    for each in written:
        file.add(each)
    assert File(tmp_path / "new" / "folder").read() == written


def test_a_torn_line_is_dropped(row, tmp_path):
    file = File(tmp_path)
    file.add(row())
    file.add(row(seed=1))
    path = tmp_path / "runs.jsonl"
    path.write_bytes(path.read_bytes()[:-5])
    again = File(tmp_path)
    assert [r.seed for r in again.read()] == [0]
    again.add(row(seed=1))
    assert [r.seed for r in again.read()] == [0, 1]


def test_the_first_of_two_equal_rows_counts(row, tmp_path):
    file = File(tmp_path)
    file.add(row(final=100))
    file.add(row(final=200))
    (kept,) = file.read()
    assert kept.result.evaluations[-1].mean_return == 100


def test_a_damaged_line_is_named(row, tmp_path):
    file = File(tmp_path)
    file.add(row())
    with (tmp_path / "runs.jsonl").open("a") as lines:
        lines.write('{"lab": "abc"}\n')
    with pytest.raises(TrialError, match="line 2 of"):
        file.read()


def test_a_file_in_the_place_of_the_folder(tmp_path):
    (tmp_path / "out").touch()
    with pytest.raises(TrialError, match="cannot be written to"):
        File(tmp_path / "out")


def test_a_run_in_one_line(row):
    assert row(seed=3).told == (
        "baseline, seed 3: greedy return 500, max Q 90 after 5,000 updates, 9.5 s"
    )
    assert row().good
    assert not row(final=474.9).good


def test_a_row_belongs_to_its_task(row):
    (task,) = tasks(EXPERIMENTS[:1], 1, ME, Setting())
    assert row_of(task, row().result).id == task.id
    assert task.label == "seed 0 of `baseline`"


def test_all_experiments_of_a_seed_come_before_the_next():
    plan = tasks(EXPERIMENTS[:2], 2, ME, Setting())
    assert [(t.seed, t.experiment) for t in plan] == [
        (0, "baseline"),
        (0, "newest-transition"),
        (1, "baseline"),
        (1, "newest-transition"),
    ]


def test_the_hash_tells_settings_apart():
    usual = Setting()
    assert lab_hash(usual) == lab_hash(Setting()) != lab_hash(dataclasses.replace(usual, lr=0.1))

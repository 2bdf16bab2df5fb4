"""The page that is written of the verdicts: counts in its tables, which no text breaks."""

import re

import pytest

from grader.rubric import load_rubric
from tests.validity.claims import judge
from tests.validity.corpus import Case
from tests.validity.document import Idle, document
from tests.validity.verdicts import Check, Task, Verdict

RUBRIC = load_rubric()


def check(name, code=None, points=2, status="failed"):
    part = name.split(".")[0]
    return Check(id=name, part=part, status=status, code=code, points=points, reproduce=None)


def judged(group, *checks, advised=(), seconds=1.0, **case):
    """What is made of a case of `kind/file`."""
    given = {"id": "case", "base": "textbook", "why": "because", "group": group} | case
    return judge(Verdict(Task(Case(**given)), checks, tuple(advised), seconds))


@pytest.fixture
def table():
    """`table(judged, heading)` are the rows below a heading, each cell by its column's head."""

    def read(judged, heading, idle=(), seconds=60.0, jobs=1):
        page = document(judged, idle, RUBRIC, seconds, jobs)
        _, found, rest = page.partition(f"# {heading}\n")
        assert found, heading
        lines = []
        for line in rest.split("\n"):
            if line.startswith("|"):
                lines.append([c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]])
            elif lines or line.startswith("#"):
                break
        heads, rule, *rows = lines
        assert rule == ["---"] * len(heads)
        assert all(len(row) == len(heads) for row in rows)
        return [dict(zip(heads, row, strict=True)) for row in rows]

    return read


HUBER = check("update.loss", "UPDATE_HUBER")
L1 = check("update.loss", "UPDATE_LOSS_L1")
UPDATE = {"loses": ("update",)}
#: Two of three codes named on two bases, one wrongly; a double fault half named; the rest.
JUDGED = [
    judged("wrong/loss", HUBER, check("update.max"), codes=("UPDATE_HUBER",), **UPDATE),
    judged("wrong/loss", HUBER, codes=("UPDATE_HUBER",), base="ring", seconds=3.0, **UPDATE),
    judged("wrong/loss", L1, codes=("UPDATE_HUBER",), base="ring", seconds=2.0, **UPDATE),
    judged("wrong/sync", codes=("SYNC_NOOP",), loses=("update_target",)),
    judged(
        "double/two",
        HUBER,
        check("update_target.copies"),
        check("update_target.repeated", status="blocked"),
        codes=("UPDATE_HUBER", "SYNC_PARTIAL"),
        loses=("update", "update_target"),
        why="two at once",
    ),
    judged("subtle/update", check("update.any_batch"), why="odd | even\nrows", **UPDATE),
    judged("subtle/sample", why="unseen", loses=("sample",)),
    judged("correct/bases"),
    judged("correct/advice", advice="SLOW", advised=("SLOW",)),
    judged("correct/advice", advice="SLOW"),
    judged("correct/td_target", HUBER),
]


def test_the_summary_counts_each_kind(table):
    wrong, subtle, double, correct = table(JUDGED, "Summary")
    assert wrong == {
        "submissions": "Wrong, with a misconception of the list",
        "number": "4",
        "points as due": "3",
        "named": "2 of 4",
        "not named": "2",
        "named wrongly": "1",
    }
    counts = ("number", "points as due", "named", "not named", "named wrongly")
    assert [subtle[c] for c in counts] == ["2", "1", "–", "–", "–"]
    assert [double[c] for c in counts] == ["1", "1", "1 of 2", "1", "0"]
    assert [correct[c] for c in counts] == ["4", "2", "–", "–", "–"]


def test_kinds_that_were_not_graded_have_no_row(table):
    (only,) = table(JUDGED[:1], "Summary")
    assert only["number"] == "1"
    assert table([], "Summary") == []


def test_the_claims_are_stated():
    page = document(JUDGED, [], RUBRIC, 1.0, 1)
    assert "At least 97% of the misconceptions must be named and at most 1% wrongly." in page


def test_misconceptions_are_counted_by_code(table):
    (huber,) = table(JUDGED, "DQNAgent.update")
    assert huber == {
        "code": "`UPDATE_HUBER`",
        # The double fault included,
        "cases": "4",
        "bases": "2",
        "named": "3",
        "silent": "1",
        "other name": "`UPDATE_LOSS_L1` 1",
        # … but not in the checks that fail because of this fault alone.
        "checks that fail": "`update.loss` 3, `update.max` 1",
    }
    noop, partial = table(JUDGED, "DQNAgent.update_target")
    assert (noop["code"], noop["cases"], noop["named"], noop["silent"]) == (
        "`SYNC_NOOP`",
        "1",
        "0",
        "1",
    )
    assert (noop["other name"], noop["checks that fail"]) == ("–", "")
    assert (partial["code"], partial["silent"], partial["checks that fail"]) == (
        "`SYNC_PARTIAL`",
        "1",
        "",
    )


@pytest.mark.parametrize("part", ["QNetwork", "ReplayBuffer.sample", "Code that was given"])
def test_parts_without_a_misconception_have_an_empty_table(table, part):
    assert table(JUDGED, part) == []


def test_subtle_faults(table):
    seen, unseen = table(JUDGED, "Subtle faults")
    assert seen == {
        "what is wrong": r"odd \| even rows",
        "loses points in": "update",
        "checks that fail": "`update.any_batch`",
        "named": "–",
    }
    assert unseen["loses points in"] == "none"


def test_two_faults_at_once(table):
    (double,) = table(JUDGED, "Two faults at once")
    assert double == {
        "what is wrong": "two at once",
        "codes": "`UPDATE_HUBER` + `SYNC_PARTIAL`",
        "loses points in": "update, update_target",
        "named": "1 of 2",
    }


def test_correct_submissions_by_what_varies(table):
    rows = table(JUDGED, "Correct submissions")
    assert [list(row.values()) for row in rows] == [
        ["bases", "1", "1"],
        ["advice", "2", "2"],
        ["td target", "1", "0"],
    ]


def test_remarks(table):
    (slow,) = table(JUDGED, "Remarks that cost nothing")
    assert slow == {"code": "`SLOW`", "submissions": "2", "remarked on": "1"}
    assert table(JUDGED[:-3], "Remarks that cost nothing") == []


def test_idle_checks_are_told_with_their_title(table):
    (row,) = table(JUDGED, "No check is idle", [Idle("update.loss", "huber-plain", "passes")])
    assert row == {
        "check": "`update.loss`",
        "title": RUBRIC.find("update.loss").title,
        "without it": "`huber-plain`",
        "then": "passes",
    }


def test_times(table):
    wrong, _subtle, _double, _correct = table(JUDGED, "Time", seconds=90.0, jobs=3)
    assert list(wrong.values())[1:] == ["1.50", "3.00", "3.00"]
    ten = [judged("wrong/loss", seconds=float(n)) for n in range(20)]
    (row,) = table(ten, "Time")
    assert list(row.values())[1:] == ["9.50", "18.00", "19.00"]
    page = document(JUDGED, [], RUBRIC, 90.0, 3)
    assert "11 submissions in 1.5 minutes, 3 at a time." in page


@pytest.mark.parametrize("text", ["a | b", "a || b", "|", "a\nb", r"a \| b"])
def test_text_breaks_no_table(table, text):
    case = judged("subtle/update", check("update.loss", text), why=text, **UPDATE)
    (row,) = table([case], "Subtle faults")
    assert list(row) == ["what is wrong", "loses points in", "checks that fail", "named"]
    assert row["loses points in"] == "update"


def test_the_page_is_the_same_each_time_and_ends_with_one_line_break():
    page, again = (document(JUDGED, [], RUBRIC, 1.0, 1) for _ in range(2))
    assert page == again
    assert page.startswith("# How right the grades are\n")
    assert page == page.rstrip() + "\n"

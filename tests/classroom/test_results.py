"""What people read: the table, the reports, the class page, all from the journal alone."""

import csv
import errno
import io
import json
import os
import re
import shutil
from html.parser import HTMLParser

import jsonschema
import msgspec
import pytest

from grader.classroom.errors import ClassError, ClassFault
from grader.classroom.journal import Journal
from grader.classroom.names import folder_names
from grader.classroom.records import Override
from grader.classroom.results import WRITERS, write_results
from grader.classroom.table import COLUMNS
from grader.report.markdown import to_markdown
from grader.report.model import Report
from grader.report.safe import encodable
from tests.classroom.conftest import Fake
from tests.report.test_poisoned import MUST_HOLD, POISON, floods

TERMINAL = "# fails: update.terminal=UPDATE_NO_TERMINAL_MASK\n"
CLASS = {
    "ada": "x = 1\n# advice: UPDATE_CLIPS_BY_VALUE\n".replace("UPDATE_CLIPS_BY_VALUE", "GIVEN_X"),
    "bob": TERMINAL + "# seconds: 7.5\n",
    "cyd": TERMINAL + "# another\n",
    "dan": "# fails: sample.rows=crashed\n",
    "eve": None,
    "fay": "# fault\n",
}


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def table(out):
    """Rows of grades.csv by student."""
    text = (out / "grades.csv").read_text(encoding="utf-8-sig")
    return {row["student"]: row for row in csv.DictReader(io.StringIO(text, newline=""))}


def page(out):
    return (out / "index.html").read_text(encoding="utf-8")


class _Text(HTMLParser):
    def __init__(self):
        super().__init__()
        self.words, self.tags = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)


def read(html):
    """The page's text in one line, and its tags."""
    parser = _Text()
    parser.feed(html[html.index("<main>") :])
    return re.sub(r"\s+", " ", " ".join(parser.words)), parser.tags


@pytest.fixture
def graded(hand_in, grade_class, out, checks):
    """A class with everything that can happen."""
    texts = {
        name: text
        and text.replace("sample.rows", checks["sample"]).replace("GIVEN_X", checks["code"])
        for name, text in CLASS.items()
    }
    grade_class(hand_in(texts))
    return out


@pytest.fixture(scope="session")
def checks():
    """Ids that the rubric and the explanations have."""
    from grader.explanations import load_explanations
    from grader.rubric import load_rubric

    sample = next(check.id for check in load_rubric().checks_of("sample") if check.points)
    code = next(c for c, each in load_explanations().items() if each.severity == "advice")
    return {"sample": sample, "code": code, "cartpole": load_rubric().checks_of("cartpole")[0].id}


def test_the_table(graded):
    rows = table(graded)
    assert list(rows) == sorted(CLASS)
    assert list(rows["ada"]) == list(COLUMNS)
    assert (rows["ada"]["score"], rows["ada"]["max_score"]) == ("85", "85")
    assert (rows["bob"]["score"], rows["bob"]["update"], rows["bob"]["cartpole"]) == (
        "81",
        "31",
        "",
    )
    assert (rows["eve"]["status"], rows["eve"]["score"]) == ("ungradable", "0")
    assert "none of `q_network.py`" in rows["eve"]["remark"]
    # A fault of the grader is nobody's zero.
    assert (rows["fay"]["status"], rows["fay"]["score"]) == ("grader_fault", "")
    assert rows["fay"]["remark"] == "out of order"


def test_every_student_has_a_folder_in_both_views(graded, root):
    schema = json.loads((root / "docs" / "report.schema.json").read_text(encoding="utf-8"))
    for student in CLASS:
        for place, view in (("students", "student"), ("staff", "staff")):
            folder = graded / place / student
            assert sorted(path.name for path in folder.iterdir()) == sorted(WRITERS)
            report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
            jsonschema.validate(report, schema)
            assert report["submission"]["name"] == student
            if student not in ("eve", "fay"):
                assert report["view"] == view
    statuses = {
        student: json.loads((graded / "students" / student / "report.json").read_bytes())["status"]
        for student in CLASS
    }
    assert (statuses["ada"], statuses["eve"], statuses["fay"]) == (
        "graded",
        "ungradable",
        "grader_fault",
    )
    assert "Score: 81/85" in (graded / "students" / "bob" / "report.txt").read_text("utf-8")


def test_the_class_page(graded):
    text, _tags = read(page(graded))
    assert "Class of 6 students" in text
    assert "4 graded" in text
    assert "1 with nothing gradable" in text
    assert "1 not graded, by a fault of the grader" in text
    assert "Scores from 0 to 85" in text
    assert re.search(r"update\.terminal 2 of 4", text)
    assert re.search(r"UPDATE_NO_TERMINAL_MASK 2 ", text)
    assert re.search(r"2 students : update\.terminal .*? bob , cyd", text)
    assert re.search(r"Crashed, timed out, or not graded .* dan .* crashed", text)
    assert re.search(r"Slowest to grade .*? bob 7\.5", text)
    assert "Advice that cost no points" in text


def test_the_page_is_one_file_without_scripts(graded):
    html = page(graded)
    assert "default-src 'none'; style-src 'unsafe-inline'" in html
    _text, tags = read(html)
    names = {tag for tag, _attributes in tags}
    assert not names & {"script", "link", "img", "iframe", "form", "object"}
    links = [attributes["href"] for tag, attributes in tags if tag == "a"]
    assert links
    assert all((graded / link).is_file() for link in links)
    heads = [attributes for tag, attributes in tags if tag == "th"]
    assert all("scope" in attributes for attributes in heads)


def test_names_can_be_left_out(hand_in, grade_class, out, checks):
    source = hand_in({"quxlove": "x = 1\n", "quxbuild": TERMINAL, "quxent": None})
    grade_class(source, names=False)
    html = page(out).replace(str(source), "")
    assert "qux" not in html
    text, tags = read(html)
    assert "student 1" in text
    assert [tag for tag, _ in tags if tag == "a"] == []


def test_everything_is_written_again_from_the_journal(graded):
    def files():
        return {
            path.relative_to(graded): path.read_bytes()
            for path in sorted(graded.rglob("*"))
            if path.is_file() and "journal" not in path.name and not path.name.startswith(".")
        }

    before = files()
    for name in ("students", "staff"):
        shutil.rmtree(graded / name)
    for name in ("grades.csv", "index.html"):
        (graded / name).unlink()
    with Journal.to_write(graded) as journal:
        write_results(journal, journal.grading())
    assert files() == before


def test_only_what_has_changed_is_written(hand_in, grade_class, out):
    def times():
        return {
            path.parent.name: path.stat().st_mtime_ns
            for path in (out / "students").glob("*/report.json")
        }

    grade_class(hand_in({"ada": "x = 1\n", "bob": TERMINAL, "cyd": TERMINAL}))
    before = times()
    (out / "students" / "cyd" / "report.txt").unlink()
    grade_class(hand_in({"bob": "x = 2\n"}))
    after = times()
    assert [name for name in before if before[name] != after[name]] == ["bob", "cyd"]
    assert (out / "students" / "cyd" / "report.txt").exists()
    with Journal.to_write(out) as journal:
        write_results(journal, journal.grading(), anew=True)
    assert all(times()[name] != after[name] for name in after)


def test_reports_of_students_who_are_gone_go_too(hand_in, grade_class, out):
    source = hand_in({"ada": "x = 1\n", "bob": TERMINAL})
    grade_class(source)
    (out / "staff" / "bob" / "notes.txt").write_text("mine")
    shutil.rmtree(source / "bob")
    grade_class(source)
    assert sorted(path.name for path in (out / "students").iterdir()) == ["ada"]
    assert [path.name for path in (out / "staff" / "bob").iterdir()] == ["notes.txt"]


def test_overrides_show_everywhere(graded, checks):
    with Journal.to_write(graded) as journal:
        grading = journal.grading()
        for check, points in (("update.terminal", 4), (checks["cartpole"], 15)):
            made = Override("bob", check, points, "a <b>misread</b> mask", "0" * 64, "now")
            journal.add_override(grading, made)
        write_results(journal, grading)
    row = table(graded)["bob"]
    assert (row["score"], row["graded_score"], row["update"]) == ("85", "81", "35")
    assert row["overrides"] == "update.terminal: 4 instead of 0: a <b>misread</b> mask"
    assert f"the override of {checks['cartpole']} waits for it to be graded" in row["remark"]
    assert "the override of update.terminal was made for another submission" in row["remark"]
    report = json.loads((graded / "students" / "bob" / "report.json").read_bytes())
    assert report["score"] == 85
    assert report["overrides"] == [
        {
            "check": "update.terminal",
            "score": 4,
            "graded": 0,
            "reason": "a <b>misread</b> mask",
        }
    ]
    shown = (graded / "students" / "bob" / "report.html").read_text("utf-8")
    assert "4 points instead of 0" in shown
    assert "a &lt;b&gt;misread&lt;/b&gt; mask" in shown
    made = msgspec.json.decode(
        (graded / "students" / "bob" / "report.json").read_bytes(), type=Report
    )
    assert "4 points instead of 0" in to_markdown(made)
    text = (graded / "students" / "bob" / "report.txt").read_text("utf-8")
    assert "Points given by staff" in text
    assert "update.terminal: 4 instead of 0: a <b>misread</b> mask" in text
    html = page(graded)
    assert "a &lt;b&gt;misread&lt;/b&gt; mask" in html
    assert "<b>" not in html


#: Keys that are folders' names or would lead elsewhere.
AWKWARD = ["../../x", "{{ 7 * 7 }}", "con", "ADA", "ada", "a/b", "-2", "+1"]


def test_names_are_text_wherever_they_are_shown(tmp_path, grade_class, out):
    names = [*(encodable(text)[:3_000] for text in POISON.values()), *AWKWARD]
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "q_network.py").write_text(TERMINAL)
    (tmp_path / "none").mkdir()
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["student", "path", "name", "email"])
    for number, name in enumerate(names):
        writer.writerow([name.strip() or number, ("one", "none")[number % 2], name, name])
    roster = tmp_path / "class.csv"
    roster.write_bytes(text.getvalue().replace("\0", "").encode())
    grade_class(roster)
    with Journal.to_write(out) as journal:
        grading = journal.grading()
        for standing in [*journal.standings(grading)]:
            if standing.turn.submission is not None:
                reason = POISON["HTML"] + POISON["escape sequences"] + POISON["formulas"]
                mine = Override(standing.turn.student, "update.terminal", 1, reason, "", "now")
                journal.add_override(grading, mine)
        write_results(journal, grading)
    for name, kind in (("index.html", "html"), ("grades.csv", "csv")):
        data = (out / name).read_bytes().removeprefix(b"\xef\xbb\xbf")
        found = [told for f in MUST_HOLD[kind] if f is not floods for told in f(data)]
        ours = re.compile(r"href=staff/[A-Za-z0-9._@+-]+/report\.html")
        assert [told for told in found if not ours.fullmatch(told)] == []
    assert "49" not in page(out).split("Students</h2>")[-1]
    rows = list(csv.reader(io.StringIO((out / "grades.csv").read_text("utf-8-sig"), newline="")))
    assert len({len(row) for row in rows}) == 1
    folders = [path.name for path in (out / "students").iterdir()]
    assert len({name.lower() for name in folders}) == len(folders) == len(rows) - 1
    assert all(re.fullmatch(r"[A-Za-z0-9_@+-][A-Za-z0-9._@+-]*", name) for name in folders)


def test_folder_names():
    names = folder_names(["Ada Lovelace", "ada_lovelace", "..", "", "NUL.txt", "é" * 200, "陈"])
    assert list(names.values()) == [
        "Ada_Lovelace",
        "ada_lovelace-2",
        "student",
        "student-2",
        "_NUL.txt",
        "e" * 60,
        "student-3",
    ]


@pytest.mark.parametrize(
    ("number", "kind", "told"),
    [
        (errno.ENOSPC, ClassFault, "is full; every verdict that was made so far is in the journal"),
        (errno.EACCES, ClassError, "cannot be written to: "),
    ],
)
def test_a_disk_that_does_not_take_the_results(
    hand_in, grade_class, monkeypatch, number, kind, told
):
    def refuse(path, _data):
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr("grader.classroom.results.write_atomic", refuse)
    with pytest.raises(kind, match=told) as caught:
        grade_class(hand_in({"ada": "x = 1\n"}))
    assert caught.value.hint


def test_a_class_that_is_not_finished_says_so(hand_in, grade_class, out):
    source = hand_in({f"s{n}": f"x = {n}\n" for n in range(3)})
    with pytest.raises(KeyboardInterrupt):
        grade_class(source, executor=Fake(capacity=1, stop_after=1))
    with Journal.to_write(out) as journal:
        write_results(journal, journal.grading())
    assert "not finished" in page(out)
    pending = [row for row in table(out).values() if row["status"] == "pending"]
    assert [row["score"] for row in pending] == ["", ""]
    report = json.loads((out / "students" / pending[0]["folder"] / "report.json").read_bytes())
    assert (report["status"], report["reason"]) == ("interrupted", "not graded yet")

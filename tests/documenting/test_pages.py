"""The reference pages are those that the code gives, and everything has its place on them."""

import argparse
import re

import pytest

from grader.documenting import __main__ as renewing
from grader.documenting.checks import docstrings
from grader.documenting.commands import commands_page, leaves
from grader.documenting.markdown import paragraphs, table
from grader.documenting.measured import Unreadable, by_check, failing_checks
from grader.documenting.pages import FOLDER, ROOT, pages
from grader.documenting.schema import report_page
from grader.explanations import load_explanations
from grader.rubric import HIDDEN_FOLDER, load_rubric


@pytest.fixture(scope="module")
def texts():
    return pages()


def headings(text):
    return re.findall(r"^### `(.+)`$", text, re.M)


def section(text, heading):
    _, found, rest = text.partition(f"# `{heading}`\n")
    assert found
    return re.split(r"^#", rest, flags=re.M)[0]


@pytest.mark.parametrize("name", ["checks.md", "misconceptions.md", "cli.md", "report.md"])
def test_no_page_is_stale(texts, name):
    there = (ROOT / FOLDER / name).read_text("utf-8")
    assert there == texts[name], f"{FOLDER}/{name} is stale: run `make docs`"


def test_there_are_no_other_pages(texts):
    assert {path.name for path in (ROOT / FOLDER).iterdir()} == set(texts)


def test_pages_say_how_to_renew_them(texts):
    assert all(text.startswith("<!-- Written by `make docs` from ") for text in texts.values())


def test_every_check_is_told(texts):
    rubric = load_rubric(hidden=HIDDEN_FOLDER)
    assert sorted(headings(texts["checks.md"])) == sorted(check.id for check in rubric.check)
    terminal = section(texts["checks.md"], "update.terminal")
    assert "**TD target of terminal transitions**" in terminal
    assert "4 points; visibility `visible`." in terminal
    assert "Needs [`update.learns`](#updatelearns)" in terminal
    assert "[`UPDATE_NO_TERMINAL_MASK`](misconceptions.md#update_no_terminal_mask)" in terminal
    assert "Terminal transitions have the reward alone as their target." in terminal
    strengthened = section(texts["checks.md"], "update_target.repeated")
    assert "1 point; visibility `visible`." in strengthened
    assert "[`update_target.hidden_rounds`](#update_targethidden_rounds) can take" in strengthened
    hidden = section(texts["checks.md"], "update_target.hidden_rounds")
    assert "Strengthens [`update_target.repeated`](#update_targetrepeated)" in hidden
    assert "visibility `hidden`" in hidden
    assert "must be the contract's" in section(texts["checks.md"], "cartpole.solved")


def test_every_misconception_is_told(texts):
    known = load_explanations()
    assert headings(texts["misconceptions.md"]) == list(known)
    huber, told = section(texts["misconceptions.md"], "UPDATE_HUBER"), known["UPDATE_HUBER"]
    for line in (told.title, told.why, told.hint, f"../assignment.md#{told.section}"):
        assert line in huber
    assert "Checks: [`update.loss`](checks.md#updateloss)" in huber


def test_every_command_is_told(texts):
    told = re.findall(r"^## `python -m grader (.+)`$", texts["cli.md"], re.M)
    assert {"grade", "watch", "doctor", "explain", "rubric", "study", "lab"} < set(told)
    assert "class grade" in told
    assert "class" not in told
    grade = section(texts["cli.md"], "python -m grader grade")
    assert "| `--fail-under N` | exit 1 when the score is below N" in grade
    assert "Exit status: 0 graded, whatever the score · 1 below --fail-under · 2" in grade
    count = (
        "| `--count newest\\|oldest` | which of a student's submissions counts; default: `newest` |"
    )
    assert count in texts["cli.md"]
    assert "| `check` | say what is wrong, with its line |" in texts["cli.md"]
    assert "| `make validity` | grade the corpus" in texts["cli.md"]
    assert "| `TORCH=cpu` | install PyTorch without CUDA" in texts["cli.md"]
    assert "| `--reason REASON` | the student reads it; must be given |" in texts["cli.md"]


def test_no_argument_is_without_a_meaning(texts):
    empty = [line for line in texts["cli.md"].splitlines() if re.fullmatch(r"\| `.*` \| *\|", line)]
    assert empty == []


def test_commands_within_commands():
    parser = argparse.ArgumentParser(prog="x")
    outer = parser.add_subparsers().add_parser("a", help="not told")
    inner = outer.add_subparsers().add_parser("b", help="told")
    inner.add_argument("place", metavar="PLACE", nargs="?", help="where")
    inner.add_argument("--mode", choices=("p", "q"), default="p", help="how")
    assert [(command.prog, told) for command, told in leaves(parser)] == [("x a b", "told")]
    page = commands_page(parser, ROOT)
    assert "## `x a b`\n\nTold.\n" in page
    assert "| `[PLACE]` | where |\n| `--mode p\\|q` | how; default: `p` |" in page


def test_the_schema_is_told_by_objects():
    schema = {
        "title": "t/v1",
        "description": "About it.",
        "$defs": {
            "name": {"description": "A name.", "type": "string", "pattern": "a|b"},
            "place": {"anyOf": [{"type": "null"}, {"type": "object", "properties": {}}]},
        },
        "properties": {
            "kind": {"description": "Which.", "enum": ["a", "b"]},
            "name": {"$ref": "#/$defs/name"},
            "place": {"$ref": "#/$defs/place"},
            "count": {"type": "integer", "minimum": 1},
            "share": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
            "pairs": {
                "type": "array",
                "items": {"type": "array", "prefixItems": [{"type": "number"}, {"const": 3}]},
            },
            "rows": {
                "type": "array",
                "minItems": 2,
                "maxItems": 2,
                "items": {
                    "description": "A row.",
                    "type": "object",
                    "properties": {"on": {"type": "boolean"}},
                    "required": ["on"],
                },
            },
        },
        "required": ["kind", "name", "place", "count", "share", "pairs", "rows"],
    }
    page = report_page(schema)
    for line in (
        '| `kind` | `"a"` or `"b"` | Which. |',
        "| `name` | [name](#names) |  |",
        "| `place` | object or null |  |",
        "| `count` | integer, at least 1 |  |",
        "| `share` | number from 0 to 1 or null |  |",
        "| `pairs` | array of [number, `3`] |  |",
        "| `rows` | array of object, 2 of them |  |",
        "## `rows[]`\n\nA row.\n\n| field | type | meaning |\n| --- | --- | --- |\n",
        "| `on` | boolean |  |",
        "| `name` | `a\\|b` | A name. |",
    ):
        assert line in page
    assert "May be absent" not in page
    schema["required"].remove("count")
    assert "| `count` | integer, at least 1 | May be absent. |" in report_page(schema)


def test_what_was_measured_is_read():
    page = (
        "# x\n\n## Misconceptions\n\n| code | checks that fail |\n| --- | --- |\n"
        "| `A_B` | 3 | – | `update.max` 3, `update.loss` 1 |\n| `C` | 2 | – | – |\n"
        "\n## Subtle faults\n\n| `D` | 1 | `update.max` 3 |\n"
    )
    failing = failing_checks(page)
    assert failing == {"A_B": ["update.max", "update.loss"], "C": []}
    assert by_check(failing) == {"update.max": ["A_B"], "update.loss": ["A_B"]}


def test_nothing_measured_is_told(monkeypatch, capsys):
    with pytest.raises(Unreadable, match="no tables of misconceptions"):
        failing_checks("# How right the grades are\n")

    def unreadable():
        return failing_checks("")

    monkeypatch.setattr(renewing, "pages", unreadable)
    assert renewing.main() == 1
    assert capsys.readouterr().err == (
        "error: docs/validity.md has no tables of misconceptions\n"
        "hint: write it with `make validity`\n"
    )


def test_pages_are_written(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(renewing, "pages", lambda: {"a.md": "text\n"})
    monkeypatch.setattr(renewing, "ROOT", tmp_path)
    assert renewing.main() == 0
    assert capsys.readouterr().out == f"{FOLDER}/a.md\n"
    assert (tmp_path / FOLDER / "a.md").read_text("utf-8") == "text\n"


def test_docstrings_are_found_without_running_anything(tmp_path):
    (tmp_path / "check_x.py").write_text(
        'PART = "sample"\nraise SystemExit\n\n'
        'def check_it():\n    """It holds.\n\n    And so on."""\n'
    )
    assert docstrings(tmp_path) == {"sample.it": "It holds.\n\nAnd so on."}


def test_text_that_is_laid_out():
    assert (
        paragraphs("One\n  line.\n\n  a\n  b\n\nTwo\nlines.")
        == "One line.\n\n  a\n  b\n\nTwo lines."
    )
    assert table(["a"], [["x | y\nz"]]) == "| a |\n| --- |\n| x \\| y z |"

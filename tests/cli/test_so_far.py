"""Reports as they come: without a score until the end, and there from the beginning."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import jsonschema
import pytest

from grader.grading import UNFINISHED, Options, grade
from grader.report.annotations import to_annotations
from grader.report.gradescope import to_gradescope
from grader.report.html import to_html
from grader.report.json_report import to_json
from grader.report.junit import to_junit
from grader.report.markdown import to_markdown
from grader.report.prairielearn import to_prairielearn
from grader.sandbox.intake import take_in

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """All reports of one grading in their order; the last is the verdict."""
    folder = tmp_path_factory.mktemp("mine")
    for name, source in (("q_network", "solution"), ("dqn_agent", "starter")):
        text = (ROOT / source / f"{name}.py").read_text("utf-8")
        (folder / f"{name}.py").write_text(text, "utf-8")
    reports = []
    verdict = grade(take_in(folder), Options(solve=False), so_far=reports.append)
    return [*reports, verdict]


def test_each_part_is_told_when_it_is_done(told):
    parts = [[part.id for part in report.parts if part.attempted] for report in told]
    assert parts == [
        ["q_network"],
        ["q_network", "sample"],
        ["q_network", "sample", "update"],
        ["q_network", "sample", "update", "update_target"],
        ["q_network", "sample", "update", "update_target"],
    ]
    assert [check.status for check in told[-2].checks] == [c.status for c in told[-1].checks]


def test_only_the_verdict_has_a_score(told):
    assert {(r.status, r.reason, r.score) for r in told[:-1]} == {("interrupted", UNFINISHED, None)}
    assert told[-1].status == "graded"
    assert told[-1].score == 20


def test_no_format_makes_a_grade_of_what_is_unfinished(told):
    text = (ROOT / "docs" / "report.schema.json").read_text("utf-8")
    schema = jsonschema.Draft202012Validator(json.loads(text))
    for report in told[:-1]:
        document = json.loads(to_json(report))
        assert document["score"] is None
        assert list(schema.iter_errors(document)) == []
        gradescope = json.loads(to_gradescope(report))
        assert "score" not in gradescope
        assert [t for t in gradescope.get("tests", []) if "score" in t or "max_score" in t] == []
        assert json.loads(to_prairielearn(report))["gradable"] is False
        assert "No score." in to_html(report).decode()
        assert "no score" in to_markdown(report)
        assert 'errors="1"' in to_junit(report).decode()
        assert "not your fault" in to_annotations(report, "")


def test_a_pipe_takes_one_report(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "q_network.py").write_text("x = 1\n")
    command = [sys.executable, "-m", "grader", "grade", str(tmp_path / "mine")]
    subprocess.run([*command, "--only", "q_network", "--json", str(pipe)], capture_output=True)
    reader.join(60)
    assert json.loads(read[0])["status"] == "graded"

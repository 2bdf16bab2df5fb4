"""Gradings by `python -m grader`, each made once and shared by the tests that ask for it."""

import json
import re
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = ("q_network.py", "replay_buffer.py", "dqn_agent.py")


@dataclass(frozen=True)
class Grading:
    """What one run of the grader left: its exit status, its JSON and what it printed."""

    returncode: int
    report: dict
    shown: str

    @property
    def points(self):
        """Points by part, of the parts that were attempted."""
        return {part["id"]: part["score"] for part in self.report["parts"] if part["attempted"]}

    def check(self, check_id):
        """One check's entry."""
        return next(check for check in self.report["checks"] if check["id"] == check_id)

    def told(self, part):
        """What is said of the checks of a part that went wrong, and in which file."""
        wrong = [
            check
            for check in self.report["checks"]
            if check["part"] == part and check["status"] in ("failed", "timed_out", "crashed")
        ]
        return "\n".join(f"{check['id']} {check['status']}: {check['observed']}" for check in wrong)


@pytest.fixture(scope="session")
def start(tmp_path_factory):
    """Start a grading; returns the process and the path of its JSON."""

    def run(path, *options):
        out = tmp_path_factory.mktemp("report") / "report.json"
        command = [sys.executable, "-m", "grader", "grade", str(path), "--json", str(out), *options]
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
        )
        return process, out

    return run


@pytest.fixture(scope="session")
def finish():
    """Await a grading; whatever the submission did, its report is valid and without a traceback."""
    schema = json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)

    def wait(process, out):
        shown, _ = process.communicate(timeout=200)
        assert "Traceback" not in shown
        report = json.loads(out.read_text(encoding="utf-8"))
        validator.validate(report)
        return Grading(process.returncode, report, shown)

    return wait


@pytest.fixture(scope="session")
def grade(start, finish):
    """Grade a path with options; the same question is answered once."""
    known = {}

    def run(path, *options):
        if (path, options) not in known:
            known[path, options] = finish(*start(path, *options))
        return known[path, options]

    return run


@pytest.fixture(scope="session")
def submission(tmp_path_factory):
    """Write a submission: the solution, with changes.

    bodies : code in the place of what a student writes, by its name (`DQNAgent.update`)
    ends : lines added at a file's end, by module
    files : whole files by module; None leaves one out
    base : `solution`, or `starter` to start from the TODOs
    """

    def write(*, bodies=None, ends=None, files=None, base="solution"):
        folder = tmp_path_factory.mktemp("submission")
        unused = set(bodies or {})
        for name in FILES:
            text = (ROOT / base / name).read_text(encoding="utf-8")
            for where, code in (bodies or {}).items():
                text, count = _body(where).subn(lambda _m, c=code: _indented(c), text)
                unused -= {where} if count == 1 else set()
            module = name.removesuffix(".py")
            text += (ends or {}).get(module, "")
            text = (files or {}).get(module, text)
            if text is not None:
                (folder / name).write_text(text, encoding="utf-8")
        assert not unused, f"nothing to replace at {unused}"
        return folder

    return write


def _body(where):
    """The solution's region of that name, or the starter's line that raises."""
    name = re.escape(where)
    solution = rf" *# >>> student: {name}\n.*?# <<< student\n"
    starter = rf' *raise NotImplementedError\("{name} is not written yet"\)\n'
    return re.compile(f"(?s:{solution})|{starter}")


def _indented(code):
    return textwrap.indent(textwrap.dedent(code).strip() + "\n", " " * 8)

"""Reports to test with: a real grading, hand-made ones, and a strategy for any other."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import msgspec
import pytest
from hypothesis import strategies as st

from grader.explanations import load_explanations
from grader.grading import Options
from grader.report.model import (
    AdviceEntry,
    AttemptEntry,
    AuditEntry,
    CheckResult,
    ExcerptEntry,
    LocationEntry,
    Report,
    SolveEntry,
    SubmissionEntry,
    TargetEntry,
    TimingEntry,
)
from grader.rubric import load_rubric
from grader.sandbox.intake import Submitted
from grader.unscored import fault_report, ungradable_report

ROOT = Path(__file__).resolve().parents[2]
STATUSES = ("passed", "failed", "blocked", "timed_out", "crashed", "not_attempted")
VISIBILITIES = ("visible", "hidden", "after_due_date", "after_published")


@pytest.fixture(scope="session")
def validator():
    """Validates against docs/report.schema.json."""
    schema = json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.fixture(scope="session")
def real(tmp_path_factory):
    """The report on the solution with a loss that is not clipped, as bytes; no CartPole run."""
    folder = tmp_path_factory.mktemp("real")
    for name in ("q_network.py", "replay_buffer.py", "dqn_agent.py"):
        text = (ROOT / "solution" / name).read_text(encoding="utf-8")
        lines = [line for line in text.splitlines(True) if "clip_grad_norm_" not in line]
        (folder / name).write_text("".join(lines), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "grader", "grade", "--no-solve", "--json", "-", str(folder)],
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=120,
    )
    return done.stdout


@pytest.fixture(scope="session")
def make_check():
    """A `CheckResult` of the rubric with changes."""

    def make(check_id="update.loss", **changes):
        entry = load_rubric().find(check_id)
        result = CheckResult(
            id=entry.id,
            part=entry.part,
            title=entry.title,
            status="failed",
            score=0,
            max_score=entry.points,
            visibility="visible",
        )
        return msgspec.structs.replace(result, **changes)

    return make


@pytest.fixture(scope="session")
def make_report():
    """A graded `Report` in the staff's view in which the given checks have run, all others not."""

    def make(checks=(), advice=(), solve=None, **changes):
        submitted = Submitted(name="mine", files={"q_network.py": b""})
        empty = fault_report(submitted, Options(view="staff"), "interrupted", "")
        ran = {check.id: check for check in checks}
        results = [ran.get(check.id, check) for check in empty.checks]
        parts = []
        for part in empty.parts:
            mine = [check for check in results if check.part == part.id]
            parts.append(
                msgspec.structs.replace(
                    part,
                    score=sum(check.score for check in mine),
                    attempted=any(check.status != "not_attempted" for check in mine),
                )
            )
        graded = {
            "status": "graded",
            "reason": None,
            "score": sum(part.score for part in parts),
            "attempted_max": sum(part.max_score for part in parts if part.attempted),
            "parts": parts,
            "checks": results,
            "advice": list(advice),
            "solve": solve or empty.solve,
        }
        return msgspec.structs.replace(empty, **(graded | changes))

    return make


@pytest.fixture(scope="session")
def told(make_check, make_report):
    """A report in the staff's view: every status, all that can be told of a failure, and a run."""
    target = TargetEntry(
        transition=2,
        action=0,
        reward=0.1933,
        terminal=True,
        best_next=0.8856,
        expected=0.1933,
        got=0.9904,
        formula="0.1933 + 0.9 · 0.8856",
    )
    excerpt = ExcerptEntry(first=58, lines=["", "    def update(self, batch_size):", "        x"])
    checks = [
        make_check("q_network.builds", status="passed", score=1),
        make_check(
            "update.terminal",
            observed="γ = 0.9; 1 of 6 targets differ:\ns2, action 0: expected 0.1933",
            why="A terminal next state is worth 0 | by `definition`.",
            hint="Which of the five fields is unused? See docs/assignment.md#terminal-mask.",
            code="UPDATE_NO_TERMINAL_MASK",
            reproduce="agent.update(64)  # prints 1.5",
            output="one\ntwo\n",
            location=LocationEntry(file="dqn_agent.py", line=59),
            excerpt=excerpt,
            targets=[target],
        ),
        make_check(
            "update.clipping",
            observed="The norm was 14, expected 10.",
            location=LocationEntry(file="dqn_agent.py", line=59),
            excerpt=excerpt,
        ),
        make_check("update.one_step", visibility="hidden", why="One step is one step."),
        make_check("sample.returns_batch", status="timed_out", observed="No answer."),
        make_check("update_target.copies", status="crashed", observed="The process ended."),
        make_check("update_target.repeated", status="blocked", blocked_by="update_target.copies"),
        make_check("cartpole.solved", status="passed", score=15),
    ]
    attempt = AttemptEntry(
        solved=True,
        updates=1250,
        environment_steps=9000,
        mean_return=481.25,
        curve=[(50 * n, 20.0 * n) for n in range(1, 26)],
        max_q=[(50 * n, 2.0 * n) for n in range(1, 26)],
        seed=987654321,
    )
    solve = SolveEntry(
        status="passed",
        threshold=475.0,
        episodes=100,
        max_q_bound=100.0,
        attempts=[attempt],
        audit=AuditEntry(status="passed", audited_updates=1250, against="contract"),
    )
    advice = [AdviceEntry(code="SAMPLE_SLOW_CONVERSION", message="Stack first.")]
    return make_report(checks, advice, solve=solve)


@pytest.fixture(scope="session")
def untold():
    """`untold(status)`: a report without a verdict, or on a path with nothing to grade."""

    def make(status):
        submitted = Submitted(name="mine", files={"q_network.py": b"x = 1\n"})
        if status == "ungradable":
            return ungradable_report("mine", Options(), "none of the `files` is there")
        return fault_report(submitted, Options(), status, "the worker `x` is gone")

    return make


@pytest.fixture(scope="session")
def reports(make_report, make_check):
    """A strategy for graded reports in the staff's view, with any text a student can cause."""
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
    optional = st.none() | text
    locations = st.none() | st.builds(LocationEntry, file=text, line=st.integers(1, 10**6))
    excerpts = st.builds(
        ExcerptEntry, first=st.integers(1, 10**6), lines=st.lists(text, min_size=1, max_size=5)
    )
    numbers = st.floats(-1e9, 1e9)
    targets = st.builds(
        TargetEntry,
        transition=st.integers(0, 99),
        action=st.integers(0, 9),
        reward=numbers,
        terminal=st.booleans(),
        best_next=numbers,
        expected=numbers,
        got=numbers,
        formula=optional,
    )
    codes = st.none() | st.sampled_from(sorted(load_explanations()))
    seconds = st.floats(0, 1e4).map(lambda s: round(s, 4))
    ids = [check.id for check in load_rubric().check]

    @st.composite
    def check(draw, check_id):
        status = draw(st.sampled_from(STATUSES))
        made = make_check(check_id)
        return msgspec.structs.replace(
            made,
            status=status,
            score=made.max_score if status == "passed" else 0,
            visibility=draw(st.sampled_from(VISIBILITIES)),
            code=draw(codes),
            observed=draw(optional),
            why=draw(optional),
            hint=draw(optional),
            reproduce=draw(optional),
            output=draw(optional),
            blocked_by=draw(st.sampled_from(ids)) if status == "blocked" else None,
            location=draw(locations),
            excerpt=draw(st.none() | excerpts),
            targets=draw(st.none() | st.lists(targets, min_size=1, max_size=3)),
            duration_s=draw(seconds),
        )

    returns = st.floats(0, 500)
    attempts = st.builds(
        AttemptEntry,
        solved=st.booleans(),
        updates=st.integers(0, 6000),
        environment_steps=st.integers(0, 10**6),
        mean_return=st.none() | returns,
        curve=st.lists(st.tuples(st.integers(0, 6000), returns), max_size=60),
        max_q=st.lists(
            st.tuples(st.integers(0, 6000), st.none() | st.floats(-1e9, 1e9)), max_size=60
        ),
        seed=st.integers(0, 2**63),
    )
    audits = st.builds(
        AuditEntry,
        status=st.sampled_from(["passed", "failed", "not_attempted"]),
        audited_updates=st.integers(0, 20_000),
        against=st.sampled_from(["contract", *sorted(load_explanations())]),
    )
    solves = st.builds(
        SolveEntry,
        status=st.sampled_from(STATUSES),
        threshold=st.just(475.0),
        episodes=st.just(100),
        max_q_bound=st.floats(1, 1e6),
        attempts=st.lists(attempts, max_size=3),
        audit=audits,
    )

    @st.composite
    def report(draw) -> Report:
        chosen = draw(st.lists(st.sampled_from(ids), unique=True, max_size=5))
        advice = st.builds(AdviceEntry, code=codes.filter(bool), message=text, location=locations)
        return make_report(
            checks=[draw(check(check_id)) for check_id in chosen],
            advice=draw(st.lists(advice, max_size=2)),
            solve=draw(solves),
            submission=SubmissionEntry(
                name=draw(text), sha256="0" * 64, left_out=draw(st.lists(text, max_size=2))
            ),
            timing=TimingEntry(total_s=draw(seconds), checks_s=draw(seconds), solve_s=1.5),
        )

    return report()

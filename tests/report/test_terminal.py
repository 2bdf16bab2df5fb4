"""The report in a terminal: readable without colour, narrow, in ASCII."""

import io
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from grader.report.model import (
    AdviceEntry,
    AttemptEntry,
    AuditEntry,
    LocationEntry,
    Report,
    SolveEntry,
)
from grader.report.sparkline import sparkline
from grader.report.terminal import print_report, to_text

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def graded(real):
    """The report of a real grading."""
    return msgspec.json.decode(real, type=Report)


@pytest.fixture
def troubled(make_check, make_report):
    """A report with every status, and everything that can be told of a failure."""
    checks = [
        make_check("q_network.builds", status="passed", score=1),
        make_check(
            "update.learns",
            observed="`update(64)` returned 3.2, expected 1.7.",
            why="The loss is a mean.",
            hint="Read the section on losses.",
            code="UPDATE_LOSS_SUM",
            reproduce="agent.update(64)",
            output="one\ntwo\n",
            location=LocationEntry(file="dqn_agent.py", line=17),
        ),
        make_check("sample.returns_batch", status="timed_out", observed="No answer."),
        make_check("update_target.copies", status="crashed", observed="The process ended."),
        make_check("update_target.repeated", status="blocked", blocked_by="update_target.copies"),
    ]
    advice = [AdviceEntry(code="SAMPLE_SLOW_CONVERSION", message="Stack first.")]
    return make_report(checks, advice)


def solve_entry(*curves, solved=False, mean=None):
    attempts = [
        AttemptEntry(
            solved=solved,
            updates=1250,
            environment_steps=9000,
            mean_return=mean,
            curve=curve,
            max_q=[(updates, mean / 10) for updates, mean in curve],
            seed=1,
        )
        for curve in curves
    ]
    audit = AuditEntry(status="passed", audited_updates=1250, against="contract")
    status = "passed" if solved else "failed"
    return SolveEntry(
        status=status,
        threshold=475.0,
        episodes=100,
        max_q_bound=100.0,
        attempts=attempts,
        audit=audit,
    )


def on_terminal(report, **options):
    """What a terminal receives; `options` are rich's."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, highlight=False, **options)
    print_report(report, console)
    return file.getvalue()


class AsciiFile(io.StringIO):
    """A text file that takes ASCII only, as a stream under `PYTHONIOENCODING=ascii` does."""

    encoding = "ascii"

    def write(self, text):
        text.encode("ascii")
        return super().write(text)


def on_ascii(report, width=80):
    file = AsciiFile()
    print_report(report, Console(file=file, width=width, color_system=None, highlight=False))
    return file.getvalue()


def row_of(text, title):
    return next(line for line in text.splitlines() if title in line)


def test_every_slot_of_a_failure_is_told(troubled):
    text = to_text(troubled)
    assert "update.learns  UPDATE_LOSS_SUM  dqn_agent.py:17" in text
    for slot, told in (
        ("observed", "`update(64)` returned 3.2, expected 1.7."),
        ("why", "The loss is a mean."),
        ("hint", "Read the section on losses."),
        ("try it", "paste into a Python prompt"),
        ("printed", "one"),
    ):
        assert row_of(text, told).split(maxsplit=1)[0] in slot
    # A prompt takes neither indents nor broken lines.
    assert "\nagent.update(64)" in on_terminal(troubled, width=16, color_system=None)
    assert "SAMPLE_SLOW_CONVERSION: Stack first." in text
    assert "costs no points" in text


def test_lines_to_paste_are_never_cut(make_check, make_report):
    line = f"print([{', '.join(map(str, range(60)))}])"
    report = make_report([make_check(observed="Other numbers.", reproduce=line)])
    for text in (
        to_text(report, width=80),
        on_ascii(report, width=80),
        on_terminal(report, width=80, color_system=None),
    ):
        assert f"\n{line}" in text


def test_every_status_is_told_apart_without_colour(troubled):
    text = to_text(troubled)
    assert row_of(text, "Builds with any").strip().startswith("✓")
    assert "Runs on a full batch and moves q_net  failed" in text
    assert "Returns five fields with as many rows as asked  timed out" in text
    assert "An exact copy of q_net's weights  process lost" in text
    assert "Every call copies anew: blocked until update_target.copies passes" in text
    assert "CartPole-v1" not in text  # not attempted, so nothing is said of it


def test_every_status_has_a_word_in_ascii(troubled):
    text = on_ascii(troubled)
    for word, title in (
        ("ok", "Builds with any"),
        ("FAIL", "Runs on a full batch"),
        ("TIME", "Returns five fields"),
        ("DEAD", "An exact copy"),
        ("--", "Every call copies anew"),
    ):
        assert row_of(text, title).split()[0] == word


def test_ascii_holds_for_a_real_grading(graded):
    assert "82/85 of the points attempted" in on_ascii(graded)


def test_ascii_holds_for_any_text_of_the_students(make_check, make_report):
    check = make_check(observed="naïve → ∞", output="ночь", reproduce="x = 'γ'")
    text = on_ascii(make_report([check]))
    assert "-> ?" in text
    assert "Score: 0/35" in text


def test_points_are_shown_beside_parts_and_checks(graded):
    text = to_text(graded, width=80)
    assert row_of(text, "QNetwork ").split()[-1] == "20/20"
    assert row_of(text, "DQNAgent.update ").split()[-1] == "32/35"
    assert row_of(text, "Gradient norm clipped to 10").split()[-1] == "0/3"
    assert row_of(text, "Given code: push, len and capacity").endswith("capacity")


def test_an_incomplete_run_is_scored_by_what_it_attempted(graded):
    everything = msgspec.structs.replace(graded, score=85)
    assert "Score: 85/85 of the points attempted" in to_text(everything)


def test_a_complete_run_is_scored_out_of_100(graded):
    assert "Score: 97/100 " in to_text(msgspec.structs.replace(graded, score=97, attempted_max=100))


def test_without_a_verdict_the_reason_stands_for_the_score(make_report):
    report = make_report(status="interrupted", score=None, reason="stopped by the user")
    assert "No score: stopped by the user" in to_text(report)


def test_the_digest_is_shown(graded):
    assert f"sha256 {graded.submission.sha256}" in to_text(graded)


@pytest.mark.parametrize("width", [80, 40])
def test_no_line_is_longer_than_the_terminal(graded, troubled, width):
    """But for those to paste, which stay whole."""
    for report in (graded, troubled):
        pasted = {line for check in report.checks for line in (check.reproduce or "").splitlines()}
        for text in (to_text(report, width), on_terminal(report, width=width, color_system=None)):
            long = [line for line in text.splitlines() if cell_len(line) > width]
            assert set(long) <= pasted


def test_wide_terminals_get_lines_that_can_be_read(graded):
    assert max(map(cell_len, to_text(graded, width=200).splitlines())) <= 96


def test_narrow_reports_keep_every_word(troubled):
    words = " ".join(to_text(troubled, 40).split())
    assert "`update(64)` returned 3.2, expected 1.7." in words
    assert "Every call copies anew: blocked" in words
    assert "Score: 1/85 of the points attempted" in words


def test_colour_only_where_a_terminal_takes_it(graded, monkeypatch):
    for name in ("NO_COLOR", "TERM", "COLORTERM", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[3" in on_terminal(graded, width=80)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in on_terminal(graded, width=80)
    assert "\x1b" not in to_text(graded)


def test_pipes_get_no_trailing_blanks(graded):
    assert [line for line in to_text(graded).splitlines() if line != line.rstrip()] == []


def test_an_ascii_stream_of_a_real_process_takes_the_report(real, tmp_path):
    path = tmp_path / "report.json"
    path.write_bytes(real)
    script = (
        "import sys, msgspec\n"
        "from rich.console import Console\n"
        "from grader.report.model import Report\n"
        "from grader.report.terminal import print_report\n"
        "report = msgspec.json.decode(open(sys.argv[1], 'rb').read(), type=Report)\n"
        "print_report(report, Console(highlight=False))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        cwd=ROOT,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    assert "of the points attempted" in done.stdout


# --- the CartPole run ----------------------------------------------------------------------------


def test_a_solved_run_shows_its_curve_and_what_confirmed_it(make_check, make_report):
    check = make_check("cartpole.solved", status="passed", score=15)
    curve = [(50, 20.0), (100, 250.0), (150, 481.25)]
    text = to_text(make_report([check], solve=solve_entry(curve, solved=True, mean=481.25)))
    lines = [line.strip() for line in text.splitlines()]
    at = lines.index("attempt 1: ▁▅█ 1,250 updates")
    assert lines[at + 1] == "confirmed 481.2 over 100 episodes"
    assert lines[at + 2] == "mean max-Q 48.1; at most 1/(1 − γ) = 100 is possible"


def test_every_attempt_that_failed_shows_its_best(make_check, make_report):
    check = make_check("cartpole.solved", observed="It was not confirmed.")
    solve = solve_entry([(50, 20.0), (100, 300.5)], [(50, 10.0)])
    text = to_text(make_report([check], solve=solve))
    lines = [line.strip() for line in text.splitlines()]
    for first, best in (("attempt 1: ▁▅", 300.5), ("attempt 2: ▁", 10.0)):
        at = lines.index(f"{first} 1,250 updates")
        assert lines[at + 1] == f"best greedy average {best}"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (100.0, "mean max-Q 100; at most 1/(1 - gamma) = 100 is possible"),
        (168.8, "mean max-Q 169, overestimated; at most 1/(1 - gamma) = 100 is possible"),
        (None, "mean max-Q overflowed; at most 1/(1 - gamma) = 100 is possible"),
    ],
)
def test_max_q_is_held_against_what_is_possible(make_check, make_report, value, told):
    solve = solve_entry([(50, 0.0)])
    attempt = msgspec.structs.replace(solve.attempts[0], max_q=[(50, value)])
    solve = msgspec.structs.replace(solve, attempts=[attempt])
    text = on_ascii(make_report([make_check("cartpole.solved")], solve=solve))
    assert told in " ".join(text.split())  # lines are broken at 80 columns


def test_a_run_that_ended_before_its_first_screening_has_no_curve(make_check, make_report):
    text = to_text(make_report([make_check("cartpole.solved")], solve=solve_entry([])))
    assert "attempt 1" not in text


def test_the_curve_in_ascii(make_check, make_report):
    solve = solve_entry([(50, 0.0), (100, 500.0)])
    assert "attempt 1: _# " in on_ascii(make_report([make_check("cartpole.solved")], solve=solve))


def test_a_sparkline_by_hand():
    assert sparkline([0, 250, 500], top=500, width=10, ascii_only=False) == "▁▅█"
    assert sparkline([0, 250, 500], top=500, width=10, ascii_only=True) == "_=#"
    assert sparkline([], top=500, width=10, ascii_only=True) == ""


def test_a_long_sparkline_keeps_its_width_and_its_last_value():
    values = [0.0] * 99 + [500.0]
    assert sparkline(values, top=500, width=20, ascii_only=False) == "▁" * 19 + "█"


@given(st.lists(st.floats(-100, 1000), max_size=200), st.integers(1, 50), st.booleans())
def test_a_sparkline_always_fits(values, width, ascii_only):
    line = sparkline(values, top=500, width=width, ascii_only=ascii_only)
    assert len(line) == min(width, len(values))
    assert not ascii_only or line.isascii()


# --- text that a student controls ----------------------------------------------------------------

HOSTILE = {
    "escape sequence": "\x1b[2J\x1b[31mred",
    "operating system command": "\x1b]0;title\x07",
    "one-byte control sequence": "\x9b2J",
    "backspace": "12\b\b99",
    "carriage return": "wrong\rScore: 100/100",
    "null": "a\x00b",
    "right-to-left override": "\u202egnorw\u202c",
    "isolate": "\u2067x\u2069",
    "zero-width": "a\u200bb\ufeff",
    "line separator": "x\u2028Score: 100/100",
    "paragraph separator": "x\u2029Score: 100/100",
    "next line": "x\x85Score: 100/100",
    "form feed": "x\x0cScore: 100/100",
    "file separator": "x\x1cScore: 100/100",
    "newline": "x\nScore: 100/100",
    "lone surrogate": "a\udcffb",
    "tag": "a\U000e0041b",
}
CONTROLS = {
    *map(chr, range(32)),
    *map(chr, range(127, 160)),
    *"\u200b\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff",
} - {"\n"}


def with_text(make_check, make_report, text):
    """A report in which everything that a student can word is this text; lines to paste are the
    grader's own."""
    slots = dict.fromkeys(("observed", "why", "hint", "output", "code"), text)
    location = LocationEntry(file=text, line=1)
    check = make_check(**slots, location=location)
    return make_report([check], [AdviceEntry(code="ADVICE", message=text, location=location)])


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_steers_nothing(make_check, make_report, kind):
    report = with_text(make_check, make_report, HOSTILE[kind])
    for text in (to_text(report), on_terminal(report, width=80, color_system=None)):
        assert set(text) & CONTROLS == set()
        assert not any("\ud800" <= char <= "\udfff" or char >= "\U000e0000" for char in text)
        scores = [line for line in text.splitlines() if line.startswith("Score:")]
        assert len(scores) == 1
        assert scores[0].startswith("Score: 0/35")


@settings(max_examples=40, deadline=None)
@given(data=st.data(), width=st.sampled_from([40, 80, 100]))
def test_any_report_is_printed_harmlessly(reports, data, width):
    report = data.draw(reports)
    for text in (to_text(report, width), on_ascii(report, width)):
        assert set(text) & CONTROLS == set()
        assert sum(line.startswith("Score:") for line in text.splitlines()) == 1


@pytest.mark.parametrize("markup", ["[bold]x[/bold]", "[/]", "[link=http://x.y]a[/link]", "[red"])
def test_markup_is_text(make_check, make_report, markup):
    text = to_text(with_text(make_check, make_report, markup))
    assert text.count(markup) == 7


def test_emoji_codes_are_text(make_check, make_report):
    assert ":warning:" in to_text(make_report([make_check(observed="a :warning: b")]))


def test_what_was_replaced_is_still_told(make_check, make_report):
    text = to_text(make_report([make_check(observed="a\x1b[2Jb\u202ec")]))
    assert r"a\x1b[2Jb\u202ec" in text


def test_lines_of_a_printed_text_stay_indented(make_check, make_report):
    text = to_text(make_report([make_check(output="first\nSecond\n")]))
    assert row_of(text, "Second").startswith("   ")


def test_long_prints_are_cut_and_say_so(make_check, make_report):
    text = to_text(make_report([make_check(output="\n".join(f"line {n}" for n in range(30)))]))
    assert "line 7" in text
    assert "line 8" not in text
    assert "22 more lines" in text

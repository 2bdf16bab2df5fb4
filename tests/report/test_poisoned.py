"""Whatever a student can word, every writer makes harmless.

A writer joins by one line in `WRITERS`; what must hold of its output goes by its kind.
"""

import html.parser
import io
import itertools
import json
import re
import unicodedata
import xml.etree.ElementTree as ElementTree
from contextlib import redirect_stderr
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from grader.commands.messages import complain
from grader.report.annotations import to_annotations
from grader.report.classroom50 import Hand, to_classroom50
from grader.report.curve import curve_svg
from grader.report.gradescope import to_gradescope
from grader.report.html import to_html
from grader.report.json_report import to_json
from grader.report.junit import to_junit
from grader.report.markdown import to_markdown
from grader.report.model import (
    AdviceEntry,
    ExcerptEntry,
    LocationEntry,
    OverrideEntry,
    SubmissionEntry,
)
from grader.report.prairielearn import to_prairielearn
from grader.report.terminal import print_report, to_text

FLOOD = 30_000
#: Texts by what they would do to somebody.
POISON = {
    "escape sequences": "\x1b[2J\x1b[31mred\x1b]0;title\x07\x1b]8;;http://x\x07",
    "one-byte controls": "\x9b2J\x9d0;title\x9c\x84\x85Score: 100/100\x7f",
    "line breaks of all kinds": "x\nScore: 100/100\r\nScore: 100/100\rScore: 100/100\x0b\x0c\u2028"
    "Score: 100/100\u2029Score: 100/100\x85Score: 100/100",
    "NUL": "a\0b",
    "bidi controls": "\u202egnorw\u202c\u2066x\u2069\u200f\u061c",
    "invisible characters": "a\u200b\u200d\ufeff\u00ad\U000e0041b",
    "lone surrogates": "a\udcff\ud800b",
    "no characters at all": "\ufffe\uffff\U0001fffe",
    "marks without end": "a" + "\u0301" * 5_000,
    "Rich markup": "[bold red]x[/bold red][/][link=http://x.y]a[/link][red :warning:",
    "HTML": "<script>alert(1)</script><img src=x onerror=alert(1)>\"'><!-- </body> &amp;",
    "XML": "]]><poison/><!ENTITY x 'y'>&x;",
    "Markdown": "![x](http://x.y/p) [x](javascript:alert(1))\n# x\n| a | b |\n```\n~~~\n<b>x</b>",
    "workflow commands": "::error::x\n  ::add-mask::0\n::stop-commands::x ::set-output name=a::b",
    "workflow commands in a line": "it says ##[error]x and ##vso[task.complete]x",
    "a workflow command after a wrap": "x" * 88 + " ::error file=a,line=1::" + "y" * 90,
    "formulas": "=cmd|' /C calc'!A0\n+1\n-1\n@SUM(1)\n\t=1\n\r=1",
    "separators": 'a","b";c\td\n"',
    "JSON": '"}], "score": 100, "x": [{"y": "\\',
    "one long line": "x" * FLOOD,
    "many lines": "x\n" * (FLOOD // 2),
    "a flood of escapes": "\x1b" * FLOOD,
    "a paste": "os.system('x')\n>>> exit()\n",
}


def terminal(report):
    """What a terminal gets, but for the colours."""
    file = io.StringIO()
    print_report(report, Console(file=file, force_terminal=True, color_system=None, width=80))
    return file.getvalue().encode()


def ascii_terminal(report):
    """What a stream takes that holds ASCII only."""
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    print_report(report, Console(file=file, width=80, color_system=None, highlight=False))
    file.flush()
    return file.buffer.getvalue()


def complaint(report):
    """The message with which the command ends when it cannot grade."""
    file = io.StringIO()
    with redirect_stderr(file):
        complain(report.reason or "", report.submission.name)
    return file.getvalue().encode()


#: Name of a writer: what it makes of a report, and the kind of what it makes.
WRITERS = {
    "terminal": (terminal, "text"),
    "pipe": (lambda report: to_text(report).encode(), "text"),
    "ascii": (ascii_terminal, "text"),
    "message": (complaint, "text"),
    "json": (to_json, "json"),
    "curve": (lambda report: curve_svg(report.solve), "xml"),
    "html": (to_html, "html"),
    "markdown": (lambda report: to_markdown(report).encode(), "markdown"),
    "junit": (to_junit, "xml"),
    "gradescope": (to_gradescope, "results"),
    "classroom50": (lambda report: to_classroom50(report, HAND, NOW), "results"),
    "prairielearn": (to_prairielearn, "results"),
    "annotations": (lambda report: to_annotations(report, "starter").encode(), "annotations"),
}
HAND = Hand("rl", "dqn", "individual", "ada", "submit/20260901T101112Z-abc1234", "c", "r", "v")
NOW = datetime(2026, 9, 1, tzinfo=UTC)


# --- what must hold, by kind ---


def steering(data):
    """Characters that are no characters to look at."""
    text = data.decode("utf-8")
    odd = {c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}}
    return [hex(ord(c)) for c in odd - {"\n"}]


def commands(data):
    """Lines that a service running the job would take for commands."""
    return [
        line[:80]
        for line in data.decode("utf-8").splitlines()
        if re.match(r"\s*::[A-Za-z][\w-]*(\s.*)?::", line) or re.search(r"##\w*\[", line)
    ]


def scores(data):
    """Lines that pass for the score: the report's own is the only one."""
    return [line for line in data.decode().splitlines() if line.startswith("Score:")][1:]


def floods(data):
    """More than anybody reads."""
    return [f"{len(data):,} bytes"] if len(data) > 100_000 else []


def stacks(data):
    """Marks piled on one character."""
    runs = re.findall(r"[\u0300-\u036f]{5,}", data.decode())
    return [f"{len(run)} marks" for run in runs]


def broken_json(data):
    """What keeps it from being one object with the report's fields, once each."""

    def once(pairs):
        names = [name for name, _ in pairs]
        assert len(names) == len(set(names)), names
        return dict(pairs)

    try:
        return [] if "checks" in json.loads(data, object_pairs_hook=once) else ["no report"]
    except (ValueError, AssertionError) as error:
        return [str(error)[:80]]


def broken_xml(data):
    """What keeps it from being well-formed, and elements that came out of a text."""
    try:
        root = ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        return [str(error)]
    return [e.tag for e in root.iter() if re.search("script|poison", str(e.tag))]


class _Tags(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        away = re.compile(r"\s*([a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)  # off the page's folder
        odd = [
            f"{n}={v}"
            for n, v in attrs
            if n.startswith("on") or (n in ("href", "src") and away.match(v or ""))
        ]
        self.found += [tag] * (tag in ("poison", "img", "script")) + odd


def live_html(data):
    """Elements and attributes that came out of a text."""
    tags = _Tags()
    tags.feed(data.decode())
    return tags.found


def live_markdown(data):
    """Elements and attributes that came out of a text once it is rendered, links among them."""
    page = MarkdownIt("gfm-like").render(data.decode())
    tags = _Tags()
    tags.feed(page)
    return tags.found


def stray_headings(data):
    """Headings that nobody set."""
    known = ("DQN assignment", "What to", "Parts", "Advice", "CartPole")
    tokens = MarkdownIt("gfm-like").parse(data.decode())
    heads = [b.content for a, b in itertools.pairwise(tokens) if a.type == "heading_open"]
    return [h for h in heads if not h.startswith(known) and h[:1] not in "✗✓"]


def broken_results(data):
    """What keeps it from being one object; more than a service takes."""
    try:
        document = json.loads(data)
    except ValueError as error:
        return [str(error)[:80]]
    return [] if isinstance(document, dict) and len(data) < 10**6 else ["no object, or too large"]


def broken_annotations(data):
    """Lines that are no remark of ours, and more of them than are shown."""
    form = re.compile(r"::(error|notice) title=[^,:]*(,file=[^,:]*,line=\d+)?::[^\r\n]*")
    lines = data.decode().splitlines()
    errors = [line for line in lines if line.startswith("::error")]
    return [line for line in lines if not form.fullmatch(line)] + errors[10:]


def formulas(data):
    """Cells that a spreadsheet would compute."""
    import csv

    rows = csv.reader(io.StringIO(data.decode(), newline=""))
    return [cell[:40] for row in rows for cell in row if cell[:1] in tuple("=+-@\t\r")]


MUST_HOLD = {
    "text": (steering, commands, scores, floods, stacks),
    "json": (steering, commands, broken_json),
    "xml": (steering, commands, broken_xml, floods),
    "html": (steering, commands, live_html, floods),
    "markdown": (steering, commands, live_markdown, stray_headings, floods),
    "results": (steering, commands, broken_results),
    "annotations": (steering, broken_annotations, floods),
    "csv": (steering, commands, formulas, floods),
}


def dangers(writer, report):
    """What is wrong with what a writer makes of a report, by predicate."""
    write, kind = WRITERS[writer]
    data = write(report)
    found = {predicate.__name__: predicate(data) for predicate in MUST_HOLD[kind]}
    return {name: seen for name, seen in found.items() if seen}


@pytest.fixture(scope="session")
def poisoned(make_check, make_report):
    """`poisoned(text)`: a report in which all that a student can word, or influence, is the text;
    lines to paste are the grader's own."""

    def poison(text, **changes):
        location = LocationEntry(file=text, line=1)
        slots = dict.fromkeys(("observed", "why", "hint", "output"), text)
        excerpt = ExcerptEntry(first=1, lines=text[:160].split("\n"))
        checks = [
            make_check(name, location=location, excerpt=excerpt, code=text, status=status, **slots)
            for name, status in (
                ("update.loss", "failed"),
                ("sample.returns_batch", "crashed"),
                ("q_network.builds", "timed_out"),
            )
        ]
        advice = [AdviceEntry(code="ADVICE", message=text, location=location)]
        submission = SubmissionEntry(name=text, sha256="0" * 64, left_out=[text, text])
        overrides = [OverrideEntry(check="update.loss", score=1, graded=0, reason=text)]
        told = {"submission": submission, "overrides": overrides, "reason": text} | changes
        return make_report(checks, advice, **told)

    return poison


@pytest.mark.parametrize("kind", POISON)
@pytest.mark.parametrize("writer", WRITERS)
def test_poison_is_text(poisoned, writer, kind):
    assert dangers(writer, poisoned(POISON[kind])) == {}


@pytest.mark.parametrize("writer", sorted(set(WRITERS) - {"message", "curve", "json"}))
@pytest.mark.parametrize("kind", POISON)
def test_poison_in_the_reason_of_a_missing_score_is_text(poisoned, writer, kind):
    report = poisoned(POISON[kind], status="grader_fault", score=None)
    assert dangers(writer, report) == {}


TEXTS = st.text(max_size=80) | st.lists(
    st.sampled_from(
        [*"\x1b[]:#\n\r\t\x9b<>&|=@\u202e\u2028\udcff\ufffe\u0301 ", "::", "error", "##["]
    ),
    max_size=40,
).map("".join)


@settings(max_examples=60, deadline=None)
@given(text=TEXTS)
def test_any_text_is_text(poisoned, text):
    report = poisoned(text)
    found = {writer: dangers(writer, report) for writer in WRITERS if writer != "curve"}
    assert {writer: seen for writer, seen in found.items() if seen} == {}


@settings(max_examples=100, deadline=None)
@given(text=TEXTS)
def test_json_means_what_was_said(poisoned, text):
    report = json.loads(to_json(poisoned(text)))
    due = text.encode("utf-8", "backslashreplace").decode()
    assert report["submission"]["name"] == due
    assert {check["observed"] for check in report["checks"]} == {None, due}


def test_json_of_harmless_text_is_readable(poisoned):
    data = to_json(poisoned("γ = 0.9 → naïve 学生 ≤ 1 ✓")).decode()
    assert '"observed": "γ = 0.9 → naïve 学生 ≤ 1 ✓"' in data


#: What each predicate is there for, written as a careless writer would.
CARELESS = {
    "steering": b"a\x1b[2Jb",
    "commands": b"   ::error::x",
    "scores": b"Score: 0/100\nScore: 100/100",
    "floods": b"x" * 200_000,
    "stacks": ("a" + "\u0301" * 9).encode(),
    "broken_json": b'{"checks": [], "score": 0, "score": 100}',
    "broken_xml": b"<a><script/></a>",
    "live_markdown": b"see [x](http://x.y) <img src=x>",
    "stray_headings": b"# Score: 100/100",
    "broken_results": b"[]",
    "broken_annotations": b"::error title=x,file=a,line=1::y\n::add-mask::y",
    "live_html": b"<p><img src=x onerror=alert(1)></p>",
    "formulas": b'a,"=1+1"\n',
}


def test_every_predicate_sees_what_it_is_there_for():
    predicates = {p.__name__: p for kind in MUST_HOLD.values() for p in kind}
    assert set(predicates) == set(CARELESS)
    assert [name for name, data in CARELESS.items() if not predicates[name](data)] == []


def test_code_that_looks_like_a_command_stays_readable(poisoned):
    text = to_text(poisoned("batch[::2] and states[:, ::-1], std::vector, a # b, [1]##"))
    assert text.count("batch[::2] and states[:, ::-1], std::vector, a # b, [1]##") >= 3


def test_a_cut_says_how_much_is_missing(poisoned):
    text = to_text(poisoned("x" * 5_000))
    assert "… 1,000 more characters" in " ".join(text.split())
    assert "… 939 more lines" in to_text(poisoned("x\n" * 999))


def test_a_report_without_a_schema_fault_survives_the_texts(poisoned):
    from grader.report.model import Report

    report = poisoned("naïve")
    assert msgspec.json.decode(to_json(report), type=Report) == report

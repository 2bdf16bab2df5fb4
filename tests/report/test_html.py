"""The web page: everything is told, by headings, tables and words as much as by colour."""

import html.parser
import itertools
import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.report.html import to_html
from grader.report.model import OverrideEntry, for_view

VOID = {"meta", "br", "wbr"}


class Page(html.parser.HTMLParser):
    """Elements in order, with their attributes and all text within; well nested or an error."""

    def __init__(self, data):
        super().__init__()
        self.elements = []
        self._open = []
        self.feed(data.decode())
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        element = {"tag": tag, "text": "", **dict(attrs)}
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.elements.append({"tag": tag, "text": "", **dict(attrs)})

    def handle_endtag(self, tag):
        assert self._open.pop()["tag"] == tag

    def handle_data(self, data):
        for element in self._open:
            element["text"] += data

    def all(self, tag, **attributes):
        wanted = attributes.items()
        return [e for e in self.elements if e["tag"] == tag and wanted <= e.items()]

    def one(self, tag, **attributes):
        (found,) = self.all(tag, **attributes)
        return found


def words(text):
    return " ".join(text.split())


@pytest.fixture(scope="module")
def page(told):
    return Page(to_html(for_view(told, "student")))


def article(page, check):
    return words(page.one("article", id=f"check-{check.replace('.', '-')}")["text"])


def test_nothing_is_loaded_and_nothing_runs(told, page):
    policy = page.one("meta", **{"http-equiv": "Content-Security-Policy"})["content"]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert page.all("script") + page.all("img") + page.all("link") + page.all("iframe") == []
    assert not any(name.startswith("on") for element in page.elements for name in element)
    assert re.findall(rb"url\(|@import|https?:", to_html(told)) == []


def test_readers_of_all_kinds_find_their_way(page):
    assert page.one("html")["lang"] == "en"
    assert page.one("title")["text"] == ("16/100 · mine · DQN assignment")
    assert words(page.one("h1")["text"]) == "Your report: mine"
    headings = [words(h["text"]) for h in page.all("h2")]
    assert headings == [
        "Score",
        "What to do next",
        "Parts",
        "What to look at",
        "Advice, which costs no points",
        "CartPole run",
        "All checks",
        "How this was graded",
    ]
    levels = [int(e["tag"][1]) for e in page.elements if re.fullmatch("h[1-6]", e["tag"])]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert len(page.all("table")) == len(page.all("caption")) > 0
    assert {th.get("scope") for th in page.all("th")} == {"row", "col"}
    assert all(e["tabindex"] == "0" and e["aria-label"] for e in page.all("div", role="region"))


def test_links_lead_to_places_on_the_page(page):
    ids = [element["id"] for element in page.elements if "id" in element]
    assert len(ids) == len(set(ids))
    targets = [a["href"] for a in page.all("a")]
    assert len(targets) > 5
    assert {target.removeprefix("#") for target in targets} <= set(ids)
    labels = [i for e in page.elements for i in e.get("aria-labelledby", "").split()]
    assert set(labels) <= set(ids)


def test_the_score_and_what_it_is_out_of(told, page):
    assert "16 of 100 points" in words(page.one("main")["text"])
    partial = msgspec.structs.replace(told, attempted_max=85, score=81)
    partial = msgspec.structs.replace(
        partial,
        parts=[
            msgspec.structs.replace(part, attempted=part.id != "cartpole") for part in told.parts
        ],
    )
    text = words(Page(to_html(partial)).one("main")["text"])
    assert "81 of 85 points that were attempted" in text
    assert "Not attempted in this run, and worth 15 more: CartPole-v1." in text


def test_a_failed_check_is_told_whole(page):
    text = article(page, "update.terminal")
    for told in (
        "✗ TD target of terminal transitions",
        "failed",
        "0 of 4 points",
        "update.terminal",
        "UPDATE_NO_TERMINAL_MASK",
        "dqn_agent.py:59",
        "Observed γ = 0.9; 1 of 6 targets differ:",
        "Why it matters A terminal next state is worth 0 | by definition.",
        "Hint Which of the five fields is unused? See docs/assignment.md#terminal-mask.",
        "Paste this into a Python prompt that runs in your folder. agent.update(64)",
        "What your code printed one two",
    ):
        assert told in text
    assert "definition" in [code["text"] for code in page.all("code")]


def test_wrong_targets_are_a_table_instead_of_lines(page):
    text = article(page, "update.terminal")
    row = "s2 0 0.1933 yes 0.8856 0.1933 0.9904 0.1933 + 0.9 · 0.8856"
    assert f"Expected Yours Yours is {row}" in text
    assert "expected 0.1933" not in text
    slots = ("Observed", "Transitions whose target is wrong", "Why it matters", "Hint")
    assert sorted(slots, key=text.index) == [*slots]


def test_the_students_code_is_shown_once_with_its_line_marked(page):
    assert "Your code: dqn_agent.py, line 59" in article(page, "update.terminal")
    (marked,) = page.all("span", **{"class": "line here"})
    assert marked["text"] == "▸  59     def update(self, batch_size):\n"
    second = article(page, "update.clipping")
    assert "Your code is shown above." in second
    assert "def update" not in second


def test_every_way_of_going_wrong_has_its_word(page):
    assert "timed out" in article(page, "sample.returns_batch")
    assert "process lost" in article(page, "update_target.copies")
    assert "A hidden check: what it asked is not shown." in article(page, "update.one_step")
    everything = words(page.one("main")["text"])
    assert "Every call copies anew waits for update_target.copies – blocked 0 of 1" in everything
    assert "✓ passed 1 of 1" in everything


def test_what_to_do_next_leads_to_the_first_check_of_each_part(page):
    steps = [words(li["text"]) for li in page.all("li") if "start with" in li["text"]]
    assert steps == [
        "ReplayBuffer.sample: start with “Returns five fields with as many rows as asked”.",
        "DQNAgent.update: start with “TD target of terminal transitions”, then 2 more.",
        "DQNAgent.update_target: start with “An exact copy of q_net's weights”.",
    ]
    assert "Grade again after each change: one mistake can hide another." in words(
        page.one("ol")["text"]
    )


def test_the_run_is_drawn_and_told_in_numbers(page):
    returns, values = page.all("svg", role="img")
    assert "threshold 475" in returns["text"]
    assert "1/(1 − γ) = 100: more is impossible" in values["text"]
    curves = [path["d"].count("L") for path in page.all("path") if path["d"].count("L") > 1]
    assert curves == [24, 24]
    text = words(page.one("main")["text"])
    assert "Attempt 1: confirmed at 481.2 after 1,250 updates" in text
    assert "All 1,250 updates of the run were recomputed: each is the course's algorithm." in text
    assert "1,250 500.0 50" in text
    assert "seed" not in text


def test_staff_are_told_the_seed(told):
    page = Page(to_html(for_view(told, "staff")))
    assert "after 1,250 updates (seed 987654321)" in words(page.one("main")["text"])
    assert "staff view" in page.one("header")["text"]


def test_a_run_without_a_curve_says_so(told):
    attempt = msgspec.structs.replace(told.solve.attempts[0], curve=[], max_q=[], solved=False)
    solve = msgspec.structs.replace(told.solve, attempts=[attempt])
    page = Page(to_html(msgspec.structs.replace(told, solve=solve)))
    assert "The agent was not trained, or not for long enough" in page.one("main")["text"]
    assert page.all("svg", role="img") == []


def test_points_that_staff_changed_are_told(told):
    overrides = [OverrideEntry(check="update.terminal", score=4, graded=0, reason="See `mail`.")]
    text = Page(to_html(msgspec.structs.replace(told, overrides=overrides))).one("main")["text"]
    assert (
        "Changed by the course staff TD target of terminal transitions: 4 points instead of 0. "
        "See mail." in words(text)
    )


@pytest.mark.parametrize("status", ["grader_fault", "interrupted"])
def test_a_fault_is_not_the_students_and_no_zero(untold, status):
    page = Page(to_html(untold(status)))
    text = words(page.one("main")["text"])
    assert "No score." in text
    assert (
        "This is not your fault, it says nothing about your code, and it costs you no points."
        in text
    )
    assert "Reason: the worker x is gone" in text
    assert "show this report to the course staff" in text
    assert "0 of" not in text
    assert page.one("title")["text"].startswith("no score")


def test_nothing_to_grade_says_what_is_missing(untold):
    text = words(Page(to_html(untold("ungradable"))).one("main")["text"])
    assert "0 of 100 points" in text
    assert "Nothing could be graded. none of the files is there" in text
    assert "under their own names" in text


def test_all_points_leave_nothing_to_do(told):
    checks = [
        msgspec.structs.replace(check, status="passed", score=check.max_score, blocked_by=None)
        for check in told.checks
    ]
    parts = [
        msgspec.structs.replace(part, score=part.max_score, attempted=True) for part in told.parts
    ]
    perfect = msgspec.structs.replace(told, checks=checks, parts=parts, score=100)
    page = Page(to_html(perfect))
    assert "Nothing is left to do: all points are yours." in page.one("ol")["text"]
    assert "What to look at" not in page.one("main")["text"]


def test_a_real_grading_makes_a_page(real):
    from grader.report.model import Report

    page = Page(to_html(msgspec.json.decode(real, type=Report)))
    text = article(page, "update.clipping")
    assert "0 of 3 points" in text
    assert "Your code: dqn_agent.py" in text
    marked = page.all("span", **{"class": "line here"})
    assert "def update" in marked[0]["text"]


@settings(max_examples=25, deadline=None)
@given(data=st.data(), view=st.sampled_from(["student", "staff"]))
def test_any_report_is_a_page(reports, data, view):
    report = for_view(data.draw(reports), view)
    page = Page(to_html(report))
    assert len(page.all("article")) == sum(
        c.status in ("failed", "timed_out", "crashed") for c in report.checks
    )
    assert to_html(report) == to_html(report)

"""The text that is made of rows, and the page that was made of the rows beside it."""

import math
import re

import pytest

from grader.lab.document import summary_md, tables
from grader.lab.experiments import EXPERIMENTS
from grader.lab.page import with_tables
from grader.lab.rows import read_rows
from grader.lab.setting import Setting
from grader.lab.summary import group
from grader.lab.text import number, p_value
from grader.report.model import EnvironmentEntry

ENVIRONMENT = EnvironmentEntry(
    python="3.11", torch="2", numpy="2", gymnasium="1", platform="Linux", cpu="fast", threads=1,
    sandbox="plain",
)  # fmt: skip


def test_the_summary_names_everything(row):
    rows = {
        "baseline": [row(seed=n) for n in range(4)],
        "no-terminal-mask": [row("no-terminal-mask", n, 9.5, 12_345.6) for n in range(4)],
    }
    text = summary_md(rows, Setting(), "0123abcd", ENVIRONMENT, jobs=2)
    assert "Submission: `mine`. Rows: `0123abcd`." in text
    assert "Machine: fast, Linux, 2 at a time; Python 3.11, torch 2" in text
    assert "batch_size 64" in text
    assert "| Baseline | 4 | 500 (500 to 500) |" in text
    assert "| No terminal mask | 4 | 10 (10 to 10) |" in text
    assert "| 0 | ∞ (∞ to ∞) | 0 | 12,346 (12,346 to 12,346) | 95 (95 to 95) |" in text
    assert "| No terminal mask | −490 | 0% | 0.057 | +12,256 | 100% | 0.057 |" in text
    assert "| **does not show here** | late return −490" in text  # four runs are too few
    assert "nan" not in text


def test_numbers_are_short():
    assert number(1_426_893) == "1.4 million"
    assert number(-79_230.4, "+") == "−79,230"
    assert number(3.2, "+") == "+3"
    assert number(math.inf) == "∞"
    assert p_value(0.0004) == "< 0.001"
    assert p_value(0.0419) == "= 0.042"


def test_the_baseline_alone(row):
    text = tables({"baseline": [row()]}, Setting())
    assert "Differences" not in text
    assert "| Values are too high in the baseline too | Baseline |" in text


def test_tables_go_between_the_markers():
    page = "# Title\n<!-- lab: begin -->\nold\n<!-- lab: end -->\nText.\n"
    once = with_tables(page, "new\n")
    assert once == "# Title\n<!-- lab: begin -->\n\nnew\n\n<!-- lab: end -->\nText.\n"
    assert with_tables(once, "new\n") == once
    with pytest.raises(ValueError, match="no `<!-- lab: begin -->`"):
        with_tables("# Title\n", "new\n")


# --- docs/experiments.md --------------------------------------------------------------------------


@pytest.fixture
def page(root):
    return (root / "docs" / "experiments.md").read_text(encoding="utf-8")


@pytest.fixture
def measured(root):
    """The rows that the page was made of, by experiment."""
    rows = read_rows(root / "docs" / "experiments" / "runs.jsonl")
    return {e.id: [row for row in rows if row.experiment == e.id] for e in EXPERIMENTS}


def test_the_page_says_what_was_measured(page, measured):
    assert with_tables(page, tables(measured, Setting())) == page


def test_the_numbers_of_the_prose(page, measured):
    g = {name: group(rows) for name, rows in measured.items()}
    without, usual = g["no-target-network"], g["baseline"]
    first = f"median {without.first.median:,.0f} against {usual.first.median:,.0f} updates"
    rewards = {sets: (1 - 0.99**sets) / 0.01 for sets in (5, 50, 250)}
    for told in (
        f"{without.reached} of these {without.runs} runs had an evaluation of 475 or more",
        first,
        f"{without.ended} of {without.runs} are at 475, against {usual.ended} of the baseline",
        f"makes 5 sets and thus {rewards[5]:.1f}",
        f"50 sets and {rewards[50]:.1f}",
        f"could give {rewards[250]:.1f}; the median is {usual.max_q.median:.0f}",
        f"up to {number(without.max_q.median)} without a target network, "
        f"{number(usual.max_q.median)} with a copy every 20 updates, "
        f"{number(g['copy-every-100'].max_q.median)} with one every 100",
        f"at 475 in all {usual.reached} runs at some time, is there in {usual.ended} at the end",
    ):
        assert told in page, told
    assert 0.9 * rewards[5] < g["copy-every-1000"].max_q.median < rewards[5]
    assert 0.9 * rewards[50] < g["copy-every-100"].max_q.median < rewards[50]


def test_runs_are_equal_until_something_is_truncated(measured):
    """The first evaluations of `truncation-ends` are the baseline's, and not all of the later."""
    pairs = list(zip(measured["baseline"], measured["truncation-ends"], strict=True))
    for usual, changed in pairs:
        assert usual.result.evaluations[:4] == changed.result.evaluations[:4]
    assert all(u.result.evaluations != c.result.evaluations for u, c in pairs)


def test_at_least_twenty_seeds_of_one_lab(measured):
    assert all(len(rows) >= 20 for rows in measured.values())
    assert len({row.lab for rows in measured.values() for row in rows}) == 1
    for rows in measured.values():
        assert [row.seed for row in rows] == list(range(len(rows)))
        assert {row.result.evaluations[-1].updates for row in rows} == {Setting().updates}


def test_figures_and_links_of_the_page(page, root):
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", page)
    assert {"experiments/curves.svg", "experiments/values.svg"} <= set(targets)
    for target in targets:
        assert (root / "docs" / target).exists(), target


def test_every_experiment_is_explained(page):
    for experiment in EXPERIMENTS:
        assert f"| `{experiment.id}` |" in page

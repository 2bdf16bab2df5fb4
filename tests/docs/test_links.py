"""Links in the documentation lead to files, and to headings that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = {".venv", "build", "dist", "node_modules"}
#: A student's copy has this page at its root; tests/release checks its links there.
ELSEWHERE = {Path("grader/release/student/README.md")}
PAGES = sorted(
    path.relative_to(ROOT)
    for path in ROOT.rglob("*.md")
    if not LEFT_OUT & set(path.relative_to(ROOT).parts)
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```", re.M | re.S)
CODE = re.compile(r"`[^`\n]+`")


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    found = []
    for heading in re.findall(r"^#+ +(.+?) *$", FENCED.sub("", page.read_text("utf-8")), re.M):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.replace("`", ""))
        found.append(re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-"))
    return found


def links(page):
    text = FENCED.sub("", (ROOT / page).read_text("utf-8"))
    return [target for target in LINK.findall(CODE.sub("", text)) if "://" not in target]


def test_there_are_pages():
    assert Path("README.md") in PAGES
    assert Path("docs/assignment.md") in PAGES
    assert sum(len(links(page)) for page in PAGES) > 30


@pytest.mark.parametrize("page", [p for p in PAGES if p not in ELSEWHERE], ids=str)
def test_links_lead_somewhere(page):
    for target in links(page):
        path, _, anchor = target.partition("#")
        there = (ROOT / page).parent / path if path else ROOT / page
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there), target


def test_headings_of_a_page_differ():
    for page in PAGES:
        names = anchors(ROOT / page)
        assert len(names) == len(set(names)), page

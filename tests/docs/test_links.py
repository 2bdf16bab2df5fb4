"""Links in the documentation lead to files, and to headings that are there.

No page is out of reach, and what pictures show is said beside them.
"""

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
SHOWN = {".svg", ".png", ".jpg", ".gif"}
PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
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


def pictures(page):
    """Texts and paths of a page's pictures."""
    return PICTURE.findall(FENCED.sub("", (ROOT / page).read_text("utf-8")))


def test_pictures_are_there_and_are_told():
    shown = {
        ((ROOT / page).parent / path).resolve(): (page, path, told)
        for page in PAGES
        for told, path in pictures(page)
    }
    assert len(shown) > 5
    for there, (page, path, told) in shown.items():
        assert there.is_file(), f"{page}: there is no picture {path}: run `make pictures`"
        assert len(told.split()) >= 5, f"{page}: say in words what is to be seen on {path}"
    kept = {path for path in (ROOT / "docs").rglob("*") if path.suffix in SHOWN}
    unused = sorted(path.relative_to(ROOT).as_posix() for path in kept - set(shown))
    assert unused == [], "no page shows these pictures"


def test_every_page_is_reached_from_the_readme():
    reached, ahead = set(), [Path("README.md")]
    while ahead:
        page = ahead.pop()
        if page in reached:
            continue
        reached.add(page)
        for target in links(page):
            there = ((ROOT / page).parent / target.partition("#")[0]).resolve()
            if there.suffix == ".md" and there.is_relative_to(ROOT) and there.is_file():
                ahead.append(there.relative_to(ROOT))
    docs = [page for page in PAGES if page.parts[0] == "docs" or len(page.parts) == 1]
    lost = [page.as_posix() for page in docs if page not in reached]
    assert lost == [], "link these pages from README.md, or from a page that it links to"

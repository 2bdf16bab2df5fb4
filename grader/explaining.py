"""The page of a misconception: why it is wrong, where to look, and the handout on it."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from grader.explanations import HANDOUT, Explanation, load_explanations

_HANDOUT_FILE = Path(__file__).resolve().parent.parent / HANDOUT
_HEADING = re.compile(r"(#+) +(.+?)\s*$")
_COSTS = {"fails": "costs points", "advice": "advice, costs no points"}


class UnknownCode(Exception):
    """No misconception has this code: says which one may be meant."""

    def __init__(self, code: str, hint: str) -> None:
        super().__init__(f"no misconception is called `{code}`")
        self.hint = hint


def explanation_page(code: str, handout: Path = _HANDOUT_FILE) -> str:
    """The page as Markdown; `UnknownCode` when there is no such code.

    Where the handout is not at hand, the page says where to read on.
    """
    known = load_explanations()
    found = known.get(code.upper())
    if found is None:
        close = difflib.get_close_matches(code.upper(), known, n=1, cutoff=0.5)
        raise UnknownCode(
            code,
            f"did you mean `{close[0]}`?"
            if close
            else "`python -m grader explain` lists all of them",
        )
    blocks = [
        f"# {found.title}",
        f"`{code.upper()}` · part `{found.part}` · {_COSTS[found.severity]}",
        f"**Why it matters.** {found.why}",
        f"**Where to look.** {found.hint}",
    ]
    try:
        text = section(handout.read_text(encoding="utf-8"), found.section)
    except OSError:
        text = None
    return "\n\n".join([*blocks, text or f"Read on in {HANDOUT}#{found.section}."]) + "\n"


def all_codes() -> str:
    """Every code with its title, by part, as Markdown."""
    by_part: dict[str, list[tuple[str, Explanation]]] = {}
    for code, explanation in load_explanations().items():
        by_part.setdefault(explanation.part, []).append((code, explanation))
    blocks = []
    for part, members in by_part.items():
        lines = [f"- `{code}`: {explanation.title}" for code, explanation in members]
        blocks.append("\n".join([f"## {part}", "", *lines]))
    return "\n\n".join(blocks) + "\n"


def section(text: str, anchor: str) -> str | None:
    """The section of a page that `#anchor` leads to, with its heading; None without one."""
    lines = text.split("\n")
    for at, line in enumerate(lines):
        heading = _HEADING.match(line)
        if heading is None or _anchor(heading[2]) != anchor:
            continue
        depth = len(heading[1])
        end = next(
            (
                n
                for n, later in enumerate(lines[at + 1 :], at + 1)
                if (found := _HEADING.match(later)) and len(found[1]) <= depth
            ),
            len(lines),
        )
        return "\n".join([f"## {heading[2]}", *lines[at + 1 : end]]).rstrip()
    return None


def _anchor(heading: str) -> str:
    """A heading as a part of an address, the way GitHub makes it."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")

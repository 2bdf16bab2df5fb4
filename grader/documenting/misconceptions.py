"""The page of the misconceptions: every code that a report can name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grader.documenting.markdown import code, linked, page, table
from grader.explanations import HANDOUT, Explanation

SOURCE = "grader/misconceptions.toml"
_INTRODUCTION = """\
A report names a misconception when exactly that one, or one with the same effect, explains all
numbers that came back. `python -m grader explain CODE` prints one with the handout's section on it.
*Checks* are those that failed on submissions with this fault alone when
[the corpus was graded](../validity.md)."""
_TITLES = {"given": "Code that was given", "advice": "Advice, which costs no points"}


def misconceptions_page(
    known: Mapping[str, Explanation],
    titles: Mapping[str, str],
    failing: Mapping[str, Sequence[str]],
) -> str:
    """The page.

    titles : of the parts, by their ids
    failing : checks by code
    """
    parts: dict[str, list[str]] = {}
    for name, told in known.items():
        parts.setdefault(told.part, []).append(name)
    blocks = [
        _INTRODUCTION,
        table(
            ["code", "what the code does"],
            ([linked([name], ""), told.title] for name, told in known.items()),
        ),
    ]
    for part, names in parts.items():
        blocks.append(f"## {_TITLES.get(part) or titles[part]}")
        blocks += [_entry(name, known[name], failing.get(name, ())) for name in names]
    return page("Misconceptions", SOURCE, *blocks)


def _entry(name: str, told: Explanation, checks: Sequence[str]) -> str:
    facts = [
        f"**{told.title}**",
        f"Why: {told.why}",
        f"Hint: {told.hint}",
        f"Handout: [{told.section}](../{HANDOUT.removeprefix('docs/')}#{told.section})",
    ]
    if checks:
        facts.append(f"Checks: {linked(checks, 'checks.md')}")
    return f"### {code(name)}\n\n" + "\\\n".join(facts)

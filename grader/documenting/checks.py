"""The page of the checks: what must hold, what it is worth, and what makes it fail."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path

from grader.documenting.markdown import code, codes, linked, page, paragraphs, table
from grader.rubric import CheckEntry, Rubric

SOURCE = "grader/rubric.toml, grader/hidden/rubric.toml and the docstrings of the checks"
_INTRODUCTION = """\
Points of a check are earned whole or not at all.
*Needs* names the checks without which one cannot be decided: where they fail, it is `blocked`.
*Misconceptions* are those of submissions with one fault on which the check failed when
[the corpus was graded](../validity.md); a check can fail without a name for the reason.
[Hidden checks](#hidden-checks) are asked by `--official` gradings only."""
_HIDDEN = """\
They have no points: one that fails takes those of the check that it strengthens.
What students see of it is its visibility in `grader/hidden/rubric.toml`."""


def docstrings(*folders: Path) -> dict[str, str]:
    """The docstring of each check function, by the check's id; nothing is imported."""
    found = {}
    for path in sorted(path for folder in folders for path in folder.glob("check_*.py")):
        module = ast.parse(path.read_text(encoding="utf-8"))
        part = next(filter(None, map(_part, module.body)))
        for node in module.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("check_"):
                check = f"{part}.{node.name.removeprefix('check_')}"
                found[check] = ast.get_docstring(node) or ""
    return found


def _part(node: ast.stmt) -> str | None:
    """What is assigned to `PART`."""
    match node:
        case ast.Assign(targets=[ast.Name(id="PART")], value=ast.Constant(value=str(part))):
            return part
    return None


def checks_page(
    rubric: Rubric, told: Mapping[str, str], misconceptions: Mapping[str, Sequence[str]]
) -> str:
    """The page.

    rubric : with the hidden checks
    told : docstrings by check
    misconceptions : codes by check
    """
    public = [check for check in rubric.check if check.strengthens is None]
    hidden = [check for check in rubric.check if check.strengthens is not None]
    strengthened = {check.strengthens: check.id for check in hidden}
    blocks = [_INTRODUCTION, _overview(rubric, public)]
    for part in rubric.part:
        blocks.append(f"## {part.title}")
        blocks.append(f"Part {code(part.id)}, {part.points} points.")
        for check in public:
            if check.part == part.id:
                by = strengthened.get(check.id)
                blocks.append(_entry(check, told, misconceptions.get(check.id, ()), by))
    blocks += ["## Hidden checks", _HIDDEN]
    blocks += [_entry(check, told, (), None) for check in hidden]
    return page("Checks", SOURCE, *blocks)


def _overview(rubric: Rubric, public: Sequence[CheckEntry]) -> str:
    titles = {part.id: part.title for part in rubric.part}
    return table(
        ["check", "part", "title", "points"],
        ([linked([c.id], ""), titles[c.part], c.title, str(c.points)] for c in public),
    )


def _entry(
    check: CheckEntry, told: Mapping[str, str], misconceptions: Sequence[str], by: str | None
) -> str:
    facts = [f"**{check.title}**", _worth(check)]
    if check.needs:
        facts.append(f"Needs {linked(check.needs, '')}.")
    if by is not None:
        facts.append(f"In official gradings, {linked([by], '')} can take its points.")
    if misconceptions:
        facts.append(f"Misconceptions: {linked(misconceptions, 'misconceptions.md')}.")
    return "\n\n".join([f"### {code(check.id)}", "\\\n".join(facts), paragraphs(told[check.id])])


def _worth(check: CheckEntry) -> str:
    if check.strengthens is not None:
        strengthens = linked([check.strengthens], "")
        return f"Strengthens {strengthens}; visibility {codes([check.visibility])}."
    points = "1 point" if check.points == 1 else f"{check.points} points"
    return f"{points}; visibility {code(check.visibility)}."

"""The report as Markdown: a job's summary, a release's text, a comment."""

from __future__ import annotations

import re

from grader.report.model import CheckResult, PartResult, Report, TargetEntry
from grader.report.safe import excerpt, printable
from grader.report.sparkline import sparkline
from grader.report.words import (
    STATUS,
    SYMBOLS,
    changed_points,
    next_steps,
    outcome,
    remark,
    told_audit,
    told_score,
    troubled,
    verdict,
)

#: GitHub shows a summary of 1 MiB at most; of what is told of a check less is shown beyond that.
MAX_BYTES = 1_000_000
SLOTS = (4_000, 400)
MAX_SLOT_LINES = 60
#: Words that services turn into links or into messages to somebody.
_LINKED = re.compile(r"@|://|www\.|#\d")
_MEANT = re.compile(r"([\\`*\[\]~$]|(?<!\w)_|_(?!\w)|^#)")


def to_markdown(report: Report) -> str:
    """The score, what to do next, what went wrong, and a table of all checks."""
    documents = (_document(report, slot) for slot in SLOTS)
    full = next(documents)
    return full if len(full.encode()) <= MAX_BYTES else next(documents)


def _document(report: Report, slot: int) -> str:
    blocks = [f"# DQN assignment: {told_score(report)}", f"Graded: {code(report.submission.name)}"]
    untold = verdict(report)
    if untold is not None:
        blocks += [f"> **{untold}**", "Reason:", fenced(excerpt(report.reason or "", slot, 20))]
    if changed := changed_points(report):
        lines = [f"- {prose(what)}. {prose(why, slot)}" for what, why in changed]
        blocks += ["**Changed by the course staff**", "\n".join(lines)]
    blocks += ["## What to do next", _numbered([step.text for step in next_steps(report)])]
    graded = [part for part in report.parts if part.attempted]
    if graded:
        blocks += ["## Parts", _parts(report, graded)]
    wrong = troubled(report)
    if wrong:
        blocks.append("## What to look at")
        for check in wrong:
            blocks += _check(report, check, slot)
    if report.advice:
        lines = [f"- {code(a.code)}: {prose(a.message, slot)}" for a in report.advice]
        blocks += ["## Advice, which costs no points", "\n".join(lines)]
    if report.solve.attempts:
        blocks += ["## CartPole run", *_run(report)]
    if graded:
        tables = [_checks(report, part) for part in graded]
        blocks.append(_folded("All checks", "\n\n".join(tables)))
    blocks.append(f"Grader {report.grader.version}, files {code(report.submission.sha256)}")
    return "\n\n".join(blocks) + "\n"


def _parts(report: Report, parts: list[PartResult]) -> str:
    rows = []
    for part in parts:
        mine = [check for check in report.checks if check.part == part.id]
        passed = sum(check.status == "passed" for check in mine)
        rows.append([prose(part.title), f"{part.score}/{part.max_score}", f"{passed}/{len(mine)}"])
    return _table(["part", "points", "checks passed"], rows, numbers=(1, 2))


def _check(report: Report, check: CheckResult, slot: int) -> list[str]:
    """Everything that is told of a check that went wrong."""
    facts = [STATUS[check.status], f"{check.score} of {check.max_score} points", code(check.id)]
    facts += [code(check.code)] if check.code else []
    if check.location is not None:
        facts.append(code(f"{check.location.file[:200]}:{check.location.line}"))
    blocks = [f"### {SYMBOLS[check.status]} {prose(check.title)}", " · ".join(facts)]
    if note := remark(check, report.view):
        blocks.append(f"*{note}*")
    if check.observed:
        first, _, more = check.observed.partition("\n")
        if check.targets:
            blocks += [f"**Observed.** {prose(first, slot)}", _targets(check.targets)]
        elif more:
            blocks += ["**Observed.**", fenced(excerpt(check.observed, slot, MAX_SLOT_LINES))]
        else:
            blocks.append(f"**Observed.** {prose(first, slot)}")
    for name, text in (("Why it matters", check.why), ("Hint", check.hint)):
        if text:
            blocks.append(f"**{name}.** {prose(text, slot)}")
    for name, text, kind in (
        ("Try it yourself, in a Python prompt that runs in your folder", check.reproduce, "python"),
        ("What your code printed", check.output, ""),
    ):
        if text:
            blocks.append(_folded(name, fenced(excerpt(text, slot, MAX_SLOT_LINES), kind)))
    return blocks


def _targets(rows: list[TargetEntry]) -> str:
    heads = ["row", "action", "reward", "terminal", "best next value", "expected", "yours"]
    return _table(
        [*heads, "yours is"],
        [
            [
                f"s{row.transition}",
                str(row.action),
                f"{row.reward:g}",
                "yes" if row.terminal else "no",
                f"{row.best_next:g}",
                f"{row.expected:g}",
                f"{row.got:g}",
                code(row.formula or ""),
            ]
            for row in rows
        ],
        numbers=(1, 2, 4, 5, 6),
    )


def _run(report: Report) -> list[str]:
    lines = []
    for number, attempt in enumerate(report.solve.attempts, 1):
        returns = [mean for _updates, mean in attempt.curve]
        curve = sparkline(returns, top=500.0, width=40, ascii_only=False)
        lines.append(f"- attempt {number}: {code(curve)} {outcome(attempt)}".replace("  ", " "))
    audit = told_audit(report)
    return ["\n".join(lines), *([prose(audit)] if audit else [])]


def _checks(report: Report, part: PartResult) -> str:
    rows = [
        [
            f"{SYMBOLS[check.status]} {prose(check.title)}",
            _outcome(check),
            f"{check.score}/{check.max_score}" if check.max_score else "–",
        ]
        for check in report.checks
        if check.part == part.id
    ]
    head = f"**{prose(part.title)}** {part.score}/{part.max_score}"
    return f"{head}\n\n{_table(['check', 'outcome', 'points'], rows, numbers=(2,))}"


def _outcome(check: CheckResult) -> str:
    waits = f", waits for {code(check.blocked_by)}" if check.blocked_by else ""
    return STATUS[check.status] + waits


# --- Markdown itself ---


def prose(text: str, slot: int = SLOTS[0]) -> str:
    """One paragraph in which only what stands between backticks means something."""
    pieces = excerpt(text, slot, MAX_SLOT_LINES).replace("\n", " ").split("`")
    if len(pieces) % 2 == 0:
        return _plain("`".join(pieces))
    return "".join(code(piece) if n % 2 else _plain(piece) for n, piece in enumerate(pieces))


def _plain(text: str) -> str:
    words = re.split(r"(\s+)", text)
    return "".join(code(word) if _LINKED.search(word) else _escaped(word) for word in words)


def _escaped(text: str) -> str:
    bare = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MEANT.sub(r"\\\1", bare)


def code(text: str) -> str:
    """A code span; nothing for an empty text."""
    shown = printable(text[:500]).strip()
    if not shown:
        return ""
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    pad = " " if "`" in shown else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def fenced(text: str, kind: str = "text") -> str:
    """A block of code, whatever is in it."""
    fence = "`" * (1 + max([2, *map(len, re.findall("`+", text))]))
    return f"{fence}{kind}\n{text}\n{fence}"


def _folded(name: str, body: str) -> str:
    return f"<details>\n<summary>{name}</summary>\n\n{body}\n\n</details>"


def _numbered(lines: list[str]) -> str:
    return "\n".join(f"{n}. {prose(line)}" for n, line in enumerate(lines, 1))


def _table(heads: list[str], rows: list[list[str]], numbers: tuple[int, ...]) -> str:
    rule = ["---:" if n in numbers else "---" for n in range(len(heads))]
    lines = [[cell.replace("|", "\\|") for cell in cells] for cells in [heads, rule, *rows]]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)

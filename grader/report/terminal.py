"""The report as a student reads it in a terminal."""

from __future__ import annotations

import io

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from grader.report.model import (
    AttemptEntry,
    CheckResult,
    OverrideEntry,
    PartResult,
    Report,
)
from grader.report.safe import excerpt, printable, to_ascii
from grader.report.sparkline import sparkline
from grader.report.texts import with_texts_ascii
from grader.report.words import STATUS, told_score, troubled

#: Lines longer than this are hard to read.
MAX_WIDTH = 96
#: Of anything that is told of a check, so much is shown; the JSON report holds the rest.
MAX_SLOT, MAX_SLOT_LINES = 4_000, 60

_MARKS = {
    "passed": ("✓", "ok", "green"),
    "failed": ("✗", "FAIL", "red"),
    "blocked": ("–", "--", "yellow"),
    "timed_out": ("✗", "TIME", "red"),
    "crashed": ("✗", "DEAD", "red"),
    "not_attempted": ("·", "..", "dim"),
}


def print_report(report: Report, console: Console) -> None:
    """Parts with their checks, then what went wrong, then the score."""
    ascii_only = not is_unicode(console)
    if ascii_only:
        report = with_texts_ascii(report)  # before they are laid out
    width = min(console.width, MAX_WIDTH)
    rendered = render(report, ascii_only=ascii_only)
    if console.is_terminal and not ascii_only:
        console.print(rendered, width=width, crop=False)
        return
    with console.capture() as capture:
        console.print(rendered, width=width, crop=False)
    text = capture.get()
    # Elsewhere than in a terminal, the blanks that fill up lines are of no use.
    text = "".join(f"{line.rstrip()}\n" for line in text.splitlines())
    console.file.write(to_ascii(text) if ascii_only else text)
    console.file.flush()


def to_text(report: Report, width: int = 100) -> str:
    """The report as plain text without colour."""
    console = Console(file=io.StringIO(), width=width, color_system=None, highlight=False)
    print_report(report, console)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def render(report: Report, *, ascii_only: bool) -> RenderableType:
    """The whole report as one renderable."""
    blocks: list[RenderableType] = []
    for part in report.parts:
        if part.attempted:
            blocks.append(_part(report, part, ascii_only))
    wrong = troubled(report)
    if wrong:
        blocks.append(Text("\nWhat to look at\n", style="bold"))
        blocks += [_feedback(check, ascii_only) for check in wrong]
    if report.advice:
        blocks.append(Text("Advice (costs no points)\n", style="bold"))
        for advice in report.advice:
            line = Text.assemble((f"{advice.code}: ", "cyan"), excerpt(advice.message, MAX_SLOT, 1))
            blocks.append(Padding(line, (0, 0, 1, 2)))
    if report.overrides:
        blocks.append(_overrides(report.overrides))
    blocks.append(_score(report))
    return Group(*blocks)


def is_unicode(console: Console) -> bool:
    """Whether what the console writes to takes more than ASCII for sure."""
    return (console.encoding or "ascii").lower().startswith("utf")


def _part(report: Report, part: PartResult, ascii_only: bool) -> RenderableType:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(width=5 if ascii_only else 2, justify="right")
    table.add_column(ratio=1)
    table.add_column(justify="right", no_wrap=True)
    full = part.score == part.max_score
    table.add_row(
        "",
        Text(f"\n{part.title}", style="bold"),
        Text(f"\n{part.score}/{part.max_score}", style="bold green" if full else "bold"),
    )
    checks = [c for c in report.checks if c.part == part.id and c.status != "not_attempted"]
    for check in checks:
        if check.status != "blocked":
            table.add_row(*_row(check, ascii_only))
    for blocker in dict.fromkeys(c.blocked_by for c in checks if c.status == "blocked"):
        waiting = [c for c in checks if c.status == "blocked" and c.blocked_by == blocker]
        table.add_row(*_blocked_row(waiting, ascii_only))
    blocks: list[RenderableType] = [table]
    if part.id == "cartpole":
        blocks += _curves(report, ascii_only)
    return Group(*blocks)


def _row(check: CheckResult, ascii_only: bool) -> tuple[Text, Text, Text]:
    symbol, word, style = _MARKS[check.status]
    title = Text(printable(check.title))
    if check.status != "passed":
        title.append(f"  {STATUS[check.status]}", style="red")
    points = f"{check.score}/{check.max_score}" if check.max_score else ""
    return Text(word if ascii_only else symbol, style=style), title, Text(points, style="dim")


def _blocked_row(waiting: list[CheckResult], ascii_only: bool) -> tuple[Text, Text, Text]:
    """One line for all checks that wait for the same one."""
    symbol, word, style = _MARKS["blocked"]
    points = sum(check.max_score for check in waiting)
    what = printable(waiting[0].title) if len(waiting) == 1 else f"{len(waiting)} more checks"
    title = Text(f"{what}: blocked until {waiting[0].blocked_by} passes", style=style)
    mark = Text(word if ascii_only else symbol, style=style)
    return mark, title, Text(f"0/{points}", style="dim")


def _curves(report: Report, ascii_only: bool) -> list[RenderableType]:
    lines: list[RenderableType] = []
    for number, attempt in enumerate(report.solve.attempts, 1):
        if not attempt.curve:
            continue
        returns = [mean for _updates, mean in attempt.curve]
        line = sparkline(returns, top=500.0, width=40, ascii_only=ascii_only)
        confirmed = (
            f"confirmed {attempt.mean_return:.1f} over {report.solve.episodes} episodes"
            if attempt.solved and attempt.mean_return is not None
            else f"best greedy average {max(returns):.1f}"
        )
        text = f"attempt {number}: {line} {attempt.updates:,} updates"
        lines.append(Padding(Text(text, style="dim"), (0, 0, 0, 3)))
        details = [confirmed, *([_max_q(report, attempt, ascii_only)] if attempt.max_q else [])]
        for detail in details:
            lines.append(Padding(Text(detail, style="dim"), (0, 0, 0, 14)))
    return lines


def _max_q(report: Report, attempt: AttemptEntry, ascii_only: bool) -> str:
    """What the agent believes its states to be worth, beside what they can be worth at most."""
    bound = f"{'1/(1 - gamma)' if ascii_only else '1/(1 − γ)'} = {report.solve.max_q_bound:.0f}"
    last = attempt.max_q[-1][1]
    if last is None:
        return f"mean max-Q overflowed; at most {bound} is possible"
    over = ", overestimated" if last > report.solve.max_q_bound else ""
    return f"mean max-Q {last:.3g}{over}; at most {bound} is possible"


def _feedback(check: CheckResult, ascii_only: bool) -> RenderableType:
    symbol, word, style = _MARKS[check.status]
    place = check.location
    where = "" if place is None else f"  {_short(place.file)}:{place.line}"
    # In a column of its own, since names that are wrapped must not begin a line.
    head = Table.grid(padding=(0, 1))
    head.add_row(
        Text(word if ascii_only else symbol, style=style),
        Text.assemble(
            (check.id, "bold"),
            (f"  {_short(check.code)}" if check.code else "", "cyan"),
            (where, "magenta"),
        ),
    )
    body: list[RenderableType] = []
    for name, text in (("observed", check.observed), ("why", check.why), ("hint", check.hint)):
        if text:
            body.append(_slot(name, text))
    if check.output:
        body.append(_slot("printed", _first_lines(check.output), verbatim=True))
    lines: list[RenderableType] = []
    if check.reproduce:
        body.append(_slot("try it", "paste into a Python prompt that runs in your folder:"))
        lines = [_pasteable(check.reproduce), Text()]
    return Group(head, Padding(Group(*body), (0, 0, 0 if lines else 1, 2)), *lines)


def _short(name: str) -> str:
    return printable(name[:200])


def _pasteable(lines: str) -> Text:
    """Python at the left margin and unbroken, since a prompt takes neither indents nor wraps."""
    return Text(printable(lines, lines=True), style="dim", no_wrap=True, overflow="ignore")


def _slot(name: str, text: str, *, verbatim: bool = False) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=8, style="dim", no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    safe = excerpt(text, MAX_SLOT, MAX_SLOT_LINES)
    grid.add_row(name, Text(safe, style="dim" if verbatim else ""))
    return grid


def _first_lines(output: str, lines: int = 8) -> str:
    kept = output.splitlines()[:lines]
    left = len(output.splitlines()) - len(kept)
    shown = [line[:160] for line in kept]
    return "\n".join(shown + ([f"… {left} more lines"] if left > 0 else []))


def _overrides(overrides: list[OverrideEntry]) -> RenderableType:
    blocks: list[RenderableType] = [Text("Points given by staff\n", style="bold")]
    for override in overrides:
        line = f"{override.check}: {override.score} instead of {override.graded}: "
        told = Text.assemble((line, "cyan"), excerpt(override.reason, MAX_SLOT, 20))
        blocks.append(Padding(told, (0, 0, 1, 2)))
    return Group(*blocks)


def _score(report: Report) -> RenderableType:
    if report.score is None:
        reason = excerpt(report.reason or "", MAX_SLOT, 20)
        grid = Table.grid(padding=(0, 1))
        grid.add_row(Text("\nNo score:", no_wrap=True), Text(f"\n{reason}"), style="bold yellow")
        return grid
    style = "bold green" if report.score == report.attempted_max else "bold"
    line = Text.assemble(
        ("\nScore: ", "bold"),
        (told_score(report), style),
        (f"   in {report.timing.total_s:.1f} s", "dim"),
    )
    return Group(line, Text(f"sha256 {report.submission.sha256}", style="dim", overflow="fold"))

"""`docs/validity.md`: what was graded, what came of it, and what that shows."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from grader.rubric import Rubric
from tests.validity.claims import MISNAMED, NAMED, Judged, failures_by_check, tally

_KINDS = {
    "wrong": "Wrong, with a misconception of the list",
    "subtle": "Wrong in a subtle way",
    "double": "Two faults at once",
    "correct": "Correct, in many styles",
}
_PARTS = {
    "NET": "QNetwork",
    "SAMPLE": "ReplayBuffer.sample",
    "UPDATE": "DQNAgent.update",
    "SYNC": "DQNAgent.update_target",
    "GIVEN": "Code that was given",
}


@dataclass(frozen=True)
class Idle:
    """What a check is there for: the case which shows it, and what becomes of it without."""

    check: str
    case: str
    effect: str


def document(
    judged: Sequence[Judged], idle: Sequence[Idle], rubric: Rubric, seconds: float, jobs: int
) -> str:
    """The page, as Markdown."""
    sections = [
        _HEAD,
        _summary(judged),
        _misconceptions(judged),
        _subtle(judged),
        _double(judged),
        _correct(judged),
        _idle(idle, rubric),
        _times(judged, seconds, jobs),
    ]
    return "\n\n".join(section.strip() for section in sections) + "\n"


_HEAD = """
# How right the grades are

This page is written by `make validity`, which grades every submission under `tests/corpus/` and
fails when a claim made here no longer holds. Each of them is a small patch on one of four complete
submissions in different styles; `tests/corpus/README.md` says how to add one. They are graded by
all checks; the CartPole run, which rests on them, is measured by itself (`make bench`).
"""


def _summary(judged: Sequence[Judged]) -> str:
    rows = []
    counts = tally(judged)
    for kind, told in _KINDS.items():
        if kind not in counts:
            continue
        t = counts[kind]
        names = [f"{t.named} of {t.codes}", t.codes - t.named, t.misnamed]
        # Most subtle faults have no name on the list, so that a name may be as fair as none.
        judged_names = kind in ("wrong", "double")
        rows.append([told, t.cases, t.right, *(names if judged_names else ["–", "–", "–"])])
    heads = ["submissions", "number", "points as due", "named", "not named", "named wrongly"]
    return "\n\n".join(
        (
            "## Summary",
            _table(heads, rows),
            "*Points as due*: a wrong submission loses points in every part with a fault and in no "
            "other; a correct one keeps all of them, and gets the remark that it is there for. "
            "*Named*: the misconception, or one whose effect no numbers can tell from it. *Named "
            "wrongly*: a failed check carries the code of something that the submission does not "
            f"do. At least {NAMED:.0%} of the misconceptions must be named and at most "
            f"{MISNAMED:.0%} wrongly.",
        )
    )


def _misconceptions(judged: Sequence[Judged]) -> str:
    ours = [j for j in judged if j.verdict.case.kind in ("wrong", "double")]
    codes = sorted({code for j in ours for code in j.verdict.case.codes})
    failed = failures_by_check(j for j in ours if len(j.verdict.case.codes) == 1)
    parts = ["## Misconceptions", _MATRIX]
    for prefix, title in _PARTS.items():
        rows = []
        for code in (c for c in codes if c.startswith(prefix)):
            mine = [j for j in ours if code in j.verdict.case.codes]
            checks = {check: n for (c, check), n in failed.items() if c == code}
            others = Counter(name for j in mine for name in j.misnamed if code in j.silent)
            rows.append(
                [
                    f"`{code}`",
                    len(mine),
                    len({j.verdict.case.base for j in mine}),
                    sum(code in j.named for j in mine),
                    sum(code in j.silent for j in mine),
                    _counted(others) or "–",
                    _counted(checks),
                ]
            )
        heads = ["code", "cases", "bases", "named", "silent", "other name", "checks that fail"]
        parts += [f"### {title}", _table(heads, rows)]
    return "\n\n".join(parts)


_MATRIX = """
For each code: how many submissions have it (double faults included), on how many bases, how often
it was named, and in how many of those with this fault alone a check failed.
"""


def _subtle(judged: Sequence[Judged]) -> str:
    rows = [
        [
            j.verdict.case.why,
            ", ".join(sorted(j.verdict.lost)) or "none",
            _checks(j),
            ", ".join(f"`{name}`" for name in sorted(j.verdict.names)) or "–",
        ]
        for j in judged
        if j.verdict.case.kind == "subtle"
    ]
    return "\n\n".join(
        (
            "## Subtle faults",
            "Right on the page's own numbers, wrong elsewhere. Points must be lost; most of them "
            "have no name.",
            _table(["what is wrong", "loses points in", "checks that fail", "named"], rows),
        )
    )


def _double(judged: Sequence[Judged]) -> str:
    rows = [
        [
            j.verdict.case.why,
            " + ".join(f"`{code}`" for code in j.verdict.case.codes),
            ", ".join(sorted(j.verdict.lost)),
            f"{len(j.named)} of {len(j.verdict.case.codes)}",
        ]
        for j in judged
        if j.verdict.case.kind == "double"
    ]
    heads = ["what is wrong", "codes", "loses points in", "named"]
    return "\n\n".join(("## Two faults at once", _table(heads, rows)))


def _correct(judged: Sequence[Judged]) -> str:
    groups: dict[str, list[Judged]] = {}
    for j in judged:
        if j.verdict.case.kind == "correct":
            groups.setdefault(j.verdict.case.group.split("/")[1], []).append(j)
    rows = [
        [name.replace("_", " "), len(mine), sum(not j.verdict.lost for j in mine)]
        for name, mine in groups.items()
    ]
    advised = Counter(
        j.verdict.case.advice or ""
        for mine in groups.values()
        for j in mine
        if j.verdict.case.advice and not j.unadvised
    )
    due = Counter(
        j.verdict.case.advice or ""
        for mine in groups.values()
        for j in mine
        if j.verdict.case.advice
    )
    remarks = [[f"`{code}`", n, advised[code]] for code, n in sorted(due.items())]
    return "\n\n".join(
        (
            "## Correct submissions",
            _table(["what varies", "submissions", "all points kept"], rows),
            "### Remarks that cost nothing",
            _table(["code", "submissions", "remarked on"], remarks),
        )
    )


def _idle(idle: Sequence[Idle], rubric: Rubric) -> str:
    titles = {check.id: check.title for check in rubric.check}
    rows = [[f"`{i.check}`", titles[i.check], f"`{i.case}`", i.effect] for i in idle]
    return "\n\n".join(
        (
            "## No check is idle",
            "Each check was disabled, and a wrong submission graded again without it.",
            _table(["check", "title", "without it", "then"], rows),
        )
    )


def _times(judged: Sequence[Judged], seconds: float, jobs: int) -> str:
    rows = []
    for kind, told in _KINDS.items():
        times = sorted(j.verdict.seconds for j in judged if j.verdict.case.kind == kind)
        if times:
            nine = times[min(len(times) - 1, round(0.9 * len(times)))]
            rows.append([told, *(f"{t:.2f}" for t in (statistics.median(times), nine, times[-1]))])
    return "\n\n".join(
        (
            "## Time",
            f"{len(judged)} submissions in {seconds / 60:.1f} minutes, {jobs} at a time. Seconds "
            "for each, its worker's start included and torch's import not (a prepared process is "
            "kept); `q_network` and `sample`, which load one file each, are graded where the patch "
            "changes that file:",
            _table(["submissions", "median", "90 %", "slowest"], rows),
        )
    )


def _checks(judged: Judged) -> str:
    return ", ".join(
        f"`{c.id}`" for c in judged.verdict.checks if c.failed and c.status != "blocked"
    )


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"`{name}` {n}" for name, n in counts.items())


def _table(heads: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")

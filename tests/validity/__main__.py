"""Grade the corpus and hold the results against the claims: `python -m tests.validity`.

Writes `docs/validity.md` and ends with exit status 1 when a claim does not hold.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from grader.release import write_atomic
from grader.rubric import Rubric, load_rubric
from tests.validity.claims import Judged, broken, departures, judge
from tests.validity.corpus import CORPUS, PatchError, read_corpus
from tests.validity.document import Idle, document
from tests.validity.idle import candidates, effect
from tests.validity.verdicts import Task, Verdict, grade_all

PAGE = Path(__file__).resolve().parents[2] / "docs" / "validity.md"


def main() -> int:
    """Grade, judge, write; 1 when a claim is broken, 2 when the corpus cannot be read."""
    options = _arguments()
    console = Console(stderr=True)
    begun = time.perf_counter()
    try:
        everything = read_corpus(options.corpus)
    except PatchError as error:
        console.print(f"error: {error}", markup=False)
        return 2
    cases = [c for c in everything if re.search(options.match, f"{c.group} {c.id}")]
    if not cases:
        console.print(f"error: no case matches {options.match!r}", markup=False)
        return 2
    solved = {"correct"} if options.solve else set()
    tasks = [Task(case, options.corpus, solve=case.kind in solved) for case in cases]
    judged = []
    for verdict in _shown(grade_all(tasks, options.jobs), len(tasks), "corpus", console):
        one = judge(verdict)
        judged.append(one)
        _tell(one, console, options.names)
    place = {case.id: n for n, case in enumerate(cases)}
    judged.sort(key=lambda one: place[one.verdict.case.id])
    told = broken(judged)
    whole = not options.match and options.corpus == CORPUS
    rubric = load_rubric()
    idle = _look_for_idle(rubric, judged, options.jobs, console) if whole else []
    seconds = time.perf_counter() - begun
    if whole:
        working = {entry.check for entry in idle}
        told += [
            f"{c}: idle, no case comes out differently without it"
            for c in _graded(rubric)
            if c not in working
        ]
        page = document(judged, idle, rubric, seconds, options.jobs)
        write_atomic(PAGE, page.encode())
    for line in told:
        print(line)
    count = len(judged)
    print(
        f"{count} submissions in {seconds / 60:.1f} min: "
        + (f"{len(told)} claims are broken" if told else "every claim holds")
    )
    return 1 if told else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.validity", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--jobs",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="gradings at a time (default: as many as there are cores)",
    )
    parser.add_argument(
        "--match",
        default="",
        metavar="REGEX",
        help="only cases whose `kind/file id` matches; the page is not written",
    )
    parser.add_argument(
        "--corpus",
        type=Path,
        default=CORPUS,
        metavar="FOLDER",
        help="another corpus, laid out like `tests/corpus`; the page is not written",
    )
    parser.add_argument(
        "--solve",
        action="store_true",
        help="let correct submissions do the CartPole run too (some minutes more)",
    )
    parser.add_argument(
        "--names", action="store_true", help="also print what is named otherwise, or not at all"
    )
    return parser.parse_args()


def _look_for_idle(rubric: Rubric, judged: list[Judged], jobs: int, console: Console) -> list[Idle]:
    """One case for each check that comes out differently without it."""
    verdicts = [one.verdict for one in judged]
    before = {v.case.id: v for v in verdicts}
    found: dict[str, Idle] = {}
    waiting = {check: candidates(check, verdicts) for check in _graded(rubric)}
    while True:
        tasks = [queue.pop(0) for check, queue in waiting.items() if check not in found and queue]
        if not tasks:
            return [found[check] for check in _graded(rubric) if check in found]
        for after in _shown(grade_all(tasks, jobs), len(tasks), "idle checks", console):
            check = after.task.without
            assert check is not None
            told = effect(check, before[after.case.id], after)
            if told is not None:
                found[check] = Idle(check, after.case.id, told)


def _graded(rubric: Rubric) -> list[str]:
    return [check.id for check in rubric.check if check.part != "cartpole"]


def _shown(
    verdicts: Iterable[Verdict], total: int, title: str, console: Console
) -> Iterator[Verdict]:
    """The verdicts, with a bar in a terminal and a line now and then elsewhere."""
    if console.is_terminal:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console) as progress:
            yield from progress.track(verdicts, total=total, description=title)
        return
    for n, verdict in enumerate(verdicts, 1):
        yield verdict
        if n % 50 == 0 or n == total:
            console.print(f"{title}: {n} of {total}", markup=False)


def _tell(one: Judged, console: Console, names: bool) -> None:
    """Say at once what is not as it should be."""
    told = departures(one)
    if names and (one.silent or one.misnamed):
        told.append(
            f"{one.verdict.case.id}: not named {list(one.silent)}, "
            f"named {sorted(one.verdict.names)}"
        )
    for line in told:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())

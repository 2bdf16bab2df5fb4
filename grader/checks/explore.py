"""Hypothesis with a worker at the other end: an explicit seed, no database, no clock."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar
from unittest import mock

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.errors import Flaky
from hypothesis.strategies import SearchStrategy

from grader.checks.feedback import Failure
from grader.recall import Recall, afresh

T = TypeVar("T")


class Cases(Generic[T]):
    """What a search asks of a submission that gets all of it right: the seed decides it."""

    def __init__(self) -> None:
        self.all: list[T] | None = None


def explore(
    strategy: SearchStrategy[T],
    judge: Callable[[T], None],
    *,
    seeded: int,
    examples: int,
    recall: Recall = afresh,
) -> None:
    """Put up to `examples` drawn cases before `judge`; the smallest that fails is raised.

    `judge` raises `Failure` for a case that the submission gets wrong. A submission that answers
    the same case differently from time to time fails with the first case recorded.

    Cases that an earlier submission got right are recalled, not drawn again. The submission is
    asked the same in the same order, with or without: where it gets one wrong, the search is told
    the answers so far and goes on from there.
    """
    cases: Cases[T] = recall(f"cases {seeded} {examples}", Cases)
    if cases.all is None:
        asked: list[T] = []
        _search(strategy, _noted(judge, asked), seeded, examples)
        cases.all = asked
        return
    wrong = _first_wrong(cases.all, judge)
    if wrong is None:
        return
    # Not where the exception is handled: Hypothesis tells failures apart by what came before them.
    _search(strategy, _answered(judge, *wrong), seeded, examples)
    raise AssertionError("the search drew other cases from the same seed")


def _first_wrong(cases: Iterable[T], judge: Callable[[T], None]) -> tuple[int, Exception] | None:
    """How many cases were right, and what the judge said of the next."""
    for passed, case in enumerate(cases):
        try:
            judge(case)
        except Exception as error:
            return passed, error
    return None


def _noted(judge: Callable[[T], None], asked: list[T]) -> Callable[[T], None]:
    """The judge, with a list of what it was asked."""

    def noted(case: T) -> None:
        asked.append(case)
        judge(case)

    return noted


def _answered(judge: Callable[[T], None], passed: int, error: Exception) -> Callable[[T], None]:
    """The judge, with its answers to the first cases: so many were right, and the next was not."""
    asked = itertools.count()

    def answered(case: T) -> None:
        number = next(asked)
        if number == passed:
            raise error
        if number > passed:
            judge(case)

    return answered


def _search(
    strategy: SearchStrategy[T], judge: Callable[[T], None], seeded: int, examples: int
) -> None:
    first: list[Failure] = []

    @seed(seeded)
    @settings(
        database=None,
        deadline=None,
        max_examples=examples,
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    @given(strategy)
    def search(case: T) -> None:
        try:
            judge(case)
        except Failure as failure:
            if not first:
                first.append(failure)
            raise

    try:
        with _without_local_constants():
            search()
    except Flaky:
        if not first:
            raise
        raise Failure(
            f"{first[0].observed} The same call gave another answer when it was repeated.",
            why="The same input must be handled in the same way at every call.",
            reproduce=first[0].reproduce,
        ) from None


@contextmanager
def _without_local_constants() -> Iterator[None]:
    """Keep Hypothesis from mixing in constants that it reads from the grader's own source files.

    They would make the questions depend on how the grader is installed, cost a parse of every
    module, and leave a cache folder behind. The pinned version has no setting for it.
    """
    with mock.patch(
        "hypothesis.internal.conjecture.providers.is_local_module_file", return_value=False
    ):
        yield

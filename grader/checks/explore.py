"""Hypothesis with a worker at the other end: an explicit seed, no database, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar
from unittest import mock

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.errors import Flaky
from hypothesis.strategies import SearchStrategy

from grader.checks.feedback import Failure

T = TypeVar("T")


def explore(
    strategy: SearchStrategy[T], judge: Callable[[T], None], *, seeded: int, examples: int
) -> None:
    """Put up to `examples` drawn cases before `judge`; the smallest that fails is raised.

    `judge` raises `Failure` for a case that the submission gets wrong. A submission that answers
    the same case differently from time to time fails with the first case recorded.
    """
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

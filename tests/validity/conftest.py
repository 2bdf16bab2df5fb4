"""The corpus, and verdicts on a few of its cases."""

import pytest

from tests.validity.corpus import read_corpus
from tests.validity.verdicts import Task, grade_all


@pytest.fixture(scope="session")
def corpus():
    """Every case."""
    return read_corpus()


@pytest.fixture(scope="session")
def verdicts(corpus):
    """Verdicts on the first case of every file, by id."""
    first = {}
    for case in corpus:
        first.setdefault(case.group, case)
    return {v.case.id: v for v in grade_all([Task(case) for case in first.values()], jobs=2)}

"""The corpus, and verdicts on a few of its cases."""

import pytest

from tests.validity.corpus import read_corpus
from tests.validity.verdicts import Task, grade_all


@pytest.fixture(scope="session")
def corpus():
    """Every case."""
    return read_corpus()


@pytest.fixture(scope="session")
def graded(corpus):
    """A function: verdicts on the cases of these ids."""

    def grade(ids):
        cases = {case.id: case for case in corpus}
        return list(grade_all([Task(cases[name]) for name in ids], jobs=2))

    return grade


@pytest.fixture(scope="session")
def verdicts(corpus, graded):
    """Verdicts on the first case of every file, by id."""
    first = {}
    for case in corpus:
        first.setdefault(case.group, case.id)
    return {v.case.id: v for v in graded(first.values())}

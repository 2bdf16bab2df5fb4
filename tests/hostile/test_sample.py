"""A few cases of every group; `make hostile` tries the rest as well."""

import pytest

from tests.hostile.corpus import read_cases
from tests.hostile.tiers import TIERS

CASES = [case for case in read_cases() if case.sample]
TRIED = [
    pytest.param(tier, case, id=f"{tier}-{case.id}")
    for tier in TIERS
    for case in CASES
    if tier == "plain" or case.sample == "every"
]


@pytest.mark.parametrize(("tier", "case"), TRIED, indirect=["tier"], scope="session")
def test_every_promise_holds(bench, case):
    assert bench.trial(case).wrong == []


def test_the_watch_sees_what_nothing_stops(bench):
    """Where a tier makes no promise, the deeds do what they say: they are no straw men."""
    if bench.tier != "plain":
        pytest.skip("this tier stops them")
    seen = {"reads-a-file-outside": "secrets", "signals-the-judge": "signals"}
    for case in CASES:
        if case.id in seen:
            trial = bench.trial(case)
            assert set(trial.broken) == {seen[case.id]}


def test_an_honest_submission_is_graded_as_before(bench):
    """After all of this, by the same judge and in plain by the same prepared process."""
    from tests.hostile.corpus import Case

    honest = Case(id="honest", why="", earns={"q_network": 20, "sample": 20, "update_target": 10})
    trial = bench.trial(honest)
    assert trial.broken == {}

"""The search for counterexamples: smallest case, flaky submissions, lost workers, seeds."""

import pytest
from hypothesis import strategies as st

from grader.checks.explore import explore
from grader.checks.feedback import Blocked, Failure
from grader.client import WorkerLost


def fail_from(limit, seen=None):
    """A judge that refuses numbers from `limit` on."""

    def judge(case):
        if seen is not None:
            seen.append(case)
        if case >= limit:
            raise Failure(f"wrong for {case}", reproduce=f"f({case})")

    return judge


@pytest.mark.parametrize("limit", [0, 1, 17, 500])
def test_the_smallest_failing_case_is_told(limit):
    with pytest.raises(Failure) as caught:
        explore(st.integers(0, 1000), fail_from(limit), seeded=1, examples=200)
    assert caught.value.observed == f"wrong for {limit}"
    assert caught.value.reproduce == f"f({limit})"


def test_lists_shrink_too():
    def judge(case):
        if sum(case) > 10:
            raise Failure(f"{case}")

    with pytest.raises(Failure) as caught:
        explore(st.lists(st.integers(0, 9)), judge, seeded=4, examples=200)
    told = eval(caught.value.observed)
    assert sum(told) == 11
    assert len(told) == 2


def test_nothing_wrong_passes_within_the_budget():
    seen = []
    explore(st.integers(0, 10**9), fail_from(10**10, seen), seeded=2, examples=35)
    assert 1 <= len(seen) <= 35


@pytest.mark.parametrize("seed", [0, 7, 2**64 - 1])
def test_same_seed_same_questions(seed):
    runs = []
    for _ in range(2):
        seen = []
        explore(st.integers(0, 10**9), fail_from(10**10, seen), seeded=seed, examples=20)
        runs.append(seen)
    assert runs[0] == runs[1]


def test_other_seed_other_questions():
    runs = []
    for seed in (1, 2):
        seen = []
        explore(st.integers(0, 10**9), fail_from(10**10, seen), seeded=seed, examples=20)
        runs.append(seen)
    assert runs[0] != runs[1]


def test_flaky_submission_fails_with_the_first_case():
    asked = []

    def judge(case):
        asked.append(case)
        if len(asked) == 3:
            raise Failure(f"wrong for {case}.", reproduce=f"f({case})")

    with pytest.raises(Failure) as caught:
        explore(st.integers(0, 1000), judge, seeded=3, examples=50)
    assert caught.value.observed == (
        f"wrong for {asked[2]}. The same call gave another answer when it was repeated."
    )
    assert caught.value.why == "The same input must be handled in the same way at every call."
    assert caught.value.reproduce == f"f({asked[2]})"
    assert caught.value.code is None


@pytest.mark.parametrize(
    "lost",
    [WorkerLost("crashed", "gone"), WorkerLost("timed_out", "silent"), Blocked("a.b")],
    ids=lambda e: getattr(e, "status", "blocked"),
)
def test_what_is_no_counterexample_passes_through_at_once(lost):
    asked = []

    def judge(case):
        asked.append(case)
        if len(asked) == 4:
            raise lost

    with pytest.raises(type(lost)) as caught:
        explore(st.integers(0, 1000), judge, seeded=3, examples=50)
    assert caught.value is lost
    assert len(asked) == 4


def test_worker_lost_while_shrinking_passes_through():
    asked = []

    def judge(case):
        asked.append(case)
        if len(asked) > 40:
            raise WorkerLost("crashed", "gone")
        if case > 5:
            raise Failure("wrong")

    with pytest.raises((WorkerLost, Failure)):
        explore(st.integers(0, 10**9), judge, seeded=3, examples=50)
    assert len(asked) <= 41


def test_faults_of_the_judge_are_not_failures():
    def judge(_case):
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        explore(st.integers(), judge, seeded=3, examples=5)

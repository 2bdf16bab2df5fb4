"""The search for counterexamples: smallest case, flaky submissions, lost workers, seeds."""

import pytest
from hypothesis import strategies as st

from grader.checks.explore import explore
from grader.checks.feedback import Blocked, Failure
from grader.client import WorkerLost
from grader.recall import Memory, afresh


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


# --- what earlier submissions have left ---


@pytest.fixture
def recall():
    """A memory in which a submission was right throughout."""
    recall = Memory().of(b"key")
    for strategy, seed in ((st.integers(0, 1000), 3), (st.lists(st.integers(0, 9)), 4)):
        explore(strategy, lambda _case: None, seeded=seed, examples=50, recall=recall)
    return recall


def told(judge, strategy, seed, recall):
    """All that was asked, and how it ended."""
    asked = []

    def noted(case):
        asked.append(case)
        judge(case, len(asked))

    try:
        explore(strategy, noted, seeded=seed, examples=50, recall=recall)
    except (Failure, WorkerLost, KeyError) as ended:
        return asked, type(ended), vars(ended)
    return asked, None, None


def too_large(case, _number):
    if case > 321:
        raise Failure(f"wrong for {case}", reproduce=f"f({case})")


def at_once(_case, _number):
    raise Failure("wrong")


def too_many(case, _number):
    if sum(case) > 10:
        raise Failure(f"{case}")


def now_and_then(case, number):
    if number in (7, 30):
        raise Failure(f"wrong for {case}.")


def late(case, number):
    if number == 40:
        raise WorkerLost("crashed", "gone")


def while_shrinking(case, number):
    if number > 40:
        raise WorkerLost("crashed", "gone")
    if case > 5:
        raise Failure("wrong")


def a_bug(case, _number):
    if case > 100:
        raise KeyError("a bug")


def right(_case, _number):
    return


@pytest.mark.parametrize(
    "judge", [right, too_large, at_once, now_and_then, late, while_shrinking, a_bug]
)
def test_with_recalled_cases_all_is_asked_and_told_the_same(judge, recall):
    strategy = st.integers(0, 1000)
    assert told(judge, strategy, 3, recall) == told(judge, strategy, 3, afresh)


def test_recalled_lists_shrink_alike(recall):
    strategy = st.lists(st.integers(0, 9))
    assert told(too_many, strategy, 4, recall) == told(too_many, strategy, 4, afresh)


def test_who_passes_recalled_cases_has_none_drawn(recall):
    asked = []
    explore(st.nothing(), asked.append, seeded=3, examples=50, recall=recall)
    assert asked == told(right, st.integers(0, 1000), 3, afresh)[0]


def test_what_a_wrong_submission_was_asked_is_not_taken_for_all():
    recall = Memory().of(b"key")
    strategy = st.integers(0, 1000)
    told(too_large, strategy, 3, recall)
    assert told(right, strategy, 3, recall) == told(right, strategy, 3, afresh)

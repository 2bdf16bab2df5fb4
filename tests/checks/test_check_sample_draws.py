"""`ReplayBuffer` with given code changed: what is said of lengths, and of what is not stored."""

import pytest

from grader.checks.check_sample_draws import _require_counts
from grader.checks.feedback import Failure

PUSH = "self.buffer.append((state, action, reward, next_state, done))"
LEN = "return len(self.buffer)"
DRAW = "random.sample(self.buffer, batch_size)"
AGAIN = "random.choices(list(self.buffer), k=batch_size)"
STORAGE = "deque(maxlen=capacity)"


@pytest.fixture
def judged(source_worker, runner, solution):
    """`judged(check, old, new, …)` is the outcome for the solution's buffer, changed."""

    def judge(check, *changes):
        source = solution["replay_buffer"]
        for old, new in zip(changes[::2], changes[1::2], strict=True):
            assert old in source
            source = source.replace(old, new)
        return runner(source_worker(replay_buffer=source), "sample").run(f"sample.{check}")

    return judge


def when(condition):
    """`push` stores only what fulfils the condition."""
    return f"if {condition}:\n            {PUSH}"


#: changes → code and the counts told by `given_buffer`
LENGTHS = {
    "terminal transitions left out": (
        (PUSH, when("not done")),
        "GIVEN_PUSH_CHANGED",
        "capacity=20))` was 0, and 8 after",
    ),
    "one too many": (
        (LEN, LEN + " + 1"),
        "GIVEN_LEN_CHANGED",
        "capacity=20))` was 1, and 13 after",
    ),
    "one in an empty buffer": (
        (LEN, "return max(1, len(self.buffer))"),
        "GIVEN_LEN_CHANGED",
        "capacity=20))` was 1, and 12 after",
    ),
    "the capacity": (
        (LEN, "return self.buffer.maxlen"),
        "GIVEN_LEN_CHANGED",
        "capacity=20))` was 20, and 20 after",
    ),
    "every other transition left out": (
        (PUSH, "self.n = getattr(self, 'n', 0) + 1\n        " + when("self.n % 2")),
        "GIVEN_PUSH_CHANGED",
        "capacity=20))` was 0, and 6 after",
    ),
    "one place left free": (
        (STORAGE, "deque(maxlen=capacity - 1)"),
        "GIVEN_CAPACITY_IGNORED",
        "capacity=12))` was 0, and 11 after",
    ),
    "no capacity": (
        (STORAGE, "deque()"),
        "GIVEN_CAPACITY_IGNORED",
        "capacity=5))` was 0, and 12 after",
    ),
    "another capacity": (
        (STORAGE, "deque(maxlen=capacity + 1)"),
        "GIVEN_CAPACITY_IGNORED",
        "capacity=5))` was 0, and 6 after",
    ),
    "every push counted": (
        (PUSH, PUSH + "; self.n = getattr(self, 'n', 0) + 1", LEN, "return getattr(self, 'n', 0)"),
        "GIVEN_LEN_CHANGED",
        "capacity=5))` was 0, and 12 after",
    ),
}


@pytest.mark.parametrize(("changes", "code", "told"), LENGTHS.values(), ids=LENGTHS)
def test_who_is_to_blame_for_a_wrong_length(judged, changes, code, told):
    outcome = judged("given_buffer", *changes)
    assert isinstance(outcome, Failure)
    assert outcome.code == code
    assert told in outcome.observed


def test_lengths_as_given_pass(judged):
    assert judged("given_buffer") is None
    assert judged("given_buffer", STORAGE, "deque([], capacity)") is None


def test_the_default_capacity(judged):
    outcome = judged("given_buffer", "capacity: int = 10_000", "capacity: int = 9_999")
    assert outcome.code == "GIVEN_CAPACITY_IGNORED"
    assert "10,040 pushes" in outcome.observed


# --- what draws tell besides ---


@pytest.mark.parametrize(
    ("pushes", "counts"),
    [([13], [5]), ([2, 2, 2], [2, 4, 5]), ([5], [5]), ([1], [1]), ([], [])],
)
def test_lengths_that_follow_the_pushes_pass(pushes, counts):
    _require_counts(5, pushes, counts)


@pytest.mark.parametrize(
    ("pushes", "counts", "told"),
    [
        ([13], [6], "capacity 5 and 13 transitions pushed, `len(buffer)` is 6, expected 5."),
        ([2, 2, 2], [2, 4, 4], "and 6 transitions pushed, `len(buffer)` is 4, expected 5."),
        ([2, 2, 2], [3, 4, 6], "and 2 transitions pushed, `len(buffer)` is 3, expected 2."),
    ],
)
def test_the_first_wrong_length_is_told(pushes, counts, told):
    with pytest.raises(Failure) as caught:
        _require_counts(5, pushes, counts)
    assert caught.value.observed.endswith(told)
    assert caught.value.code == "GIVEN_LEN_CHANGED"


@pytest.mark.usefixtures("few_examples")
@pytest.mark.parametrize(
    ("check", "length", "told"),
    [
        ("not_consumed", LEN + " + 1", "9 transitions were pushed; `len(buffer)` is 10."),
        ("not_consumed", "return 0", "9 transitions were pushed; `len(buffer)` is 0."),
        ("eviction", LEN + " + 1", "13 transitions pushed, `len(buffer)` is 6, expected 5."),
        # Right until something is evicted.
        ("eviction", "return len(self.buffer) - (len(self.buffer) == 5)", "is 4, expected 5."),
    ],
)
def test_a_wrong_length_beside_right_draws_is_lens_own_fault(judged, check, length, told):
    outcome = judged(check, LEN, length)
    assert outcome.code == "GIVEN_LEN_CHANGED"
    assert outcome.observed.endswith(told)


def test_a_length_right_before_draws_and_wrong_after_is_samples_fault(judged):
    drawn = f"{DRAW}\n        self.drawn = True"
    outcome = judged("not_consumed", DRAW, drawn, LEN, LEN + " - hasattr(self, 'drawn')")
    assert outcome.code == "SAMPLE_CONSUMES"
    assert outcome.observed.endswith("`len(buffer)` was 8 and 8.")


@pytest.mark.usefixtures("few_examples")
@pytest.mark.parametrize(
    ("same", "told"),
    [
        ("action == t[1] and reward == t[2] and done == 0", "action, reward and done"),
        ("(action, reward) == t[1:3]", "action, reward and done"),
        ("np.array_equal(state, t[0])", "state"),
    ],
)
def test_transitions_that_look_alike_are_stored_each(judged, same, told):
    # Drawn with replacement, so that few are enough for a batch.
    new = (PUSH, when(f"not any({same} for t in self.buffer)"), DRAW, AGAIN)
    for check in ("values", "alignment", "not_consumed"):
        assert judged(check, *new) is None
    outcome = judged("eviction", *new)
    assert outcome.code == "GIVEN_PUSH_CHANGED"
    assert outcome.observed == (
        f"6 transitions with the same {told} were pushed, and only 1 of them are ever drawn."
    )
    # Without replacement there is not enough to draw from.
    assert isinstance(judged("eviction", *new[:2]), Failure)


def test_transitions_that_look_alike_and_are_stored_may_be_drawn(judged):
    alike = "list({(t[1], t[2]): t for t in self.buffer}.values())"
    outcome = judged("eviction", DRAW, AGAIN.replace("list(self.buffer)", alike))
    assert outcome.code is None
    assert "6 transitions with the same action, reward and done" in outcome.observed


def test_drawing_with_replacement_keeps_all_of_them(judged):
    for check in ("eviction", "not_consumed", "given_buffer"):
        assert judged(check, DRAW, AGAIN) is None

"""What is kept of a push, and whom a wrong field is blamed on."""

from types import SimpleNamespace

import pytest

from grader.checks.draws import FIELDS, Draws
from grader.protocol.messages import BufferTrace, Counted, Length

PUSH = "self.buffer.append((state, action, reward, next_state, done))"


def told(*kept):
    """A part whose scenarios end with these answers about what was kept."""
    answers = list(kept)

    def ask(_request, _kind):
        return BufferTrace(results=[Counted(length=0)], kept=answers.pop(0), raised=None)

    draws = Draws(SimpleNamespace(ask=ask))
    for _ in kept:
        draws.play(10, [Length()])
    return draws


@pytest.mark.parametrize("changed", FIELDS)
@pytest.mark.parametrize("code", ["SAMPLE_FIELDS_SWAPPED", None])
def test_push_is_blamed_for_the_field_that_it_changed_and_for_no_other(changed, code):
    draws = told([field != changed for field in FIELDS])
    blamed = {field: draws.blame(field, code) for field in FIELDS}
    assert blamed.pop(changed) == "GIVEN_PUSH_CHANGED"
    assert set(blamed.values()) == {code}


@pytest.mark.parametrize("kept", [None, [True] * 5], ids=["another storage", "as pushed"])
def test_push_is_not_blamed_without_a_sign(kept):
    draws = told(kept)
    assert [draws.blame(field, "SAMPLE_X") for field in FIELDS] == ["SAMPLE_X"] * 5
    assert draws.blame("rewards", None) is None


def test_before_any_scenario_nobody_is_blamed():
    assert Draws(SimpleNamespace()).blame("dones", "SAMPLE_X") == "SAMPLE_X"


def test_the_scenario_played_last_counts():
    assert told([False] * 5, [True] * 5).blame("actions", None) is None
    assert told([False] * 5, None).blame("actions", None) is None
    assert told([True] * 5, [False] * 5).blame("actions", None) == "GIVEN_PUSH_CHANGED"


# --- in the checks ---

TENSOR = "torch.as_tensor(np.stack({field}), dtype=torch.float32)"
CLIPPED = "max(-1.0, min(1.0, reward))"
#: field, what push stores, what sample makes of it, the name when `sample` does it
WRONG = [
    ("reward", CLIPPED, TENSOR.format(field="rewards") + ".clamp(-1, 1)", "SAMPLE_REWARD_RESCALED"),
    ("done", "0.0", "torch.zeros(batch_size)", "SAMPLE_DONE_CONSTANT"),
    ("done", "1.0 - done", "1 - " + TENSOR.format(field="dones"), "SAMPLE_DONE_INVERTED"),
    ("next_state", "state", TENSOR.format(field="states"), "SAMPLE_NEXT_STATE_IS_STATE"),
]
AS_PUSHED = {
    "reward": TENSOR.format(field="rewards"),
    "done": TENSOR.format(field="dones"),
    "next_state": TENSOR.format(field="next_states"),
}


@pytest.mark.parametrize(("field", "stored", "drawn", "code"), WRONG, ids=lambda x: str(x)[:20])
def test_the_same_values_are_blamed_on_push_where_the_storage_has_them(
    field, stored, drawn, code, source_worker, runner, solution
):
    buffer = solution["replay_buffer"]
    in_push = buffer.replace(PUSH, PUSH.replace(f"{field},", f"{stored},"))
    if field == "done":
        in_push = buffer.replace(PUSH, PUSH.replace("done))", f"{stored}))"))
    in_sample = buffer.replace(AS_PUSHED[field], drawn)
    codes = []
    for source in (in_push, in_sample):
        assert source != buffer
        outcome = runner(source_worker(replay_buffer=source), "sample").run("sample.values")
        codes.append(outcome.code)
    assert codes == ["GIVEN_PUSH_CHANGED", code]


def test_another_storage_that_changes_a_field_is_not_blamed_on_push(
    source_worker, runner, solution
):
    buffer = solution["replay_buffer"]
    source = buffer.replace("deque(maxlen=capacity)", "[]").replace(
        PUSH, PUSH.replace("reward", CLIPPED)
    )
    outcome = runner(source_worker(replay_buffer=source), "sample").run("sample.values")
    assert outcome.code == "SAMPLE_REWARD_RESCALED"


@pytest.mark.parametrize("field", ["reward", "action"])
def test_push_is_blamed_for_rows_that_it_misaligns(field, source_worker, runner, solution):
    before = f"late = getattr(self, 'late', {field}); self.late = {field}\n        "
    source = solution["replay_buffer"].replace(PUSH, before + PUSH.replace(field, "late"))
    checks = runner(source_worker(replay_buffer=source), "sample")
    assert checks.run("sample.values") is None
    assert checks.run("sample.alignment").code == "GIVEN_PUSH_CHANGED"

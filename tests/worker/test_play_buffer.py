"""What the storage holds after a push, and batches that are unpacked rather than indexed."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from grader.protocol.arrays import to_numpy
from grader.protocol.messages import Length, PlayBuffer, Push, Sample
from grader.worker.play_buffer import play_buffer

FIELDS = ("states", "actions", "rewards", "next_states", "dones")
PLAIN = "self.buffer.append((state, action, reward, next_state, done))"
BUFFER = """
from collections import deque, namedtuple
from dataclasses import dataclass
import random
import numpy as np
import torch

Row = namedtuple("Row", "state action reward next_state done")

@dataclass
class Record:
    state: object
    action: int
    reward: float
    next_state: object
    done: float

class Batch:
    def __init__(self, fields):
        self.fields = fields

    def __iter__(self):
        return iter(self.fields)

class Raises:
    def __iter__(self):
        raise SystemExit("no batch")

class ReplayBuffer:
    def __init__(self, capacity=10_000):
        self.buffer = deque(maxlen=capacity)

    def push(self, state, action, reward, next_state, done):
        pass

    def sample(self, batch_size):
        rows = list(self.buffer)[:batch_size]
        fields = [torch.as_tensor(np.array(field)) for field in zip(*rows)]
        return fields

    def __len__(self):
        return 0
"""


def played(source, operations, capacity=10):
    """The trace of a buffer of this source, in this process."""
    names = {}
    exec(source, names)
    submission = SimpleNamespace(get=lambda _module, name: names[name], folder=Path("/nowhere"))
    return play_buffer(submission, PlayBuffer(capacity=capacity, operations=operations))


@pytest.fixture
def pushed(scenarios):
    """`pushed(line)` is what is told to be kept when `push` runs it for three transitions."""

    def run(line, init="deque(maxlen=capacity)", counts=(3,), capacity=10):
        source = BUFFER.replace("pass", line, 1).replace("deque(maxlen=capacity)", init)
        pushes = [Push(transitions=scenarios.transitions(count)) for count in counts]
        trace = played(source, [*pushes, Length()], capacity)
        assert trace.raised is None
        return trace.kept

    return run


AS_PUSHED = {
    "a tuple": PLAIN,
    "a list": "self.buffer.append([state, action, reward, next_state, done])",
    "a named tuple": "self.buffer.append(Row(state, action, reward, next_state, done))",
    "other types of the same values": (
        "self.buffer.append((state.tolist(), torch.tensor(action), np.float32(reward),"
        " torch.from_numpy(next_state), bool(done)))"
    ),
    "at the other end": PLAIN.replace("append", "appendleft"),
    "with something behind": PLAIN.replace("done))", "done, 1.0))"),
    "copies": PLAIN.replace("state,", "state.copy(),"),
}


@pytest.mark.parametrize("line", AS_PUSHED.values(), ids=AS_PUSHED)
def test_what_is_kept_as_it_was_pushed(pushed, line):
    assert pushed(line) == [True] * 5


@pytest.mark.parametrize(
    ("counts", "capacity"), [((1,), 10), ((3, 2), 10), ((4,), 2), ((4, 4), 5), ((3,), 3)]
)
@pytest.mark.parametrize("end", ["append", "appendleft"])
def test_the_push_before_and_what_was_evicted_make_no_difference(pushed, end, counts, capacity):
    line = PLAIN.replace("append", end)
    assert pushed(line, counts=counts, capacity=capacity) == [True] * 5


CHANGED = {
    "state for next_state": (("next_state,", "state,"), [3]),
    "reward and action exchanged": (("action, reward", "reward, action"), [1, 2]),
    "clipped rewards": (("reward", "min(reward, 0.01)"), [2]),
    "rewards in whole numbers": (("reward", "int(reward)"), [2]),
    "not terminal": (("done)", "1.0 - done)"), [4]),
    "one row of them": (("state, action", "state * (len(self.buffer) != 1), action"), [0]),
    "nothing of it": (("(state, action, reward, next_state, done)", "(None,) * 5"), range(5)),
}


@pytest.mark.parametrize(("change", "fields"), CHANGED.values(), ids=CHANGED)
def test_a_changed_field_is_told(pushed, change, fields):
    assert change[0] in PLAIN
    assert pushed(PLAIN.replace(*change)) == [n not in fields for n in range(5)]


#: What the storage is, and what `push` does.
UNTOLD = {
    "a list": ("[]", PLAIN),
    "nothing": ("deque()", "pass"),
    "another name": ("None", "self.stored = [state]"),
    "no rows": ("deque()", "self.buffer.append(5)"),
    "records": (
        "deque()",
        "self.buffer.append(Record(state, action, reward, next_state, done))",
    ),
    "short rows": ("deque()", "self.buffer.append((state, action))"),
    "exits": ("type('D', (deque,), {'__iter__': lambda self: exit()})()", PLAIN),
}


@pytest.mark.parametrize(("init", "line"), UNTOLD.values(), ids=UNTOLD)
def test_another_storage_tells_nothing(pushed, init, line):
    assert pushed(line, init) is None


def test_rows_left_out_are_a_change(pushed):
    assert pushed("if not self.buffer: " + PLAIN) != [True] * 5


# --- batches ---


@pytest.fixture
def drawn(scenarios):
    """`drawn(expression)` is the trace of two calls that return it; `fields` are the five."""

    def draw(expression):
        source = BUFFER.replace("pass", PLAIN, 1).replace("return fields", f"return {expression}")
        pushed = Push(transitions=scenarios.transitions(4))
        return played(source, [pushed, Sample(batch_size=2, times=2)])

    return draw


UNPACKED = {
    "a tuple": "tuple(fields)",
    "a list": "fields",
    "an iterator": "iter(fields)",
    "a generator": "(field for field in fields)",
    "map": "map(torch.clone, fields)",
    "a class of its own": "Batch(fields)",
    "values of a dict": "dict(enumerate(fields)).values()",
    "a deque": "__import__('collections').deque(fields)",
}


@pytest.mark.parametrize("expression", UNPACKED.values(), ids=UNPACKED)
def test_five_tensors_are_a_batch_however_they_come(drawn, scenarios, expression):
    result = drawn(expression).results[0]
    assert len(result.first.items) == 5
    assert [item.type for item in result.first.items] == ["Tensor"] * 5
    assert not result.first_changed
    due = scenarios.transitions(4)
    for array, name in zip(result.stacked, FIELDS, strict=True):
        stored = to_numpy(getattr(due, name))
        assert (to_numpy(array) == stored[None, :2]).all()


@pytest.mark.parametrize(
    ("expression", "items"),
    [
        ("iter(fields[:4])", 4),
        ("iter(fields * 2)", 6),
        # No more is taken than shows that there is too much.
        ("__import__('itertools').repeat(fields[0])", 6),
        ("Batch([])", 0),
    ],
)
def test_other_numbers_of_tensors_are_no_batch(drawn, expression, items):
    result = drawn(expression).results[0]
    assert len(result.first.items) == items
    assert result.stacked is None


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("fields[0]", "Tensor"),
        ("torch.zeros(5, 2)", "Tensor"),
        ("np.zeros((5, 2))", "ndarray"),
        ("dict(zip('sarnd', fields))", "dict"),
        ("set(fields)", "set"),
        ("'sarnd'", "str"),
        ("b'sarnd'", "bytes"),
        ("5", "int"),
        ("None", "NoneType"),
    ],
)
def test_what_is_iterated_otherwise_stays_what_it_is(drawn, expression, kind):
    result = drawn(expression).results[0]
    assert result.first.type.endswith(kind)
    assert result.stacked is None


def test_what_raises_when_it_is_unpacked_is_told(drawn):
    raised = drawn("Raises()").raised
    assert (raised.type, raised.message) == ("SystemExit", "no batch")
    assert raised.during == "ReplayBuffer.sample(2)"
    assert drawn("(1 / 0 for field in fields)").raised.type == "ZeroDivisionError"


def test_an_iterator_that_changes_its_first_batch_is_told(drawn):
    again = "iter(self.__dict__.setdefault('kept', [f.zero_() for f in fields]))"
    assert drawn(again).results[0].first_changed is False
    grown = "iter([f.add_(1) for f in self.__dict__.setdefault('kept', fields)])"
    assert drawn(grown).results[0].first_changed is True

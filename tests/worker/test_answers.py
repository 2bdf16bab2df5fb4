"""Whatever student code returns, raises or prints becomes a message, or a lost worker."""

import math
import time

import numpy as np
import pytest

from grader.client import WorkerLost
from grader.protocol.arrays import to_numpy
from grader.protocol.messages import (
    AgentTrace,
    BufferTrace,
    Length,
    NetworkTrace,
    Sample,
    Select,
    Update,
)
from grader.protocol.transport import MAX_OUTPUT_BYTES

LIARS = """
import itertools

class Liar(torch.Tensor):
    @property
    def shape(self):
        return (2, 2)
    def __len__(self):
        return 10**9
    def __eq__(self, other):
        return True
    def __repr__(self):
        raise MemoryError

class NoDetach(torch.Tensor):
    @property
    def detach(self):
        raise SystemExit

class Silent:
    def __repr__(self):
        raise KeyboardInterrupt
    def __float__(self):
        raise SystemExit

class Wordy:
    def __repr__(self):
        return "w" * 50_000_000

class Number:
    def __float__(self):
        return 475.0
    def __repr__(self):
        return "475"

class NotFloat:
    def __float__(self):
        return "475"

class Endless(list):
    def __getitem__(self, key):
        return itertools.count()

class Boundless(list):
    def __len__(self):
        return 2**62

class Text(str):
    def __getitem__(self, key):
        return 5

class Speaks:
    def __repr__(self):
        return Text("x")

def nested(levels):
    thing = 1.0
    for _ in range(levels):
        thing = [thing]
    return thing
"""


@pytest.fixture
def answer(loaded, sources, scenarios):
    """`answer(expression)` is the `Value` of what `forward` returns."""

    def answer(expression, **limits):
        texts = sources({"QNetwork.forward": f"return {expression}"})
        texts["q_network"] = texts["q_network"].replace("\nclass QNet", LIARS + "\nclass QNet")
        worker = loaded("q_network", q_network=texts["q_network"])
        trace = worker.ask(scenarios.network(), NetworkTrace, **limits)
        answer.raised = trace.raised
        return trace.outputs[0] if trace.outputs else None

    return answer


@pytest.mark.parametrize(
    ("expression", "kind", "text", "number"),
    [
        ("None", "NoneType", "None", None),
        ("2", "int", "2", 2.0),
        ("True", "bool", "True", 1.0),
        ("float('inf')", "float", "inf", math.inf),
        ("'475'", "str", "'475'", None),
        ("b'475'", "bytes", "b'475'", None),
        ("10**400", "int", "1" + "0" * 199, None),
        ("10**9000", "int", "int", None),
        ("[1.0, 'x']", "list", "list of 2 items", None),
        ("()", "tuple", "tuple of 0 items", None),
        ("torch.tensor(2.5)", "Tensor", "Tensor float32 ()", 2.5),
        ("torch.tensor(2.5).numpy()", "numpy.ndarray", "numpy.ndarray float32 ()", 2.5),
        ("torch.tensor(2.5).numpy()[()]", "numpy.float32", "numpy.float32 float32 ()", 2.5),
        ("torch.zeros(2, 3)", "Tensor", "Tensor float32 (2, 3)", None),
        ("torch.zeros(2, dtype=torch.complex64)", "Tensor", "Tensor complex64 (2,)", None),
        ("torch.ones(1, dtype=torch.bfloat16)", "Tensor", "Tensor bfloat16 (1,)", 1.0),
        ("torch.ones(1).to_sparse()", "Tensor", "Tensor", 1.0),
        ("nn.Parameter(torch.ones(1))", "Parameter", "Parameter float32 (1,)", 1.0),
        ("Silent()", "Silent", "Silent", None),
        ("Wordy()", "Wordy", "w" * 200, None),
        ("Number()", "Number", "475", 475.0),
        ("NotFloat().__class__", "type", "<class 'q_network.NotFloat'>", None),
        ("Boundless()", "Boundless", "Boundless of 4611686018427387904 items", None),
        ("nested(100_000)", "list", "list of 1 items", None),
        ("type('n' * 5000, (), {'__repr__': lambda s: 'r'})()", "n" * 200, "r", None),
    ],
)
def test_described(answer, expression, kind, text, number):
    value = answer(expression)
    if kind == "Boundless":
        text = "Boundless of 0 items" if "of 0" in value.text else text
    assert (value.type, value.text) == (kind, text)
    assert value.number == number


def test_nan_crosses_as_nan(answer):
    assert math.isnan(answer("float('nan')").number)
    value = answer("torch.tensor([float('nan'), float('inf'), -float('inf')])")
    assert np.array_equal(to_numpy(value.array), [math.nan, math.inf, -math.inf], equal_nan=True)


@pytest.mark.parametrize(
    ("expression", "holds"),
    [("self.layer(x)", True), ("self.layer(x).detach()", False), ("torch.zeros(2)", False)],
)
def test_a_tensor_that_holds_its_graph_is_told(answer, expression, holds):
    value = answer(expression)
    assert value.holds_graph is holds
    assert value.array.data is not None


@pytest.mark.parametrize(
    ("expression", "shape"),
    [
        ("torch.zeros(13_000_000)", (13_000_000,)),
        ("torch.zeros(3, 2**19)", (3, 2**19)),
        ("torch.zeros(1).expand(2**20, 2**20)", (2**20, 2**20)),
    ],
    ids=["50 MB", "6 MB", "4 TB"],
)
def test_a_large_tensor_crosses_as_its_shape(answer, expression, shape):
    array = answer(expression).array
    assert (array.dtype, array.shape, array.data) == ("float32", shape, None)


def test_only_the_first_items_of_a_list_cross(answer):
    value = answer("[float(i) for i in range(10_000)]")
    assert value.text == "list of 10000 items"
    assert [item.number for item in value.items] == list(range(16))


def test_items_are_described_two_levels_deep(answer):
    value = answer("[[[1.0]], (2.0,)]")
    assert value.items[0].items[0].items is None
    assert value.items[0].items[0].text == "[1.0]"
    assert value.items[1].items[0].number == 2.0


def test_a_tensor_subclass_cannot_lie_about_its_values(answer):
    value = answer("torch.ones(3).as_subclass(Liar)")
    assert value.type == "Liar"
    array = value.array
    if array is not None and array.data is not None:
        assert array.shape in ((3,), (2, 2))
        assert array.shape != (3,) or to_numpy(array).tolist() == [1, 1, 1]


def test_an_attribute_that_exits_is_told(answer):
    value = answer("torch.ones(3).as_subclass(NoDetach)")
    assert value is not None or answer.raised.type == "SystemExit"


@pytest.mark.parametrize(
    "expression",
    ["Endless()", "[Endless()] * 16", "type('R', (), {'__repr__': lambda s: s.__repr__()})()"],
)
def test_an_endless_look_is_stopped(answer, expression):
    try:
        value = answer(expression, cpu_s=0.3, wall_s=3)
    except WorkerLost:
        return
    assert value is not None or answer.raised.type == "TimeLimit"


@pytest.mark.parametrize("expression", ["Speaks()", "[torch.zeros(2**20)] * 16"])
def test_an_answer_that_is_no_message_is_a_crash(answer, expression):
    with pytest.raises(WorkerLost, match="answered with something unusable") as caught:
        answer(expression)
    assert caught.value.status == "crashed"


@pytest.mark.parametrize("expression", ["-1", "'7'", "2**63", "10**30", "float('nan')", "Ellipsis"])
def test_a_length_that_is_none_is_told(loaded, scenarios, expression):
    worker = loaded("replay_buffer", {"ReplayBuffer.__len__": f"return {expression}"})
    trace = worker.ask(scenarios.buffer(Length()), BufferTrace)
    assert trace.raised.type in ("ValueError", "TypeError", "OverflowError")
    assert trace.raised.during == "len(buffer)"


@pytest.mark.parametrize(
    ("expression", "action"),
    [("1", 1), ("True", 1), ("1.7", 1), ("'1'", 1), ("None", None), ("torch.tensor(1)", 1),
     ("float('nan')", None), ("torch.zeros(2)", None), ("-5", -5)],
)  # fmt: skip
def test_an_action_is_an_integer_or_none(loaded, scenarios, expression, action):
    worker = loaded("dqn_agent", {"DQNAgent.select_action": f"return {expression}"})
    states = scenarios.transitions(3).states
    trace = worker.ask(scenarios.agent(Select(states=states, epsilon=0.0)), AgentTrace)
    assert trace.results[0].actions == [action] * 3


def test_an_action_beyond_64_bits_is_a_crash(loaded, scenarios):
    worker = loaded("dqn_agent", {"DQNAgent.select_action": "return 10**30"})
    states = scenarios.transitions(3).states
    with pytest.raises(WorkerLost) as caught:
        worker.ask(scenarios.agent(Select(states=states, epsilon=0.0)), AgentTrace)
    assert caught.value.status == "crashed"


def test_draws_are_stacked_and_unlike_ones_are_not(loaded, scenarios):
    worker = loaded("replay_buffer")
    sampled = worker.ask(scenarios.buffer(Sample(batch_size=2, times=3)), BufferTrace).results[0]
    assert [a.shape for a in sampled.stacked] == [(3, 2, 3), (3, 2), (3, 2), (3, 2, 3), (3, 2)]
    assert [item.array.shape for item in sampled.first.items][:2] == [(2, 3), (2,)]
    for deed in (
        "self.n = getattr(self, 'n', 0) + 1; return (torch.zeros(self.n),) * 5",
        "return (torch.zeros(2),) * 4",
        "return 5",
        "return (torch.zeros(2).to_sparse(),) * 5",
        "return iter([torch.zeros(2)] * 4)",
    ):
        worker = loaded("replay_buffer", {"ReplayBuffer.sample": deed})
        trace = worker.ask(scenarios.buffer(Sample(batch_size=2, times=2)), BufferTrace)
        assert trace.raised is None
        assert trace.results[0].stacked is None


def test_warnings_are_told(loaded, scenarios):
    deed = "import warnings; [warnings.warn('slow ' + 'y' * 999) for _ in range(9)]"
    worker = loaded("replay_buffer", {"ReplayBuffer.sample": deed})
    told = worker.ask(scenarios.buffer(), BufferTrace).results[0].warnings
    assert len(told) == 4
    assert all(w.startswith("slow y") and len(w) == 200 for w in told)


def test_an_input_changed_in_place_is_told(loaded, scenarios):
    assert loaded("q_network").ask(scenarios.network(), NetworkTrace).inputs_changed is False
    worker = loaded("q_network", {"QNetwork.forward": "x += 1"})
    assert worker.ask(scenarios.network(), NetworkTrace).inputs_changed is True


HIDDEN = "(its message cannot be shown)"


class TestExceptions:
    def raised(self, loaded, scenarios, code, **limits):
        deed = "raise make()"
        head = "\nimport types\n" + code + "\n"
        worker = loaded("dqn_agent", {"DQNAgent.update": deed, "import dqn_agent": head})
        return worker.ask(scenarios.agent(), AgentTrace, **limits).raised

    def odd(self, body):
        return f"class Odd(Exception):\n    def __str__(self):\n        {body}\nmake = Odd"

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ("raise ValueError", HIDDEN),
            ("raise SystemExit", HIDDEN),
            ("return 5", HIDDEN),
            ("return None", HIDDEN),
            ("return str(self)", HIDDEN),
            ("return 'm' * 50_000_000", "m" * 600),
            ("return ''", ""),
            ("return 'caf\\xe9 \\U0001f600 \\0 \\x1b[31m'", "café 😀 \0 \x1b[31m"),
        ],
    )
    def test_a_message_that_lies(self, loaded, scenarios, body, message):
        raised = self.raised(loaded, scenarios, self.odd(body))
        assert (raised.type, raised.message) == ("Odd", message)
        assert raised.during == "DQNAgent.update(4)"
        assert raised.frames[-1].source == "raise make()"

    def test_a_message_with_lone_surrogates(self, loaded, scenarios):
        raised = self.raised(loaded, scenarios, "make = lambda: OSError('caf\\udce9.txt')")
        assert raised.type == "OSError"
        assert raised.message.startswith("caf")

    def test_a_message_that_never_ends(self, loaded, scenarios):
        with pytest.raises(WorkerLost):
            self.raised(loaded, scenarios, self.odd("while True: pass"), cpu_s=0.2)

    @pytest.mark.parametrize(
        "code",
        [
            "def make():\n    e = ValueError('m'); e.__cause__ = e; e.__context__ = e; return e",
            "def make():\n    a, e = KeyError(), ValueError('m'); a.__cause__ = e; "
            "e.__cause__ = a; return e",
            "def make():\n    e = ValueError('m')\n    for _ in range(100_000):\n"
            "        f = ValueError('m'); f.__context__ = e; e = f\n    return e",
        ],
        ids=["itself", "each other", "a long chain"],
    )
    def test_causes_are_not_followed(self, loaded, scenarios, code):
        raised = self.raised(loaded, scenarios, code)
        assert (raised.type, raised.message) == ("ValueError", "m")

    def test_a_huge_traceback_is_cut(self, loaded, scenarios):
        code = """
def make():
    try:
        raise ValueError("m")
    except ValueError as error:
        trace = error.__traceback__
        for _ in range(50_000):
            trace = types.TracebackType(trace, trace.tb_frame, trace.tb_lasti, trace.tb_lineno)
        return error.with_traceback(trace)
"""
        raised = self.raised(loaded, scenarios, code)
        assert raised.type == "ValueError"
        assert len(raised.frames) == 8

    def test_endless_recursion(self, loaded, scenarios):
        raised = self.raised(loaded, scenarios, "def make():\n    return make()")
        assert raised.type == "RecursionError"
        assert [frame.source for frame in raised.frames] == ["return make()"] * 8

    def test_only_frames_of_the_students_files_are_told(self, loaded, scenarios):
        raised = self.raised(loaded, scenarios, "def make():\n    torch.zeros(2) @ torch.zeros(3)")
        assert [frame.function for frame in raised.frames] == ["update", "make"]
        assert {frame.file for frame in raised.frames} == {"dqn_agent.py"}

    @pytest.mark.parametrize(
        "code",
        [
            "make = lambda: ExceptionGroup('m', [ValueError(i) for i in range(9999)])",
            "make = lambda: SyntaxError('m', ('f', 'x', 'y', 'z'))",
            "make = lambda: type('E' * 9999, (Exception,), {'__module__': 5})('m')",
            "make = lambda: GeneratorExit('m')",
            "make = lambda: StopIteration('m')",
            "make = lambda: UnicodeDecodeError('utf-8', b'm', 0, 1, 'm')",
        ],
    )
    def test_odd_kinds(self, loaded, scenarios, code):
        raised = self.raised(loaded, scenarios, code)
        assert "m" in raised.message
        assert len(raised.type) <= 200

    def test_code_cannot_forge_the_time_limit_unseen(self, loaded, scenarios):
        code = "make = lambda: type('TimeLimit', (Exception,), {})('mine')"
        raised = self.raised(loaded, scenarios, code)
        assert raised.type == "TimeLimit"
        assert raised.message == "mine"

    def test_no_memory(self, loaded, scenarios):
        raised = self.raised(loaded, scenarios, "make = lambda: bytearray(2**40)")
        assert raised.type == "MemoryError"

    def test_no_file_beyond_the_limit(self, loaded, scenarios):
        code = """
def make():
    import signal
    with open("big", "wb") as file:
        file.truncate(2**30)
"""
        raised = self.raised(loaded, scenarios, code)
        assert raised.type == "OSError"
        assert "too large" in raised.message


class TestPrints:
    @pytest.mark.parametrize(
        "deed",
        [
            "print('x' * 50_000_000)",
            "sys.stderr.write('x' * 50_000_000)",
            "[os.write(1, b'x' * 1_000_000) for _ in range(50)]",
        ],
        ids=["stdout", "stderr", "descriptor"],
    )
    def test_a_flood_is_drained_capped_and_quick(self, loaded, scenarios, deed):
        worker = loaded("dqn_agent", {"DQNAgent.update": deed})
        start = time.monotonic()
        trace = worker.ask(scenarios.agent(Update(batch_size=4)), AgentTrace)
        assert trace.raised is None
        assert time.monotonic() - start < 5
        text, _, count = worker.take_output().partition("\n… ")
        assert text == "x" * MAX_OUTPUT_BYTES
        dropped = int(count.split()[0].replace(",", ""))
        assert 50_000_000 <= len(text) + dropped <= 50_000_001
        assert worker.take_output() is None

    def test_prints_of_a_check_are_its_own(self, loaded, scenarios):
        worker = loaded("dqn_agent", {"DQNAgent.update": "print('update', batch_size)"})
        for size in (3, 4):
            worker.ask(scenarios.agent(Update(batch_size=size)), AgentTrace)
            assert worker.take_output() == f"update {size}\n"

    def test_an_endless_flood_ends_with_the_time_limit(self, loaded, scenarios):
        worker = loaded("dqn_agent", {"DQNAgent.update": "while True: print('x' * 9999)"})
        raised = worker.ask(scenarios.agent(), AgentTrace, cpu_s=0.3, wall_s=2).raised
        assert raised.type == "TimeLimit"
        assert "more bytes were printed and not kept" in worker.take_output()

    @pytest.mark.parametrize(
        "deed",
        ["sys.stdout.close()", "sys.stdout = None", "os.closerange(1, 3)",
         "sys.stdout = open('out.txt', 'w')"],
    )  # fmt: skip
    def test_standard_output_taken_away_does_no_harm(self, loaded, scenarios, deed):
        worker = loaded("dqn_agent", {"DQNAgent.update": deed})
        for _ in range(2):
            assert worker.ask(scenarios.agent(Update(batch_size=4)), AgentTrace).raised is None

"""Exceptions, exits, loops and waits, at import and in every method."""

import contextlib
import time
from pathlib import Path

import pytest

from grader import client
from grader.client import WorkerLost
from grader.protocol.messages import (
    AgentTrace,
    BufferTrace,
    Length,
    Load,
    Loaded,
    NetworkTrace,
    Sample,
    Select,
    Sync,
    Update,
)

TRACES = {"q_network": NetworkTrace, "replay_buffer": BufferTrace, "dqn_agent": AgentTrace}
#: Where a deed is done, the module it is in, and how the trace speaks of the call.
PLACES = {
    "import q_network": "import q_network",
    "QNetwork.__init__": "QNetwork(3, 2)",
    "QNetwork.forward": "QNetwork.forward",
    "import replay_buffer": "import replay_buffer",
    "ReplayBuffer.__init__": "ReplayBuffer(capacity=10)",
    "ReplayBuffer.push": "ReplayBuffer.push",
    "ReplayBuffer.sample": "ReplayBuffer.sample(2)",
    "import dqn_agent": "import dqn_agent",
    "DQNAgent.__init__": "DQNAgent(3, 2, …)",
    "DQNAgent.update": "DQNAgent.update(4)",
    "DQNAgent.update_target": "DQNAgent.update_target()",
}


def module_of(place, sources):
    return next(name for name, text in sources().items() if f"pass  # {place}\n" in text)


@pytest.fixture
def play(submit, sources, load, scenarios):
    """`play(place, deed)` is the trace of a scenario in which a deed is done at a place."""

    def play(place, deed, **limits):
        module = module_of(place, sources)
        worker = submit(**sources({place: deed}))
        play.worker = worker
        if place.startswith("import"):
            siblings = dict.fromkeys(("q_network", "replay_buffer"), "stand_in")
            if module != "dqn_agent":
                siblings = {}
            return worker.ask(Load(module=module, siblings=siblings), Loaded, **limits)
        assert load(worker, module).raised is None
        return worker.ask(scenarios.of(module), TRACES[module], **limits)

    return play


DEEDS = {
    "raises": ("raise ValueError('boom')", "ValueError", "boom", {}),
    "exits": ("sys.exit(3)", "SystemExit", "3", {}),
    "interrupts": ("raise KeyboardInterrupt", "KeyboardInterrupt", "", {}),
    "loops": ("while True: pass", "TimeLimit", "stopped after 0.2 s of computing", {"cpu_s": 0.2}),
    "waits": ("time.sleep(60)", "TimeLimit", "stopped after 0.4 s", {"wall_s": 0.4}),
}


@pytest.mark.parametrize("kind", DEEDS)
@pytest.mark.parametrize("place", PLACES)
def test_told_with_file_line_and_call(play, sources, place, kind):
    deed, name, message, limits = DEEDS[kind]
    raised = play(place, deed, **limits).raised
    assert (raised.type, raised.message) == (name, message)
    assert raised.during == PLACES[place]
    frame = raised.frames[-1]
    module = module_of(place, sources)
    lines = sources({place: deed})[module].splitlines()
    assert frame.file == f"{module}.py"
    assert frame.source == deed
    assert lines[frame.line - 1].strip() == deed
    assert frame.function == ("<module>" if "import" in place else place.split(".")[1])
    # The process is still good for the next request.
    assert play.worker.alive
    assert play.worker.started == 1


def test_whoever_computes_is_not_taken_for_waiting(play, monkeypatch):
    """On a busy machine, what takes little CPU time takes long."""
    monkeypatch.setattr(client, "PATIENCE", 200.0)
    raised = play("QNetwork.forward", "while True: pass", cpu_s=0.4, wall_s=0.1).raised
    assert (raised.type, raised.message) == ("TimeLimit", "stopped after 0.4 s of computing")


@pytest.mark.parametrize("place", PLACES)
def test_ending_the_process_is_a_crash_and_the_next_request_has_a_fresh_one(
    play, submit, sources, load, scenarios, place
):
    with pytest.raises(WorkerLost, match="the process ended during the call") as caught:
        play(place, "print('last words', flush=True); os._exit(0)")
    assert caught.value.status == "crashed"
    worker = play.worker
    assert worker.take_output() == "last words\n"
    assert worker.take_output() is None
    module = module_of(place, sources)
    submit(**sources())
    assert load(worker, module).raised is None
    assert worker.ask(scenarios.of(module), TRACES[module]).raised is None
    assert worker.started == 2


@pytest.mark.parametrize(
    "deed",
    [
        "os.kill(os.getpid(), 9)",
        "os.abort()",
        "import ctypes; ctypes.string_at(0)",
        "os.closerange(3, 300)",
        "[os.write(fd, b'forged' * 99) for fd in range(3, 60) if fd_open(fd)]",
        "[os.write(fd, bytes([255] * 99)) for fd in range(3, 60) if fd_open(fd)]",
    ],
    ids=["kills", "aborts", "segfault", "closes", "forges text", "forges a length"],
)
def test_a_process_taken_down_is_a_crash(submit, sources, load, scenarios, deed):
    texts = sources({"QNetwork.forward": deed})
    texts["q_network"] += "\ndef fd_open(fd):\n    return os.path.exists(f'/proc/self/fd/{fd}')\n"
    worker = submit(**texts)
    load(worker, "q_network")
    with pytest.raises(WorkerLost) as caught:
        worker.ask(scenarios.network(), NetworkTrace, cpu_s=1, wall_s=1)
    assert caught.value.status == "crashed"


@pytest.mark.parametrize("place", ["import q_network", "QNetwork.forward", "DQNAgent.update"])
@pytest.mark.parametrize("work", ["sum(range(99))", "time.sleep(60)"])
def test_code_that_swallows_the_limit_is_ended_by_the_judges_deadline(
    play, sources, monkeypatch, place, work
):
    monkeypatch.setattr(client, "PATIENCE", 1.0)
    monkeypatch.setattr(client, "GRACE_S", 0.3)
    # Loops in one another: an exception that hits the way back to one `try` meets the next further
    # out. Fifty, since the timer fires many times before the deadline.
    lines = (
        "def hold(level):",
        "  while True:",
        "    try:",
        "      if level: hold(level - 1)",
        f"      {work}",
        "    except BaseException: sum(range(9))",
        "hold(50)",
    )
    indent = "" if place.startswith("import") else "        "
    deed = "".join(f"\n{indent}{line}" for line in lines)
    start = time.monotonic()
    with pytest.raises(WorkerLost) as caught:
        play(place, deed, cpu_s=30, wall_s=1)  # long enough to reach the loops on a busy machine
    assert caught.value.status == "timed_out"
    limit = 3 if place.startswith("import") else 1  # an import may load three modules
    assert caught.value.observed == f"no answer within the time limit of {limit} s"
    assert time.monotonic() - start < 20
    assert not play.worker.alive


def test_signals_ignored_at_import_leave_the_judges_deadline(
    submit, sources, load, scenarios, monkeypatch
):
    monkeypatch.setattr(client, "PATIENCE", 1.0)
    monkeypatch.setattr(client, "GRACE_S", 0.3)
    ignore = "import signal; signal.signal = lambda *a: None; signal.setitimer = lambda *a: None"
    deeds = {"import q_network": ignore, "QNetwork.forward": "while True: pass"}
    worker = submit(**sources(deeds))
    assert load(worker, "q_network").raised is None
    with pytest.raises(WorkerLost) as caught:
        worker.ask(scenarios.network(), NetworkTrace, cpu_s=0.1, wall_s=0.3)
    assert caught.value.status == "timed_out"


@pytest.mark.parametrize("wrapped", ["Exception", "BaseException"])
def test_catching_exceptions_around_a_call_does_not_hide_a_loop(loaded, scenarios, wrapped):
    deed = f"\n        try:\n            while True: pass\n        except {wrapped}: raise"
    worker = loaded("q_network", {"QNetwork.forward": deed})
    raised = worker.ask(scenarios.network(), NetworkTrace, cpu_s=0.2).raised
    assert raised.type == "TimeLimit"


def test_what_was_reached_before_an_exception_is_told(loaded, scenarios):
    deed = "self.calls = getattr(self, 'calls', 0) + 1; assert self.calls < 3, 'third'"
    worker = loaded("dqn_agent", {"DQNAgent.update": deed})
    trace = worker.ask(scenarios.agent(*[Update(batch_size=2)] * 3, Sync()), AgentTrace)
    assert len(trace.results) == 2
    assert trace.initial is not None
    assert (trace.raised.type, trace.raised.message) == ("AssertionError", "third")

    worker = loaded("replay_buffer", {"ReplayBuffer.__len__": "raise TypeError('no length')"})
    operations = [Sample(batch_size=2), Length(), Sample(batch_size=2)]
    trace = worker.ask(scenarios.buffer(*operations), BufferTrace)
    assert len(trace.results) == 1
    assert trace.raised.during == "len(buffer)"


def test_select_action_is_told_with_its_epsilon(loaded, scenarios):
    worker = loaded("dqn_agent", {"DQNAgent.select_action": "raise RuntimeError('lost')"})
    states = scenarios.transitions(2).states
    trace = worker.ask(scenarios.agent(Select(states=states, epsilon=0.25)), AgentTrace)
    assert trace.raised.during == "DQNAgent.select_action(state, 0.25)"


@pytest.mark.parametrize(
    ("source", "name", "line", "text"),
    [
        ("x = 1\ndef f(:\n    pass\n", "SyntaxError", 2, "def f(:"),
        ("if True:\nx = 1\n", "IndentationError", 2, "x = 1"),
        ("x = 'open\n", "SyntaxError", 1, "x = 'open"),
        ("if True:\n\tx = 1\n        y = 2\n", "TabError", 3, "y = 2"),
    ],
)
def test_a_syntax_error_is_told_with_file_and_line(tell, source, name, line, text):
    raised = tell(source)
    assert raised.type == name
    assert raised.during == "import q_network"
    frame = raised.frames[-1]
    assert (frame.file, frame.line, frame.source) == ("q_network.py", line, text)


@pytest.mark.parametrize("data", [b"\xff\xfe", b"x = 1\0\n", b"# coding: nonsense\n", b"x='\xe9'"])
def test_a_file_that_is_no_source_is_told(submit, load, data):
    raised = load(submit(q_network=data), "q_network").raised
    assert raised.type in ("SyntaxError", "ValueError")


def test_a_missing_file_is_told(submit, load):
    raised = load(submit(), "q_network").raised
    assert (raised.type, raised.message) == ("ModuleNotFoundError", "No module named 'q_network'")


def test_only_public_names_are_told(submit, load):
    loaded = load(submit(q_network="import os\nclass QNetwork: ...\n_hidden = 1\n"), "q_network")
    assert loaded.names == ["os", "QNetwork"]


def test_countless_names_are_cut(submit, load):
    loaded = load(submit(q_network="for i in range(9999): globals()[f'n{i}'] = i"), "q_network")
    assert len(loaded.names) == 200


@pytest.mark.parametrize(
    "code",
    ["import sys; sys.modules[__name__] = 5", "import sys; sys.modules[__name__] = None",
     "globals()[5] = 5", "import sys; del sys.modules[__name__]"],
)  # fmt: skip
def test_a_module_that_replaces_itself_leaves_the_judge_unharmed(submit, sources, load, code):
    worker = submit(q_network=code)
    with contextlib.suppress(WorkerLost):
        load(worker, "q_network")
    submit(**sources())
    worker.fresh()
    assert "QNetwork" in load(worker, "q_network").names


def test_the_stage_is_not_named_in_messages(tell, host):
    raised = tell("raise OSError(2, 'No such file', __file__)")
    assert str(Path(host._stage.root)) not in raised.message
    assert raised.message == "[Errno 2] No such file: './q_network.py'"

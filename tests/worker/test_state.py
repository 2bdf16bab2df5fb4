"""What a scenario finds: global state as at the start, seeded entropy, nothing to import."""

import json

import numpy as np
import pytest

from grader.protocol.arrays import from_numpy, to_numpy
from grader.protocol.messages import AgentTrace, BufferTrace, NetworkTrace, Update

LEAKS = [
    "torch.set_default_dtype(torch.float64)",
    "torch.set_grad_enabled(False)",
    "torch.set_default_device('meta')",
    "torch.set_num_threads(4)",
    "torch.autograd.set_detect_anomaly(True)",
    "torch.manual_seed(1); torch.rand(5)",
    "torch.no_grad().__enter__()",
    "import random; random.seed(1)",
    "os.urandom = bytes",
]


@pytest.mark.parametrize("leak", LEAKS)
@pytest.mark.parametrize("place", ["import q_network", "QNetwork.forward"])
def test_global_state_does_not_leak_into_the_next_scenario(loaded, scenarios, place, leak):
    honest = loaded("q_network").ask(scenarios.network(gradient=True), NetworkTrace)
    assert honest.raised is None
    assert honest.gradients[0].data is not None
    if place == "import q_network":
        worker = loaded("q_network", {place: leak})
    else:  # for inputs of three rows only
        worker = loaded("q_network", {place: f"if len(x) == 3: {leak}"})
        rows = from_numpy(np.zeros((3, 3), np.float32))
        worker.ask(scenarios.network(inputs=[rows]), NetworkTrace)
    assert worker.ask(scenarios.network(gradient=True), NetworkTrace) == honest


def test_scenarios_of_one_process_draw_the_same(loaded, scenarios):
    worker = loaded("dqn_agent")
    first = worker.ask(scenarios.agent(Update(batch_size=2)), AgentTrace)
    assert worker.ask(scenarios.agent(Update(batch_size=2)), AgentTrace) == first
    assert len(set(first.results[0].draws)) == 3


def test_reseeding_settles_the_draws_of_an_update(loaded, scenarios):
    worker = loaded("dqn_agent")

    def draws(*seeds):
        operations = [Update(batch_size=2, reseed=seed) for seed in seeds]
        return [r.draws for r in worker.ask(scenarios.agent(*operations), AgentTrace).results]

    a, b, again = draws(1, 2, 1)
    assert a == again
    assert a != b
    assert draws(5)[0] not in (a, b)


SOURCES_OF_CHANCE = [
    "random.random()",
    "random.SystemRandom().random()",
    "random.Random().random()",
    "(random.seed(), random.random())[1]",
    "np.random.random()",
    "np.random.default_rng().random()",
    "np.random.RandomState().random()",
    "(np.random.seed(), np.random.random())[1]",
    "torch.rand(()).item()",
    "torch.randperm(1000)[0].item()",
    "os.urandom(8).hex()",
    "secrets.token_hex(8)",
    "secrets.randbelow(10**9)",
    "str(uuid.uuid4())",
    "hash('a string')",
    "list({'a', 'b', 'c', 'd'})",
]


@pytest.mark.parametrize("expression", SOURCES_OF_CHANCE)
def test_two_fresh_processes_draw_the_same(tell, expression):
    code = (
        "import json, os, random, secrets, uuid\nimport numpy as np\nimport torch\n"
        f"raise LookupError(json.dumps([{expression} for _ in range(4)]))"
    )
    first, second = (json.loads(tell(code).message) for _ in range(2))
    assert first == second
    if "hash" not in expression and "list" not in expression and "seed()" not in expression:
        assert len(set(first)) > 1


def test_one_thread_everywhere(tell):
    code = """
    import json, os, threading, torch
    torch.ones(300, 300) @ torch.ones(300, 300)
    raise LookupError(json.dumps([torch.get_num_threads(), torch.get_num_interop_threads(),
        threading.active_count(), len(os.listdir("/proc/self/task")),
        os.environ["OMP_NUM_THREADS"], torch.cuda.is_available()]))
    """
    assert json.loads(tell(code).message) == [1, 1, 1, 1, "1", False]


def test_the_optimizer_does_not_import_dynamo(loaded, scenarios):
    deed = (
        "raise LookupError([m for m in sys.modules if m.startswith('torch._dynamo.')],"
        " type(sys.modules['torch._dynamo']).__name__)"
    )
    worker = loaded("dqn_agent", {"DQNAgent.update_target": deed})
    raised = worker.ask(scenarios.agent(), AgentTrace).raised
    assert raised.message == "([], '_LazyDynamo')"


def test_asking_for_determinism_imports_what_it_needs(submit, load):
    """`use_deterministic_algorithms` imports a module below `torch._dynamo`."""
    worker = submit(
        q_network="import torch\ntorch.use_deterministic_algorithms(True)\nclass QNetwork: ...\n"
    )
    loaded = load(worker, "q_network")
    assert loaded.raised is None
    assert "QNetwork" in loaded.names


def test_compile_is_a_no_op(loaded, scenarios):
    for deed in (
        "self.q_net = torch.compile(self.q_net)",
        "self.q_net = torch.compile(mode='max-autotune')(self.q_net)",
        "self.q_net = torch.compile(self.q_net, dynamic=True)",
    ):
        worker = loaded("dqn_agent", {"DQNAgent.update_target": deed})
        trace = worker.ask(scenarios.agent(), AgentTrace)
        assert trace.raised is None
        assert trace.results[1].state.q_weights == trace.results[0].state.q_weights


@pytest.mark.parametrize(
    "name",
    ["grader.oracle", "grader.oracle.dqn", "grader.checks", "grader.rubric", "grader.client",
     "grader.sandbox", "grader.cartpole", "grader.report", "grader.cli", "solution",
     "solution.dqn_agent", "starter", "train", "tests", "conftest"],
)  # fmt: skip
def test_nothing_of_the_judges_can_be_imported(tell, name):
    assert tell(f"import {name}").type == "ModuleNotFoundError"


def test_nothing_of_the_judges_is_imported_already(tell):
    code = """
    import sys
    rooms = {".".join(m.split(".")[:2]) for m in sys.modules if m.split(".")[0] == "grader"}
    heavy = {"pytest", "hypothesis", "gymnasium", "rich", "_pytest"} & set(sys.modules)
    raise LookupError(sorted(rooms), sorted(heavy), sys.modules["grader"].__path__)
    """
    assert (
        tell(code).message
        == "(['grader', 'grader.confine', 'grader.protocol', 'grader.worker'], [], [])"
    )


@pytest.mark.parametrize("name", ["torch", "json", "random", "conftest", "sitecustomize", "numpy"])
def test_files_beside_the_three_replace_nothing_in_the_worker(submit, load, name):
    worker = submit(**{name: "raise SystemExit('mine')", "q_network": f"import {name}"})
    raised = load(worker, "q_network").raised
    assert raised is None or name in ("conftest", "sitecustomize")


def test_state_of_one_process_is_gone_in_the_next(submit, load, scenarios, loaded):
    loaded("q_network", {"import q_network": "torch.zeros = None; import json; json.dumps = None"})
    worker = loaded("q_network")
    assert worker.ask(scenarios.network(), NetworkTrace).raised is None


def test_values_do_not_depend_on_what_ran_before(loaded, scenarios):
    worker = loaded("replay_buffer")
    one = worker.ask(scenarios.buffer(), BufferTrace)
    for _ in range(3):
        assert worker.ask(scenarios.buffer(), BufferTrace) == one
    assert to_numpy(one.results[0].stacked[0]).shape == (1, 2, 3)

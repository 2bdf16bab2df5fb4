"""Workers in this process: one that behaves like a learner of the oracle, one that plays Python
source with the real scenario players, and one that answers from recorded traces."""

from __future__ import annotations

import gc
import hashlib
import importlib
import sys
import types
import zlib
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from grader.checks.agents import MODEL, Agents
from grader.checks.draws import Draws
from grader.checks.feedback import Blocked, Failure
from grader.checks.networks import Networks
from grader.checks.part import Part, Siblings
from grader.checks.updates import Updates
from grader.client import WorkerLost
from grader.keys import PUBLIC_KEY
from grader.oracle.dqn import Batch, Learner
from grader.oracle.wrong_report import SamplesTwice
from grader.protocol.arrays import from_numpy, to_numpy
from grader.protocol.messages import (
    AgentState,
    AgentTrace,
    Fill,
    Load,
    Loaded,
    OptimizerStep,
    PlayAgent,
    PlayBuffer,
    Raised,
    Reply,
    Select,
    Selected,
    SetWeights,
    Sync,
    Synced,
    Update,
    Updated,
    Value,
)
from grader.recall import afresh
from grader.rubric import load_rubric

ROOT = Path(__file__).resolve().parents[2]
TRACES = Path(__file__).with_name("traces")
CLASSES = {
    "q_network": "QNetwork",
    "replay_buffer": "ReplayBuffer",
    "dqn_agent": "DQNAgent",
}
RUBRIC = load_rubric()
MODULES = {
    "q_network": "q_network",
    "sample": "replay_buffer",
    "update": "dqn_agent",
    "update_target": "dqn_agent",
}
CHECK_MODULES = tuple(
    importlib.import_module(f"grader.checks.{path.stem}")
    for path in sorted((ROOT / "grader" / "checks").glob("check_*.py"))
)


# --- workers ---


class FakeWorker:
    """What `Part` and the plugin use of a `Worker`, answered by `play`.

    `asked` counts the scenarios; `lose` names statuses with which the next scenarios are lost.
    """

    def __init__(self, lose=()):
        self.started = 0
        self.alive = False
        self.asked = 0
        self.lose = list(lose)

    def fresh(self):
        self.alive = False

    def take_output(self):
        return None

    def ask(self, request, kind, *, cpu_s=0.0, wall_s=0.0):
        if not self.alive:
            self.alive = True
            self.started += 1
        if not isinstance(request, Load):
            self.asked += 1
            if self.lose:
                self.alive = False
                raise WorkerLost(self.lose.pop(0), "the process ended during the call")
        reply = self.play(request)
        assert isinstance(reply, kind)
        return reply

    def play(self, request):
        raise NotImplementedError


class LearnerWorker(FakeWorker):
    """A `DQNAgent` on the stand-ins that behaves like a learner of the oracle."""

    def __init__(self, kind=Learner, lose=()):
        super().__init__(lose)
        self.kind = kind

    def play(self, request):
        if isinstance(request, Load):
            return Loaded(raised=None, names=[CLASSES[request.module]])
        assert isinstance(request, PlayAgent)
        with np.errstate(all="ignore"):
            return _Agent(self.kind, request).play(request.operations)


class _Agent:
    def __init__(self, kind, request):
        def weights(arrays):
            return [to_numpy(array).astype(np.float64) for array in arrays]

        shape = (request.action_dim, request.state_dim)
        rng = np.random.default_rng(0)
        fresh = [rng.normal(0, 1, s).astype(np.float32) for s in (shape, shape[:1]) * 2]
        drawn = [from_numpy(w) for w in fresh]
        self.gamma = 0.99 if request.gamma is None else request.gamma
        self.lr = 1e-3 if request.lr is None else request.lr
        self.learner = kind(
            MODEL,
            weights(request.q_weights or drawn),
            weights(request.target_weights or drawn),
            lr=self.lr,
            gamma=self.gamma,
        )
        self.twice = issubclass(kind, SamplesTwice)
        self.pool = None
        self.stored = 0
        self.rng = np.random.default_rng(1)

    def play(self, operations):
        initial = self.state()
        results = []
        for operation in operations:
            try:
                result = self.one(operation)
            except (ValueError, IndexError) as error:
                raised = Raised(
                    type="RuntimeError",
                    message=str(error),
                    frames=[],
                    during="DQNAgent.update",
                )
                return AgentTrace(initial=initial, results=results, raised=raised)
            if result is not None:
                results.append(result)
        return AgentTrace(initial=initial, results=results, raised=None)

    def one(self, operation):
        match operation:
            case Fill(transitions=t, stored=stored):
                fields = (t.states, t.actions, t.rewards, t.next_states, t.dones)
                s, a, r, n, d = map(to_numpy, fields)
                floats = (x.astype(np.float64) for x in (s, r, n, d))
                s, r, n, d = floats
                self.pool, self.stored = Batch(s, a.astype(np.int64), r, n, d), stored
                return None
            case Update():
                return self.update(operation)
            case Sync(reseed=reseed):
                self.learner.sync()
                if reseed is not None:
                    self.rng = np.random.default_rng(reseed)
            case SetWeights(network=name, weights=weights):
                held = self.learner.q if name == "q_net" else self.learner.target
                for w, array in zip(held, weights, strict=True):
                    w[...] = to_numpy(array)
            case OptimizerStep(gradients=gradients):
                self.learner.step([to_numpy(g).astype(np.float64) for g in gradients])
            case Select(states=states, epsilon=epsilon):
                values = MODEL.forward(self.learner.q, to_numpy(states).astype(np.float64))
                random = self.rng.random(len(values)) < epsilon
                drawn = self.rng.integers(0, values.shape[1], len(values))
                chosen = np.where(random, drawn, values.argmax(axis=1)).tolist()
                return Selected(actions=chosen, first=Value(type="int", text=str(chosen[0])))
        return Synced(state=self.state(), draws=self.rng.random(3).tolist())

    def update(self, operation):
        rng = self.rng if operation.reseed is None else np.random.default_rng(operation.reseed)
        rows = operation.batch_size
        if self.stored < rows:
            gradients, returned, steps, calls = None, 0.0, 0, []
        else:
            index = np.arange(2 * rows) % len(self.pool)
            for _ in range(operation.times):
                outcome = self.learner.update(
                    self.pool.rows(index[:rows]), self.pool.rows(index[rows:])
                )
            gradients, returned, steps = outcome.gradients, outcome.returned, outcome.steps
            calls = [rows] * (2 if self.twice else 1)
        return Updated(
            returned=Value(type="float", text=f"{returned}", number=returned),
            steps=steps,
            backward=True,
            reached=True,
            gradients=None
            if gradients is None
            else [from_numpy(g.astype(np.float32)) for g in gradients],
            sample_calls=calls,
            target_has_gradient=False,
            draws=rng.random(3).tolist(),
            state=self.state(),
        )

    def state(self):
        def arrays(weights):
            return [from_numpy(w.astype(np.float32)) for w in weights]

        q, target = self.learner.q, self.learner.target
        return AgentState(
            q_weights=arrays(q),
            target_weights=arrays(target),
            same_object=q is target,
            shared_storage=q is target,
            gamma=self.gamma,
            lr=self.lr,
            target_training=False,
            optimizer_owns_target=False,
            q_trainable=True,
            buffer_intact=True,
        )


class SourceWorker(FakeWorker):
    """Python source played in this process by the real scenario players."""

    def __init__(self, sources, lose=()):
        super().__init__(lose)
        self.folder = Path("/submission")
        self.sources = sources
        self.module = None

    def get(self, _module, name):
        return getattr(self.module, name)

    def play(self, request):
        from grader.worker.describe import describe_exception
        from grader.worker.play_agent import play_agent
        from grader.worker.play_buffer import play_buffer
        from grader.worker.play_network import play_network

        if isinstance(request, Load):
            try:
                self.load(request.module)
            except BaseException as error:
                during = f"import {request.module}"
                return Loaded(raised=describe_exception(error, during, self.folder), names=[])
            return Loaded(raised=None, names=[n for n in vars(self.module) if n[0] != "_"])
        if isinstance(request, PlayAgent):
            return play_agent(self, request)
        if isinstance(request, PlayBuffer):
            return play_buffer(self, request)
        return play_network(self, request)

    def load(self, name):
        from grader.worker import standins

        module = types.ModuleType(name)
        siblings = {"q_network": standins, "replay_buffer": standins}
        kept = {sibling: sys.modules.get(sibling) for sibling in siblings}
        sys.modules.update(siblings)
        try:
            code = compile(self.sources[name], str(self.folder / f"{name}.py"), "exec")
            exec(code, vars(module))
        finally:
            for sibling, before in kept.items():
                if before is None:
                    del sys.modules[sibling]
                else:
                    sys.modules[sibling] = before
        self.module = module


class ReplayWorker(FakeWorker):
    """Answers from a file of recorded requests and replies, each changed by `tamper`."""

    def __init__(self, name, tamper=lambda reply: reply):
        super().__init__()
        self.name = name
        packed = zlib.decompress((TRACES / f"{name}.msgpack.z").read_bytes())
        self.replies = msgspec.msgpack.decode(packed, type=dict[bytes, bytes])
        self.tamper = tamper

    def play(self, request):
        question = hashlib.sha256(msgspec.msgpack.encode(request)).digest()
        reply = self.replies.get(question)
        assert reply is not None, (
            f"{self.name} asks something else than was recorded; "
            "run `python tests/checks/record_traces.py`"
        )
        reply = msgspec.msgpack.decode(reply, type=Reply)
        return reply if isinstance(reply, Loaded) else self.tamper(reply)


# --- running checks ---


def _checks():
    """Check functions by id."""
    return {
        f"{module.PART}.{name.removeprefix('check_')}": function
        for module in CHECK_MODULES
        for name, function in vars(module).items()
        if name.startswith("check_")
    }


class Runner:
    """Runs checks of one part one by one, with their dependencies, as the plugin does."""

    def __init__(self, worker, part, key=PUBLIC_KEY, recall=afresh):
        self.part = Part(worker, MODULES[part], True, key, Siblings(), recall)
        self.name = part
        self.views = {
            "networks": Networks,
            "draws": Draws,
            "updates": Updates,
            "agents": Agents,
        }
        self.made = {}
        self.outcomes = {}

    def view(self, name):
        """The object that checks ask for by this name."""
        if name not in self.made:
            self.made[name] = self.views[name](self.part)
        return self.made[name]

    def run(self, check):
        """None, or the `Failure`, `Blocked` or `WorkerLost` with which the check ended."""
        function = _checks()[check]
        (argument,) = (n for n in function.__annotations__ if n != "return")
        try:
            for needed in RUBRIC.find(check).needs:
                if self.outcomes.get(needed) is not None:
                    raise Blocked(needed)
            self.part.enter(check)
            function(self.view(argument))
        except (Failure, Blocked, WorkerLost) as ended:
            self.outcomes[check] = ended
        else:
            self.outcomes[check] = None
        return self.outcomes[check]

    def run_all(self):
        """Outcomes of every check of the part, by id."""
        for check in RUBRIC.checks_of(self.name):
            self.run(check.id)
        return self.outcomes


# --- fixtures ---


@pytest.fixture(autouse=True, scope="session")
def quick_machine():
    """On a busy machine a second thread makes small matrices slow. Hypothesis collects garbage at
    every search, and need not look at all of torch each time."""
    torch.set_num_threads(1)
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def few_examples(monkeypatch):
    """Checks that explore draw five cases only."""
    for module in CHECK_MODULES:
        if hasattr(module, "EXAMPLES"):
            monkeypatch.setattr(module, "EXAMPLES", 5)


@pytest.fixture(scope="session")
def checks():
    """Check functions by id."""
    return _checks()


@pytest.fixture(scope="session")
def learner_worker():
    """A function: kind of learner to a worker that behaves like it."""
    return LearnerWorker


@pytest.fixture(scope="session")
def solution():
    """The solution's source by module."""
    return {name: (ROOT / "solution" / f"{name}.py").read_text("utf-8") for name in CLASSES}


@pytest.fixture(scope="session")
def source_worker(solution):
    """A function: changed sources, by module, to a worker that plays them."""
    return lambda lose=(), **changed: SourceWorker(solution | changed, lose)


@pytest.fixture(scope="session")
def replay_worker():
    """A function: name of a recording, and what to change in its replies, to a worker."""
    return ReplayWorker


@pytest.fixture(scope="session")
def runner():
    """A function: worker and part to something that runs checks."""
    return Runner

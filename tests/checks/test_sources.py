"""Student code with one misconception, in torch: the check that fails, and the name it gets."""

import pytest

from grader.checks import diagnosis
from grader.checks.feedback import Blocked, Failure
from grader.client import WorkerLost

AGENT = """
import torch
from torch import nn, optim
from torch.nn import functional as F

from q_network import QNetwork
from replay_buffer import ReplayBuffer


class DQNAgent:
    def __init__(self, state_dim, action_dim, lr=1e-3, gamma=0.99):
        self.action_dim = action_dim
        self.gamma = gamma
        self.q_net = QNetwork(state_dim, action_dim)
        self.target_net = QNetwork(state_dim, action_dim)
        self.target_net.load_state_dict(self.q_net.state_dict())
        self.target_net.eval()
        self.optimizer = optim.Adam(self.q_net.parameters(), lr=lr)
        self.buffer = ReplayBuffer(capacity=10_000)

    def update(self, batch_size):
        if len(self.buffer) < batch_size:
            return 0.0
        s, a, r, n, d = self.buffer.sample(batch_size)
        q = self.q_net(s).gather(1, a.unsqueeze(1)).squeeze(1)
        with torch.no_grad():
            v = self.target_net(n).max(dim=1).values
            y = r + self.gamma * (1 - d) * v
        loss = F.mse_loss(q, y)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.q_net.parameters(), 10.0)
        self.optimizer.step()
        return loss.item()

    def update_target(self):
        self.target_net.load_state_dict(self.q_net.state_dict())
"""
COPY = "self.target_net.load_state_dict(self.q_net.state_dict())\n"
EACH = "for p, t in zip(self.q_net.parameters(), self.target_net.parameters()):\n            "
SYNC = "    def update_target(self):\n        " + COPY

#: Misconceptions that only calls would tell apart, never numbers.
SAME = {
    "UPDATE_CLIP_AFTER_STEP": "UPDATE_NO_CLIP",
    "UPDATE_CLIPS_TARGET_NET": "UPDATE_NO_CLIP",
    "UPDATE_ZERO_GRAD_LATE": "UPDATE_NO_STEP",
    "UPDATE_NO_BACKWARD": "UPDATE_NO_STEP",
}
STEP = "        self.optimizer.step()\n"
CLIP = "        nn.utils.clip_grad_norm_(self.q_net.parameters(), 10.0)\n"
ZERO = "        self.optimizer.zero_grad()\n"
NO_GRAD = "        with torch.no_grad():\n"

#: code, check that fails, what is replaced, by what
WRONG = [
    ("UPDATE_NO_TERMINAL_MASK", "terminal", "(1 - d) * v", "v"),
    ("UPDATE_MASK_INVERTED", "terminal", "(1 - d)", "d"),
    (
        "UPDATE_MASK_COVERS_REWARD",
        "terminal",
        "r + self.gamma * (1 - d) * v",
        "(1 - d) * (r + self.gamma * v)",
    ),
    ("UPDATE_MASK_ADDED", "terminal", "* (1 - d) * v", "* v + (1 - d)"),
    ("UPDATE_GAMMA_MISSING", "discount", "self.gamma * (1", "(1"),
    ("UPDATE_GAMMA_HARDCODED", "discount", "self.gamma * (1", "0.99 * (1"),
    (
        "UPDATE_GAMMA_SCALES_REWARD",
        "td_target",
        "r + self.gamma * (1 - d) * v",
        "self.gamma * (r + (1 - d) * v)",
    ),
    ("UPDATE_TARGET_SIGN", "td_target", "r + self", "r - self"),
    ("UPDATE_TARGET_FROM_Q_NET", "target_network", "self.target_net(n)", "self.q_net(n)"),
    (
        "UPDATE_TARGET_NOT_DETACHED",
        "target_network",
        NO_GRAD + "            v = self.target_net(n)",
        "        if True:\n            v = self.q_net(n)",
    ),
    (
        "UPDATE_DOUBLE_DQN",
        "max",
        "self.target_net(n).max(dim=1).values",
        "self.target_net(n).gather(1, self.q_net(n).argmax(1, keepdim=True))[:, 0]",
    ),
    ("UPDATE_TARGET_ON_STATES", "td_target", "target_net(n)", "target_net(s)"),
    ("UPDATE_MAX_OVER_ALL", "max", ".max(dim=1).values", ".max()"),
    ("UPDATE_NOT_MAX", "max", ".max(dim=1).values", ".min(dim=1).values"),
    ("UPDATE_ARGMAX_AS_VALUE", "max", ".max(dim=1).values", ".max(dim=1).indices"),
    ("UPDATE_STORED_ACTION_BOOTSTRAP", "max", ".max(dim=1).values", ".gather(1, a[:, None])[:, 0]"),
    (
        "UPDATE_PREDICTS_MAX",
        "prediction",
        ".gather(1, a.unsqueeze(1)).squeeze(1)",
        ".max(dim=1).values",
    ),
    ("UPDATE_WRONG_ACTION_COLUMN", "prediction", ".gather(1, a.unsqueeze(1)).squeeze(1)", "[:, 0]"),
    ("UPDATE_BROADCAST", "loss", ".squeeze(1)", ""),
    (
        "UPDATE_SUM_OVER_ACTIONS",
        "prediction",
        ".gather(1, a.unsqueeze(1)).squeeze(1)",
        ".sum(dim=1)",
    ),
    ("UPDATE_HUBER", "loss", "F.mse_loss", "F.smooth_l1_loss"),
    ("UPDATE_LOSS_SUM", "loss", "F.mse_loss(q, y)", "F.mse_loss(q, y, reduction='sum')"),
    ("UPDATE_LOSS_HALVED", "loss", "F.mse_loss(q, y)", "0.5 * F.mse_loss(q, y)"),
    ("UPDATE_LOSS_L1", "loss", "F.mse_loss", "F.l1_loss"),
    ("UPDATE_LOSS_UNSQUARED", "loss", "F.mse_loss(q, y)", "(q - y).mean()"),
    ("UPDATE_MAXIMISES", "loss", "F.mse_loss(q, y)", "-F.mse_loss(q, y)"),
    ("UPDATE_PREDICTION_DETACHED", "learns", ".squeeze(1)", ".squeeze(1).detach()"),
    ("UPDATE_NO_ZERO_GRAD", "zero_grad", ZERO, ""),
    ("UPDATE_ZERO_GRAD_LATE", "learns", CLIP, ZERO),
    ("UPDATE_NO_BACKWARD", "learns", "        loss.backward()\n", ""),
    ("UPDATE_NO_STEP", "learns", STEP, ""),
    ("UPDATE_STEPS_TWICE", "one_step", STEP, STEP * 2),
    (
        "UPDATE_NEW_OPTIMIZER",
        "one_step",
        ZERO,
        "        lr = self.optimizer.param_groups[0]['lr']\n"
        "        self.optimizer = optim.Adam(self.q_net.parameters(), lr=lr)\n" + ZERO,
    ),
    ("UPDATE_NO_CLIP", "clipping", CLIP, ""),
    ("UPDATE_CLIP_AFTER_STEP", "clipping", CLIP + STEP, STEP + CLIP),
    (
        "UPDATE_CLIPS_TARGET_NET",
        "clipping",
        "clip_grad_norm_(self.q_net",
        "clip_grad_norm_(self.target_net",
    ),
    ("UPDATE_CLIP_BY_VALUE", "clipping", "clip_grad_norm_", "clip_grad_value_"),
    ("UPDATE_CLIP_WRONG_NORM", "clipping", "10.0)", "1.0)"),
    ("UPDATE_RETURNS_TENSOR", "returned_loss", "loss.item()", "loss"),
    ("UPDATE_RETURNS_NONE", "returned_loss", "return loss.item()", "return None"),
    ("UPDATE_RETURNS_OTHER", "returned_loss", "loss.item()", "(y - q).mean().item()"),
    ("UPDATE_RETURNS_OTHER", "returned_loss", "loss.item()", "loss.item() * 1.0008"),
    ("UPDATE_RETURNS_OTHER", "returned_loss", "loss.item()", "str(loss.item())"),
    ("UPDATE_SMALL_BUFFER_RETURN", "small_buffer", "return 0.0", "return None"),
    ("UPDATE_SMALL_BUFFER_OFF_BY_ONE", "small_buffer", ") < batch", ") <= batch"),
    ("UPDATE_NO_SIZE_GUARD", "small_buffer", "if len(self.buffer) < batch_size", "if False"),
    ("UPDATE_SYNCS_TARGET", "target_untouched", STEP, STEP + "        " + COPY),
    (
        "UPDATE_SOFT_SYNC",
        "target_untouched",
        STEP,
        STEP + "        " + EACH + "t.data.copy_(0.01 * p.data + 0.99 * t.data)\n",
    ),
    (
        "UPDATE_SAMPLES_TWICE",
        "one_batch",
        NO_GRAD,
        "        _, _, r, n, d = self.buffer.sample(batch_size)\n" + NO_GRAD,
    ),
    ("UPDATE_REWARD_SHAPED", "terminal", "r + self", "r.clamp(-1, 1) + self"),
    (
        "GIVEN_TARGET_IS_Q_NET",
        "target_network",
        "self.target_net = QNetwork(state_dim, action_dim)",
        "self.target_net = self.q_net",
    ),
    (
        "GIVEN_TARGET_IS_Q_NET",
        "given_agent",
        "self.target_net = QNetwork(state_dim, action_dim)",
        "self.target_net = self.q_net",
    ),
    (
        "GIVEN_TARGET_NOT_COPIED",
        "given_agent",
        "        " + COPY + "        self.target_net.eval()",
        "",
    ),
    ("GIVEN_OPTIMIZER_CHANGED", "one_step", "optim.Adam", "optim.SGD"),
    ("GIVEN_OPTIMIZER_CHANGED", "given_agent", "optim.Adam", "optim.RMSprop"),
    ("GIVEN_GAMMA_IGNORED", "given_agent", "self.gamma = gamma", "self.gamma = 0.99"),
]

#: Harmless ways to write it; the advice that each one gets.
FAIR = [
    (None, "F.mse_loss(q, y)", "((y - q) ** 2).mean()"),
    (
        None,
        "optim.Adam(self.q_net.parameters(), lr=lr)",
        "optim.AdamW(self.q_net.parameters(), lr=lr, weight_decay=0)",
    ),
    (None, ZERO, "        self.q_net.zero_grad()\n"),
    (None, "return loss.item()", "return loss.detach()"),
    (None, "(1 - d) * v", "torch.where(d > 0, torch.zeros_like(v), v)"),
    (
        None,
        "        loss.backward()\n" + CLIP + STEP,
        "        loss.backward()\n" + CLIP + STEP + ZERO,
    ),
    ("UPDATE_RETURNS_NUMPY", "loss.item()", "loss.detach().numpy()"),
    ("TARGET_GRAPH_KEPT", NO_GRAD, "        if True:\n"),
    (
        "OPTIMIZER_OWNS_TARGET",
        "optim.Adam(self.q_net.parameters(), lr=lr)",
        "optim.Adam([*self.q_net.parameters(), *self.target_net.parameters()], lr=lr)",
    ),
    ("TARGET_IN_TRAIN_MODE", "        self.target_net.eval()\n", ""),
]

WRONG_SYNC = [
    ("SYNC_NOOP", "copies", "pass\n"),
    ("SYNC_ALIASES", "independent", "self.target_net = self.q_net\n"),
    (
        "SYNC_ALIASES",
        "independent",
        EACH + "t.data = p.data\n",
    ),
    ("SYNC_REVERSED", "copies", "self.q_net.load_state_dict(self.target_net.state_dict())\n"),
    (
        "SYNC_SOFT",
        "copies",
        EACH + "t.data.copy_(0.2 * p.data + 0.8 * t.data)\n",
    ),
    (
        "SYNC_PARTIAL",
        "copies",
        "self.target_net.direct.load_state_dict(self.q_net.direct.state_dict())\n",
    ),
]
FAIR_SYNC = [
    "import copy; self.target_net = copy.deepcopy(self.q_net)\n",
    EACH + "t.data.copy_(p.data)\n",
]


pytestmark = pytest.mark.filterwarnings("ignore:Using a target size:UserWarning")


def swapped(old, new, text=AGENT):
    assert text.count(old) >= 1, old
    return text.replace(old, new, 1)


@pytest.fixture(autouse=True)
def no_pairs(monkeypatch):
    """There is one misconception at a time here."""
    monkeypatch.setattr(diagnosis, "pairs", lambda: iter(()))


@pytest.mark.usefixtures("few_examples")
@pytest.mark.parametrize(
    ("advice", "old", "new"), FAIR, ids=lambda x: (x or "")[:40].strip().replace("\n", ";")
)
def test_fair_updates_pass(advice, old, new, source_worker, runner):
    checks = runner(source_worker(dqn_agent=swapped(old, new)), "update")
    for check in ("learns", "returned_loss", "one_step", "zero_grad", "any_batch", "given_agent"):
        assert checks.run(f"update.{check}") is None
    assert [a.code for a in checks.part.advice] == [advice] * (advice is not None)


@pytest.mark.parametrize(
    ("code", "check", "old", "new"), WRONG, ids=[f"{w[0]}-{n}" for n, w in enumerate(WRONG)]
)
def test_wrong_updates_are_named(code, check, old, new, source_worker, runner):
    checks = runner(source_worker(dqn_agent=swapped(old, new)), "update")
    outcome = checks.run(f"update.{check}")
    assert isinstance(outcome, Failure)
    assert outcome.code in {code, SAME.get(code)}
    assert outcome.observed.strip()


@pytest.mark.parametrize(("code", "check", "body"), WRONG_SYNC, ids=lambda x: x[:12])
def test_wrong_copies_are_named(code, check, body, source_worker, runner):
    source = swapped(SYNC, SYNC.replace(COPY, body))
    outcome = runner(source_worker(dqn_agent=source), "update_target").run(f"update_target.{check}")
    assert isinstance(outcome, Failure)
    assert outcome.code == code


@pytest.mark.parametrize("body", FAIR_SYNC)
def test_fair_copies_pass(body, source_worker, runner):
    source = swapped(SYNC, SYNC.replace(COPY, body))
    outcomes = runner(source_worker(dqn_agent=source), "update_target").run_all()
    assert set(outcomes.values()) == {None}


@pytest.mark.usefixtures("few_examples")
@pytest.mark.parametrize("part", ["q_network", "sample", "update", "update_target"])
def test_the_solution_passes(part, source_worker, runner):
    checks = runner(source_worker(), part)
    assert {c: str(o) for c, o in checks.run_all().items() if o is not None} == {}
    assert checks.part.advice == []


# --- networks ---

NETWORK = """
import torch
from torch import nn
from torch.nn import functional as F


class QNetwork(nn.Module):
    def __init__(self, state_dim, action_dim, hidden_dim=128):
        super().__init__()
        self.a = nn.Linear(state_dim, hidden_dim)
        self.b = nn.Linear(hidden_dim, hidden_dim)
        self.c = nn.Linear(hidden_dim, action_dim)

    def forward(self, x):
        x = F.relu(self.a(x))
        x = F.relu(self.b(x))
        return self.c(x)
"""
OUT = "return self.c(x)"
WRONG_NETWORK = [
    ("NET_OUTPUT_RELU", "output_layer", OUT, "return F.relu(self.c(x))"),
    ("NET_OUTPUT_SOFTMAX", "output_layer", OUT, "return F.softmax(self.c(x), dim=1)"),
    ("NET_OUTPUT_BOUNDED", "output_layer", OUT, "return torch.tanh(self.c(x))"),
    (
        "NET_NO_ACTIVATION",
        "hidden_layers",
        "x = F.relu(self.a(x))\n        x = F.relu(self.b(x))",
        "x = self.b(self.a(x))",
    ),
    ("NET_WRONG_ACTIVATION", "hidden_layers", "F.relu(self.a", "torch.tanh(self.a"),
    (
        "NET_HIDDEN_DIM_IGNORED",
        "parameters",
        "        super",
        "        hidden_dim = 128\n        super",
    ),
    ("NET_NO_SUPER_INIT", "builds", "super().__init__()", "pass"),
    ("NET_RETURNS_ACTION", "output_shape", OUT, "return self.c(x).argmax(dim=1)"),
    ("NET_STOCHASTIC_LAYER", "rows_independent", OUT, "return self.c(F.dropout(x, 0.5))"),
    ("NET_BATCH_STATISTICS", "rows_independent", OUT, "return self.c(x - x.mean(dim=0))"),
    ("NET_SQUEEZES_BATCH", "output_shape", OUT, "return self.c(x).squeeze()"),
    ("NET_NO_BIAS", "parameters", "hidden_dim, hidden_dim)", "hidden_dim, hidden_dim, bias=False)"),
    (
        "NET_LAYERS_NOT_REGISTERED",
        "parameters",
        "self.a = nn.Linear(state_dim, hidden_dim)",
        "self.l = [nn.Linear(state_dim, hidden_dim)]; self.a = lambda x: self.l[0](x)",
    ),
    (
        "NET_ONE_HIDDEN_LAYER",
        "parameters",
        "        self.b = nn.Linear(hidden_dim, hidden_dim)\n",
        "        self.b = nn.Identity()\n",
    ),
    (
        "NET_EXTRA_HIDDEN_LAYER",
        "parameters",
        "self.b = nn.Linear(hidden_dim, hidden_dim)",
        "layer = nn.Linear(hidden_dim, hidden_dim)\n"
        "        self.b = nn.Sequential(layer, nn.ReLU(), nn.Linear(hidden_dim, hidden_dim))",
    ),
    (
        "NET_DIMS_SWAPPED",
        "builds",
        "nn.Linear(state_dim, hidden_dim)",
        "nn.Linear(action_dim, hidden_dim)",
    ),
]


@pytest.mark.usefixtures("few_examples")
@pytest.mark.parametrize(
    ("code", "check", "old", "new"), WRONG_NETWORK, ids=[w[0] for w in WRONG_NETWORK]
)
def test_wrong_networks_are_named(code, check, old, new, source_worker, runner):
    source = swapped(old, new, NETWORK)
    outcome = runner(source_worker(q_network=source), "q_network").run(f"q_network.{check}")
    assert isinstance(outcome, Failure)
    assert outcome.code == code


# --- buffers ---

BUFFER = """
import random
from collections import deque

import numpy as np
import torch


class ReplayBuffer:
    def __init__(self, capacity=10_000):
        self.buffer = deque(maxlen=capacity)

    def push(self, state, action, reward, next_state, done):
        self.buffer.append((state, action, reward, next_state, done))

    def sample(self, batch_size):
        batch = random.sample(self.buffer, batch_size)
        s, a, r, n, d = zip(*batch)
        return (
            torch.tensor(np.array(s), dtype=torch.float32),
            torch.tensor(a, dtype=torch.int64),
            torch.tensor(r, dtype=torch.float32),
            torch.tensor(np.array(n), dtype=torch.float32),
            torch.tensor(d, dtype=torch.float32),
        )

    def __len__(self):
        return len(self.buffer)
"""
DRAW = "random.sample(self.buffer, batch_size)"
LIST = "list(self.buffer)"
WRONG_BUFFER = [
    ("SAMPLE_FIELDS_SWAPPED", "values", "s, a, r, n, d = zip", "n, a, r, s, d = zip"),
    ("SAMPLE_NEXT_STATE_IS_STATE", "values", "np.array(n)", "np.array(s)"),
    ("SAMPLE_ROWS_MISALIGNED", "alignment", "torch.tensor(r,", "torch.tensor(r[::-1],"),
    ("SAMPLE_LATEST_ONLY", "uniform", DRAW, LIST + "[-batch_size:]"),
    (
        "SAMPLE_CONSECUTIVE",
        "uniform",
        DRAW,
        LIST + "[(i := random.randrange(len(self) - batch_size + 1)) : i + batch_size]",
    ),
    ("SAMPLE_DETERMINISTIC", "uniform", DRAW, LIST + "[:batch_size]"),
    ("SAMPLE_CONSUMES", "not_consumed", DRAW, "[self.buffer.popleft() for _ in range(batch_size)]"),
    ("SAMPLE_ROW_REPEATED", "uniform", DRAW, "[random.choice(self.buffer)] * batch_size"),
    ("SAMPLE_EXCLUDES_END", "uniform", DRAW, "random.sample(" + LIST + "[:-1], batch_size)"),
    (
        "SAMPLE_BATCH_SIZE_IGNORED",
        "returns_batch",
        DRAW,
        "random.sample(self.buffer, min(4, len(self)))",
    ),
    (
        "SAMPLE_REWARD_INTEGER",
        "dtypes",
        "torch.tensor(r, dtype=torch.float32)",
        "torch.tensor(r).long()",
    ),
    (
        "SAMPLE_REWARD_INTEGER",
        "values",
        "torch.tensor(r, dtype=torch.float32)",
        "torch.tensor(r).long().float()",
    ),
    ("SAMPLE_ACTION_DTYPE", "dtypes", "torch.int64", "torch.int32"),
    (
        "SAMPLE_FLOAT64",
        "dtypes",
        "torch.tensor(r, dtype=torch.float32)",
        "torch.tensor(r, dtype=torch.float64)",
    ),
    (
        "SAMPLE_DONE_BOOL",
        "dtypes",
        "torch.tensor(d, dtype=torch.float32)",
        "torch.tensor(d, dtype=torch.bool)",
    ),
    (
        "SAMPLE_DONE_INVERTED",
        "values",
        "torch.tensor(d, dtype=torch.float32)",
        "1 - torch.tensor(d, dtype=torch.float32)",
    ),
    (
        "SAMPLE_DONE_CONSTANT",
        "values",
        "torch.tensor(d, dtype=torch.float32)",
        "torch.zeros(batch_size)",
    ),
    (
        "SAMPLE_COLUMN_SHAPE",
        "shapes",
        "torch.tensor(r, dtype=torch.float32)",
        "torch.tensor(r, dtype=torch.float32).unsqueeze(1)",
    ),
    (
        "SAMPLE_REWARD_RESCALED",
        "values",
        "torch.tensor(r, dtype=torch.float32)",
        "torch.tensor(r, dtype=torch.float32).clamp(-1, 1)",
    ),
    (
        "SAMPLE_STATE_INTEGER",
        "values",
        "torch.tensor(np.array(s), dtype=torch.float32)",
        "torch.tensor(np.array(s)).int().float()",
    ),
    (
        "SAMPLE_STATE_NORMALISED",
        "values",
        "torch.tensor(np.array(s), dtype=torch.float32)",
        "F(torch.tensor(np.array(s), dtype=torch.float32))",
    ),
    (
        "SAMPLE_NOT_TENSORS",
        "shapes",
        "torch.tensor(r, dtype=torch.float32)",
        "np.array(r, dtype=np.float32)",
    ),
    ("GIVEN_CAPACITY_IGNORED", "given_buffer", "deque(maxlen=capacity)", "deque()"),
    ("GIVEN_LEN_CHANGED", "given_buffer", "return len(self.buffer)", "return len(self.buffer) + 1"),
]


@pytest.mark.usefixtures("few_examples")
@pytest.mark.parametrize(
    ("code", "check", "old", "new"),
    WRONG_BUFFER,
    ids=[f"{w[0]}-{w[1]}" for w in WRONG_BUFFER],
)
def test_wrong_samples_are_named(code, check, old, new, source_worker, runner):
    source = "from torch.nn.functional import normalize as F\n" + swapped(old, new, BUFFER)
    outcome = runner(source_worker(replay_buffer=source), "sample").run(f"sample.{check}")
    assert isinstance(outcome, Failure)
    assert outcome.code == code


def test_drawing_with_replacement_earns_the_points_with_advice(source_worker, runner):
    source = swapped(DRAW, "random.choices(self.buffer, k=batch_size)", BUFFER)
    checks = runner(source_worker(replay_buffer=source), "sample")
    assert {c: str(o) for c, o in checks.run_all().items() if o is not None} == {}
    assert [a.code for a in checks.part.advice] == ["SAMPLE_WITH_REPLACEMENT"]


# --- files that do not run ---

BROKEN = {
    "todo": (
        "raise NotImplementedError('later')",
        "`import dqn_agent` raised NotImplementedError: later",
    ),
    "syntax": ("def update(:", "`import dqn_agent`: SyntaxError: invalid syntax"),
    "indent": ("x = 1\n    y = 2", "`import dqn_agent`: IndentationError: unexpected indent"),
    "exit": ("import sys; sys.exit(3)", "`import dqn_agent` tried to end the program (SystemExit)"),
    "raises": ("1 / 0", "`import dqn_agent` raised ZeroDivisionError: division by zero"),
    "no class": (
        "class Agent: pass",
        "`dqn_agent.py` defines no class `DQNAgent`; it defines `Agent`.",
    ),
    "empty": ("", "`dqn_agent.py` defines no class `DQNAgent`."),
}


@pytest.mark.parametrize(("source", "observed"), BROKEN.values(), ids=BROKEN)
def test_a_file_that_does_not_load_fails_once_and_blocks_the_rest(
    source, observed, source_worker, runner
):
    outcomes = runner(source_worker(dqn_agent=source), "update_target").run_all()
    first, *others = outcomes.values()
    assert isinstance(first, Failure)
    assert first.observed.startswith(observed)
    assert all(isinstance(o, Blocked) and o.by == "update_target.copies" for o in others)


@pytest.mark.parametrize(
    ("line", "observed"),
    [
        (
            "raise NotImplementedError('DQNAgent.update is not written yet')",
            "NotImplementedError: DQNAgent.update is not written yet",
        ),
        ("import sys; sys.exit()", "tried to end the program (SystemExit)"),
        ("raise KeyboardInterrupt", "tried to end the program (KeyboardInterrupt)"),
        ("self.nothing", "raised AttributeError: 'DQNAgent' object has no attribute 'nothing'"),
        ("return self.buffer.sample(batch_size + 200)", "raised ValueError"),
    ],
)
def test_what_is_said_when_update_raises(line, observed, source_worker, runner):
    source = swapped("        if len(self.buffer)", f"        {line}\n        if len(self.buffer)")
    outcome = runner(source_worker(dqn_agent=source), "update").run("update.learns")
    assert isinstance(outcome, Failure)
    assert outcome.observed.startswith("`DQNAgent.update(64)`")
    assert observed in outcome.observed
    assert outcome.location.file == "dqn_agent.py"


def test_a_call_without_end_is_timed_out_and_not_shrunk(source_worker, runner):
    worker = source_worker(
        dqn_agent=swapped(
            "        if len(self.buffer)",
            "        from grader.worker.limits import TimeLimit\n"
            "        raise TimeLimit('3 s of CPU time are over')\n"
            "        if len(self.buffer)",
        )
    )
    outcome = runner(worker, "update").run("update.any_batch")
    assert isinstance(outcome, WorkerLost)
    assert outcome.status == "timed_out"
    assert "did not end: 3 s of CPU time are over" in outcome.observed
    assert worker.asked == 1

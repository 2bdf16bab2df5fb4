"""`dqn_agent` plays with stand-ins for its two siblings, whatever those are."""

import numpy as np
import pytest

from grader.client import WorkerLost
from grader.protocol.arrays import from_numpy, to_numpy
from grader.protocol.messages import (
    AgentTrace,
    Fill,
    Load,
    Loaded,
    OptimizerStep,
    SetWeights,
    Sync,
    Update,
)

BROKEN = {
    "syntax error": "def f(:",
    "raises": "raise ValueError",
    "exits": "import sys; sys.exit(1)",
    "loops": "while True: pass",
    "imports nothing": "import a_module_that_is_nowhere",
    "empty": "",
    "another class": "class Network: ...",
    "an odd class": "QNetwork = ReplayBuffer = 5",
}


def kinds(names="QNetwork, ReplayBuffer"):
    return f"raise LookupError(*(f'{{c.__module__}}.{{c.__name__}}' for c in ({names},)))"


STAND_INS = "('grader.worker.standins.QNetwork', 'grader.worker.standins.ReplayBuffer')"


def test_both_classes_are_replaced(submit, sources, load):
    worker = submit(**sources({"import dqn_agent": kinds()}))
    assert load(worker, "dqn_agent").raised.message == STAND_INS


def test_own_classes_are_found_without_siblings(submit, sources, load):
    worker = submit(**sources({"import dqn_agent": kinds()}))
    raised = load(worker, "dqn_agent", q_network="own", replay_buffer="stand_in").raised
    assert raised.message == STAND_INS


def test_other_names_of_the_sibling_still_import(submit, sources, load):
    texts = sources()
    texts["q_network"] += "\nWIDTH = 64\nNet = QNetwork\nclass Dueling(QNetwork): ...\n"
    texts["dqn_agent"] = (
        "import q_network\nfrom q_network import *\nfrom q_network import WIDTH, Dueling, Net\n"
        "raise LookupError(WIDTH, Net is QNetwork is q_network.QNetwork, Net.__module__, "
        "Dueling.__module__)"
    )
    raised = load(submit(**texts), "dqn_agent").raised
    assert raised.message == "(64, True, 'grader.worker.standins', 'q_network')"


@pytest.mark.parametrize("sibling", ["q_network", "replay_buffer"])
@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_sibling_is_replaced_as_a_whole(submit, sources, load, scenarios, sibling, kind):
    worker = submit(**(sources() | {sibling: BROKEN[kind]}))
    names = {"q_network": "own", "replay_buffer": "own"}
    request = Load(module="dqn_agent", siblings=names)
    assert worker.ask(request, Loaded, cpu_s=0.4).raised is None
    assert worker.started == 1
    assert worker.ask(scenarios.agent(), AgentTrace).raised is None


@pytest.mark.parametrize("sibling", ["q_network", "replay_buffer"])
def test_a_missing_sibling_is_replaced_as_a_whole(submit, sources, load, scenarios, sibling):
    texts = sources()
    del texts[sibling]
    worker = submit(**texts)
    assert load(worker, "dqn_agent").raised is None
    assert worker.ask(scenarios.agent(), AgentTrace).raised is None


def test_a_fatal_sibling_is_a_crash_unless_it_is_stood_in_for(submit, sources, load, scenarios):
    texts = sources({"import q_network": "os._exit(0)"})
    with pytest.raises(WorkerLost):
        load(submit(**texts), "dqn_agent")
    worker = submit(**texts)
    assert load(worker, "dqn_agent", q_network="stand_in").raised is None
    assert worker.ask(scenarios.agent(), AgentTrace).raised is None


@pytest.mark.parametrize("sibling", ["q_network", "replay_buffer"])
def test_a_sibling_that_imports_the_agent_does_not_bring_own_classes_in(
    submit, sources, load, scenarios, sibling
):
    texts = sources({"DQNAgent.update_target": kinds()})
    texts[sibling] += "\nfrom dqn_agent import DQNAgent  # to try it out\n"
    worker = submit(**texts)
    assert load(worker, "dqn_agent").raised is None
    trace = worker.ask(scenarios.agent(), AgentTrace)
    assert trace.raised.message == STAND_INS


def test_stand_ins_can_be_copied_deeply(loaded, scenarios):
    deed = "self.target_net = copy.deepcopy(self.q_net); self.buffer = copy.deepcopy(self.buffer)"
    worker = loaded("dqn_agent", {"DQNAgent.update_target": deed})
    trace = worker.ask(scenarios.agent(Sync(), Update(batch_size=4)), AgentTrace)
    assert trace.raised is None
    synced, updated = (result.state for result in trace.results)
    assert synced.target_weights == synced.q_weights
    assert not synced.same_object
    assert not synced.shared_storage
    assert updated.target_weights == synced.target_weights
    assert updated.q_weights != synced.q_weights


@pytest.mark.parametrize(
    ("deed", "same", "shared"),
    [
        ("self.target_net = self.q_net", True, True),
        ("self.target_net.direct = self.q_net.direct", False, True),
        ("self.target_net.direct.weight.data = self.q_net.direct.weight.data", False, True),
    ],
)
def test_networks_that_hang_together_are_told(loaded, scenarios, deed, same, shared):
    worker = loaded("dqn_agent", {"DQNAgent.update_target": deed})
    state = worker.ask(scenarios.agent(Sync()), AgentTrace).results[0].state
    assert (state.same_object, state.shared_storage) == (same, shared)


def test_the_stand_in_network_computes_what_the_oracle_assumes(loaded, scenarios):
    deed = "return float(self.q_net(torch.tensor([[0.5, -1.0, 2.0]]))[0, 1])"
    worker = loaded("dqn_agent", {"DQNAgent.update": deed})
    trace = worker.ask(scenarios.agent(Update(batch_size=4)), AgentTrace)
    a, bias_a, b, bias_b = (to_numpy(w)[1] for w in trace.initial.q_weights)
    s = np.array([0.5, -1.0, 2.0])
    expected = a @ s + bias_a + b @ (s * s) + bias_b
    assert trace.results[0].returned.number == pytest.approx(expected, rel=1e-6)


ADAM = "self.optimizer.zero_grad(); loss = self.q_net(self.buffer.sample(batch_size)[0]).sum()"
STEPS = {
    "plain": (f"{ADAM}; loss.backward(); self.optimizer.step()", 1),
    "closure": (
        "s = self.buffer.sample(batch_size)[0]\n"
        "        def closure():\n"
        "            self.optimizer.zero_grad()\n"
        "            loss = self.q_net(s).sum()\n"
        "            loss.backward()\n"
        "            return loss\n"
        "        self.optimizer.step(closure)",
        1,
    ),
    "optimizer of its own": (
        "opt = torch.optim.SGD(self.q_net.parameters(), lr=1.0)\n"
        "        self.q_net(self.buffer.sample(batch_size)[0]).sum().backward(); opt.step()",
        1,
    ),
    "cleared afterwards": (
        f"{ADAM}; loss.backward(); self.optimizer.step(); self.optimizer.zero_grad()",
        1,
    ),
    "twice": (f"{ADAM}; loss.backward(); self.optimizer.step(); self.optimizer.step()", 2),
}


@pytest.mark.parametrize("kind", STEPS)
def test_the_gradients_of_a_step_are_seen(loaded, scenarios, kind):
    deed, steps = STEPS[kind]
    worker = loaded("dqn_agent", {"DQNAgent.update": f"{deed}\n        return 1.5"})
    trace = worker.ask(scenarios.agent(Update(batch_size=4)), AgentTrace)
    assert trace.raised is None
    updated = trace.results[0]
    assert updated.steps == steps
    states = to_numpy(scenarios.transitions(4).states)
    expected = [
        np.tile(states.sum(0), (2, 1)),
        [4, 4],
        np.tile((states**2).sum(0), (2, 1)),
        [4, 4],
    ]
    for got, wanted in zip(updated.gradients, expected, strict=True):
        np.testing.assert_allclose(to_numpy(got), wanted, rtol=1e-5)
    assert updated.sample_calls == [4]
    assert updated.returned.number == 1.5
    assert not updated.target_has_gradient


def test_no_step_and_no_gradient_are_told(loaded, scenarios):
    worker = loaded("dqn_agent", {"DQNAgent.update": "return 0.0"})
    updated = worker.ask(scenarios.agent(Update(batch_size=4)), AgentTrace).results[0]
    assert (updated.steps, updated.gradients, updated.sample_calls) == (0, None, [])
    worker = loaded("dqn_agent", {"DQNAgent.update": "self.optimizer.step(); return 0.0"})
    updated = worker.ask(scenarios.agent(Update(batch_size=4)), AgentTrace).results[0]
    assert (updated.steps, updated.gradients) == (1, [None] * 4)


def test_hooks_do_not_outlive_their_update(loaded, scenarios):
    worker = loaded("dqn_agent")
    trace = worker.ask(scenarios.agent(*[Update(batch_size=4)] * 5), AgentTrace)
    assert [result.steps for result in trace.results] == [1] * 5


def test_batches_are_clones_served_in_order(loaded, scenarios):
    deed = (
        "batch = self.buffer.sample(batch_size); told = batch[0][:, 0].tolist()\n"
        "        told += self.buffer.sample(batch_size)[0][:, 0].tolist()\n"
        "        [field.zero_() for field in batch]; return told"
    )
    worker = loaded("dqn_agent", {"DQNAgent.update": deed})
    operations = [Update(batch_size=2)] * 2
    trace = worker.ask(scenarios.agent(*operations, rows=4), AgentTrace)
    column = to_numpy(scenarios.transitions(4).states)[:, 0]
    for updated in trace.results:
        assert [item.number for item in updated.returned.items] == pytest.approx(column)
        assert updated.sample_calls == [2, 2]


def test_the_stand_in_buffer_speaks_as_the_assignment_says(loaded, scenarios):
    deed = (
        "self.buffer.push([0.0] * 3, 0, 0.0, [0.0] * 3, 0.0); n = len(self.buffer)\n"
        "        return [n] + [list(f.shape) + [str(f.dtype)] for f in self.buffer.sample(3)]"
    )
    worker = loaded("dqn_agent", {"DQNAgent.update": deed})
    returned = worker.ask(scenarios.agent(Update(batch_size=3)), AgentTrace).results[0].returned
    assert returned.items[0].number == 5
    told = [[inner.text.strip("'") for inner in item.items] for item in returned.items[1:]]
    assert told == [
        ["3", "3", "torch.float32"],
        ["3", "torch.int64"],
        ["3", "torch.float32"],
        ["3", "3", "torch.float32"],
        ["3", "torch.float32"],
    ]


def test_asking_the_stand_in_for_too_much_raises(loaded, scenarios):
    worker = loaded("dqn_agent")
    raised = worker.ask(scenarios.agent(Update(batch_size=9)), AgentTrace).raised
    assert raised.type == "ValueError"
    assert raised.message == "sample larger than what is stored: asked for 9, stored 4"
    filled = Fill(transitions=scenarios.transitions(9), stored=9)
    trace = worker.ask(scenarios.agent(filled, Update(batch_size=9)), AgentTrace)
    assert trace.raised is None


def test_weights_are_set_in_place_and_read_again(loaded, scenarios):
    worker = loaded("dqn_agent")
    weights = [from_numpy(np.full(s, 2.0, np.float32)) for s in ((2, 3), (2,), (2, 3), (2,))]
    set_target = SetWeights(network="target_net", weights=weights)
    step = OptimizerStep(gradients=weights)
    trace = worker.ask(scenarios.agent(set_target, step, Sync()), AgentTrace)
    after_set, after_step, after_sync = (result.state for result in trace.results)
    assert after_set.target_weights == weights
    assert after_set.q_weights == trace.initial.q_weights
    for before, after in zip(after_set.q_weights, after_step.q_weights, strict=True):
        # Adam's first step is lr (0.1) against the gradient's sign.
        np.testing.assert_allclose(to_numpy(before) - to_numpy(after), 0.1, rtol=1e-4)
    assert after_sync.target_weights == after_step.q_weights
    assert (after_sync.lr, after_sync.gamma) == (0.1, 0.5)
    assert not after_sync.optimizer_owns_target

"""What is seen of backward passes and steps during a call of `update`, without touching them."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from grader.protocol.arrays import from_numpy, to_numpy
from grader.protocol.messages import OptimizerStep, Sync, Update
from grader.worker import standins
from grader.worker.play_agent import play_agent
from grader.worker.torch_setup import seed_generators

IMPORTS = "from q_network import QNetwork\nfrom replay_buffer import ReplayBuffer\n"
ADAM = "torch.optim.Adam(self.q_net.parameters(), lr=lr)"
LOSS = "loss = self.q_net(self.buffer.sample(batch_size)[0]).sum(); self.optimizer.zero_grad()"
ZERO = "self.optimizer.zero_grad()"
STEP = "self.optimizer.step()"


@pytest.fixture
def played(sources, scenarios):
    """`played(deed, *operations)` is the trace of an agent, in this process, whose update does
    this; `optimizer` is made in its place."""

    def play(deed, *operations, optimizer=ADAM):
        source = sources({"DQNAgent.update": deed} if deed else {})["dqn_agent"]
        assert IMPORTS in source
        source = source.replace(IMPORTS, "").replace(ADAM, optimizer)
        names = {"QNetwork": standins.QNetwork, "ReplayBuffer": standins.ReplayBuffer}
        exec(source, names)
        play.agents = []

        def build(*args, **settings):
            play.agents.append(names["DQNAgent"](*args, **settings))
            return play.agents[0]

        submission = SimpleNamespace(get=lambda _module, _name: build, folder=Path("/nowhere"))
        seed_generators(0)
        return play_agent(submission, scenarios.agent(*operations or [Update(batch_size=4)]))

    return play


def lines(*parts):
    """A deed of several lines, which returns a number."""
    return "\n        ".join([*parts, "return 1.5"])


SEEN = {
    "an update": (lines(LOSS, "loss.backward()", STEP), (True, True, 1)),
    "nothing": (lines(), (False, False, 0)),
    "no backward": (lines(LOSS, STEP), (False, False, 1)),
    "no step": (lines(LOSS, "loss.backward()"), (True, True, 0)),
    "cleared too late": (lines(LOSS, "loss.backward()", ZERO, STEP), (True, True, 1)),
    "set to zero too late": (
        lines(LOSS, "loss.backward()", "self.optimizer.zero_grad(set_to_none=False)", STEP),
        (True, True, 1),
    ),
    "a loss cut off": (
        lines(LOSS, "loss = loss.detach().requires_grad_()", "loss.backward()", STEP),
        (True, False, 1),
    ),
    "a prediction made anew": (
        lines(LOSS, "loss = torch.tensor([loss.item()], requires_grad=True).sum()").replace(
            "return", "loss.backward(); return"
        ),
        (True, False, 0),
    ),
    "the other network": (
        lines("self.target_net(self.buffer.sample(4)[0]).sum().backward()", STEP),
        (True, False, 1),
    ),
    "one parameter": (
        lines(LOSS, "loss.backward(inputs=[self.q_net.direct.bias])", STEP),
        (True, True, 1),
    ),
    "torch.autograd.backward": (
        lines(LOSS, "torch.autograd.backward([loss])", STEP),
        (True, True, 1),
    ),
    "torch.autograd.grad, unused": (
        lines(LOSS, "torch.autograd.grad(loss, list(self.q_net.parameters()))"),
        (True, True, 0),
    ),
    "torch.autograd.grad, used": (
        lines(
            LOSS,
            "parameters = list(self.q_net.parameters())",
            "for p, g in zip(parameters, torch.autograd.grad(loss, parameters)): p.grad = g",
            STEP,
        ),
        (True, True, 1),
    ),
    "a closure": (
        lines(
            "s = self.buffer.sample(batch_size)[0]",
            "def closure():",
            "    self.optimizer.zero_grad()",
            "    loss = self.q_net(s).sum()",
            "    loss.backward()",
            "    return loss",
            "self.optimizer.step(closure)",
        ),
        (True, True, 1),
    ),
    "a frozen network": (
        lines("[p.requires_grad_(False) for p in self.q_net.parameters()]", STEP),
        (False, False, 1),
    ),
}


@pytest.mark.parametrize(("deed", "seen"), SEEN.values(), ids=SEEN)
def test_passes_and_steps_are_seen(played, deed, seen):
    trace = played(deed)
    assert trace.raised is None
    updated = trace.results[0]
    assert (updated.backward, updated.reached, updated.steps) == seen
    assert updated.returned.number == 1.5


@pytest.mark.parametrize("deed", [deed for deed, _seen in SEEN.values()], ids=SEEN)
def test_nothing_of_the_watching_is_left(played, deed):
    functions = torch.autograd.backward, torch.autograd.grad
    played(deed)
    assert (torch.autograd.backward, torch.autograd.grad) == functions
    (agent,) = played.agents
    assert not any(p._backward_hooks for p in agent.q_net.parameters())


@pytest.mark.parametrize("error", ["raise ValueError('no')", "raise SystemExit", "loss.nothing"])
def test_nothing_is_left_after_an_exception(played, error):
    functions = torch.autograd.backward, torch.autograd.grad
    trace = played(lines(LOSS, "loss.backward()", error))
    assert trace.raised is not None
    assert (torch.autograd.backward, torch.autograd.grad) == functions
    (agent,) = played.agents
    assert not any(p._backward_hooks for p in agent.q_net.parameters())
    # Nor does a later step of any optimizer run into the watching.
    later = played("")
    assert later.results[0].steps == 1


def test_a_pass_that_raises_was_one(played):
    twice = lines(LOSS, "loss.backward()", "loss.backward()").replace(
        "loss.backward()\n        return",
        "try: loss.backward()\n        except RuntimeError: return",
    )
    assert played(twice).results[0].backward is True


def test_gradients_are_what_they_are_without_watching(played, scenarios):
    updated = played(SEEN["an update"][0]).results[0]
    states = to_numpy(scenarios.transitions(4).states)
    got = [to_numpy(g) for g in updated.gradients]
    np.testing.assert_allclose(got[0], np.tile(states.sum(0), (2, 1)), rtol=1e-5)
    np.testing.assert_allclose(got[3], [4, 4])


def test_each_call_is_seen_for_itself(played):
    deed = lines(
        "self.n = getattr(self, 'n', 0) + 1",
        LOSS,
        "if self.n != 2: loss.backward()",
        STEP,
    )
    trace = played(deed, *[Update(batch_size=4)] * 3)
    assert [(u.backward, u.reached) for u in trace.results] == [
        (True, True),
        (False, False),
        (True, True),
    ]
    # Of several calls in one, the last is looked at.
    (last,) = played(deed, Update(batch_size=4, times=2)).results
    assert (last.backward, last.reached, last.steps) == (False, False, 1)


def test_a_network_frozen_before_the_call_is_no_obstacle(played):
    trace = played(SEEN["a frozen network"][0], *[Update(batch_size=4)] * 2)
    assert trace.raised is None
    assert [(u.backward, u.reached) for u in trace.results] == [(False, False)] * 2


# --- maximising ---

CLIMBING = ADAM.replace("lr=lr", "lr=lr, maximize=True")
DOWN = lines(LOSS, "loss.backward()", STEP)
UP = DOWN.replace("loss.backward()", "(-loss).backward()")
GRADIENTS = [from_numpy(np.full(s, g, np.float32)) for s, g in (((2, 3), 1), ((2,), -2)) * 2]


def test_climbing_the_negated_loss_is_descending(played):
    operations = [Update(batch_size=4), Sync(), Update(batch_size=2, times=3)]
    down = played(DOWN, *operations)
    up = played(UP, *operations, optimizer=CLIMBING)
    assert up.raised is None
    assert up == down
    # What the student's code finds in its parameters is its own.
    (agent,) = played.agents
    assert all((p.grad <= 0).all() for p in agent.q_net.parameters())


def test_a_step_on_given_gradients_goes_the_same_way(played):
    operations = [OptimizerStep(gradients=GRADIENTS)] * 2
    down = played("", *operations)
    up = played("", *operations, optimizer=CLIMBING)
    assert up == down
    before, after = (to_numpy(s.q_weights[0]) for s in (up.initial, up.results[0].state))
    # Against the gradient, by the rate.
    np.testing.assert_allclose(before - after, 0.1, rtol=1e-4)


def test_climbing_the_loss_itself_shows(played):
    down, up = played(DOWN), played(DOWN, optimizer=CLIMBING)
    for one, two in zip(down.results[0].gradients, up.results[0].gradients, strict=True):
        np.testing.assert_array_equal(to_numpy(one), -to_numpy(two))


def test_no_gradients_stay_none_when_climbing(played):
    updated = played(lines(STEP), optimizer=CLIMBING).results[0]
    assert (updated.steps, updated.gradients) == (1, [None] * 4)

"""Each variation does what its name says, and nothing else."""

import numpy as np
import pytest
import torch

from grader.lab.experiments import EXPERIMENTS
from grader.lab.setting import Setting
from grader.lab.training.variations import VARIATIONS, Baseline, Step

SETTING = Setting()


def step(n, *, terminated=False, truncated=False):
    """Transition number n; its numbers tell which it is."""
    state = np.array([n, 0.1, -0.2, 0.3], np.float32)
    return Step(state, n % 2, 1.0, state + np.float32(0.5), terminated, truncated)


def made(name, new_agent, setting=SETTING, transitions=200):
    variation = VARIATIONS[name](new_agent(lr=setting.lr, gamma=setting.gamma), setting)
    for n in range(transitions):
        variation.store(step(n / 100, terminated=n % 10 == 9))
    return variation


def weights(network):
    return [w.detach().clone() for w in network.parameters()]


def equal(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_every_experiment_has_its_variation():
    assert [e.id for e in EXPERIMENTS] == list(VARIATIONS)
    assert VARIATIONS["baseline"] is Baseline


# --- what is stored -------------------------------------------------------------------------------


def stored(name, new_agent, **ends):
    """The d that comes out of the buffer."""
    variation = VARIATIONS[name](new_agent(), SETTING)
    variation.store(step(1, **ends))
    return variation.agent.buffer.sample(1)[-1].item()


@pytest.mark.parametrize(
    ("name", "fallen", "cut_off"),
    [("baseline", 1.0, 0.0), ("no-terminal-mask", 0.0, 0.0), ("truncation-ends", 1.0, 1.0)],
)
def test_what_counts_as_an_end(name, fallen, cut_off, new_agent):
    assert stored(name, new_agent, terminated=True) == fallen
    assert stored(name, new_agent, truncated=True) == cut_off
    assert stored(name, new_agent) == 0.0


@pytest.mark.parametrize(
    ("name", "ends", "bootstraps"),
    [
        ("baseline", {"terminated": True}, False),
        ("baseline", {"truncated": True}, True),
        ("no-terminal-mask", {"terminated": True}, True),
        ("truncation-ends", {"truncated": True}, False),
    ],
)
def test_targets_at_an_end(name, ends, bootstraps, new_agent):
    """The loss of a batch of one is (target − prediction)²."""
    variation = VARIATIONS[name](new_agent(gamma=0.9), SETTING)
    agent, only = variation.agent, step(1, **ends)
    variation.store(only)
    with torch.no_grad():
        prediction = agent.q_net(torch.as_tensor(only.state)[None])[0, only.action].item()
        best = agent.target_net(torch.as_tensor(only.next_state)[None]).max().item()
    target = 1.0 + 0.9 * best if bootstraps else 1.0
    assert agent.update(1) == pytest.approx((target - prediction) ** 2, rel=1e-5)


# --- what is learned from -------------------------------------------------------------------------


def numbers(variation):
    """The transitions of a batch, as the first number of their states."""
    return sorted(variation.agent.buffer.sample(variation.batch_size)[0][:, 0].tolist())


def test_the_baseline_draws_from_all_of_the_past(new_agent):
    drawn = {n for _ in range(20) for n in numbers(made("baseline", new_agent))}
    assert min(drawn) < 0.2
    assert max(drawn) > 1.8


def test_the_newest_transition_alone(new_agent):
    variation = made("newest-transition", new_agent)
    assert variation.batch_size == 1
    assert numbers(variation) == pytest.approx([1.99])
    variation.store(step(7))
    assert numbers(variation) == [7]


def test_the_newest_batch(new_agent):
    variation = made("newest-batch", new_agent)
    newest = [n / 100 for n in range(200 - 64, 200)]
    assert numbers(variation) == pytest.approx(newest)
    variation.store(step(7))
    assert numbers(variation) == pytest.approx([*newest[1:], 7])


@pytest.mark.parametrize("name", ["newest-transition", "newest-batch"])
def test_without_replay_there_is_still_something_learned(name, new_agent):
    variation = made(name, new_agent)
    before = weights(variation.agent.q_net)
    variation.learn()
    assert not equal(before, weights(variation.agent.q_net))


# --- where targets come from ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "every"),
    [
        ("baseline", 20),
        ("copy-every-update", 1),
        ("copy-every-100", 100),
        ("copy-every-1000", 1000),
    ],
)
def test_the_target_is_copied_when_it_is_due(name, every, new_agent, monkeypatch):
    variation = made(name, new_agent)
    copied = []
    monkeypatch.setattr(variation.agent, "update", lambda size: 0.0)
    monkeypatch.setattr(variation.agent, "update_target", lambda: copied.append(variation.updates))
    for _ in range(2_000):
        variation.learn()
    assert copied == list(range(every, 2_001, every))


def test_between_copies_the_target_network_stands_still(new_agent):
    variation = made("baseline", new_agent)
    first = weights(variation.agent.target_net)
    for _ in range(19):
        variation.learn()
        assert equal(first, weights(variation.agent.target_net))
    variation.learn()
    assert equal(weights(variation.agent.q_net), weights(variation.agent.target_net))


def test_without_a_target_network_the_answer_moves_at_once(new_agent):
    variation = made("no-target-network", new_agent)
    agent = variation.agent
    assert agent.target_net is agent.q_net
    states = agent.buffer.sample(8)[3]
    before = agent.target_net(states).detach()
    variation.learn()
    assert not torch.equal(before, agent.target_net(states))


def test_a_copy_at_every_update_is_the_same_as_no_target_network(new_agent):
    ends = []
    for name in ("no-target-network", "copy-every-update"):
        variation = made(name, new_agent)
        for _ in range(30):
            variation.learn()
        ends.append(weights(variation.agent.q_net))
    assert equal(*ends)


def test_other_variations_do_not_end_alike(new_agent):
    ends = {}
    for name in VARIATIONS:
        variation = made(name, new_agent)
        for _ in range(101):
            variation.learn()
        ends[name] = weights(variation.agent.q_net)
    alike = {
        (a, b) for a in ends for b in ends if a < b and equal(ends[a], ends[b])
    }  # nothing was truncated, and the first 1,000th update is to come
    assert alike == {("copy-every-update", "no-target-network"), ("baseline", "truncation-ends")}

"""The worker's side of the CartPole run: the student's own classes, batches as they were drawn."""

import numpy as np
import pytest

from grader.protocol.arrays import from_numpy, to_numpy
from grader.protocol.messages import Advance, Advanced, BeginRun, RunBegun

WEIGHTS = np.arange(8, dtype=np.float32) / 8  # one layer from 3 to 2


@pytest.fixture
def begun(submit, sources, load):
    """`begun(deeds)` is a worker whose run has begun with `WEIGHTS`, and the reply to that."""

    def begun(deeds=None, weights=WEIGHTS, seed=None):
        worker = submit(**sources(deeds))
        for module in ("q_network", "replay_buffer", "dqn_agent"):
            siblings = {}
            from grader.protocol.messages import Load, Loaded

            request = Load(module=module, siblings=siblings)
            assert worker.ask(request, Loaded).raised is None
        request = BeginRun(
            state_dim=3, action_dim=2, lr=0.1, gamma=0.5, weights=from_numpy(weights), seed=seed
        )
        return worker, worker.ask(request, RunBegun)

    return begun


def advance(scenarios, updates, before=0, count=4, sync_every=2):
    transitions = scenarios.transitions(count)
    return Advance(
        transitions=transitions if count else None,
        updates=updates,
        updates_before=before,
        sync_every=sync_every,
        batch_size=4,
        states=scenarios.transitions(3).states,
        epsilon=0.0,
    )


def test_the_run_uses_own_classes_and_the_given_weights(begun):
    _worker, reply = begun()
    assert reply.raised is None
    assert [(p.name, p.value.shape) for p in reply.parameters] == [
        ("layer.weight", (2, 3)),
        ("layer.bias", (2,)),
    ]
    np.testing.assert_array_equal(to_numpy(reply.weights), WEIGHTS)


def test_weights_that_do_not_fit_are_told(begun):
    _worker, reply = begun(weights=np.zeros(9, np.float32))
    assert reply.raised.message == "QNetwork has 8 parameters, 9 are to be set"
    assert reply.raised.during == "building DQNAgent"


def test_lockstep_continues_from_the_one_before(begun, scenarios):
    worker, _reply = begun()
    first = worker.ask(advance(scenarios, updates=2), Advanced)
    second = worker.ask(advance(scenarios, updates=1, before=2, count=0), Advanced)
    assert first.raised is None
    assert second.raised is None
    assert [len(first.updates), len(second.updates)] == [2, 1]
    weights = [to_numpy(u.weights) for u in (*first.updates, *second.updates)]
    for before, after in zip([WEIGHTS, *weights], weights, strict=False):
        assert 0 < np.abs(after - before).max() < 0.2
    assert all(action in (0, 1) for action in first.actions)
    assert len(first.actions) == 3


def test_the_batch_is_told_as_drawn_before_it_is_changed(begun, scenarios):
    spoil = (
        "batch = self.buffer.sample(batch_size); [field.zero_() for field in batch]\n"
        "        return 0.5"
    )
    worker, _reply = begun({"DQNAgent.update": spoil})
    reply = worker.ask(advance(scenarios, updates=1), Advanced)
    (batch,) = reply.updates[0].batches
    served = to_numpy(scenarios.transitions(4).states)
    drawn = to_numpy(batch[0])
    assert sorted(map(tuple, drawn)) == sorted(map(tuple, served))
    assert reply.updates[0].loss == 0.5
    np.testing.assert_array_equal(to_numpy(reply.updates[0].weights), WEIGHTS)


@pytest.mark.parametrize(
    "place",
    [
        "self.buffer.sample = type(self.buffer).sample.__get__(self.buffer)",
        "self.buffer.__class__ = type('Sub', (type(self.buffer),), {})",
    ],
    ids=["on the instance", "inherited"],
)
def test_sample_is_captured_where_it_is_found(begun, scenarios, place):
    deed = (
        f"{place}\n        seen = self.__dict__.setdefault('seen', [])\n"
        "        seen.append(len(self.buffer.sample(2)))"
    )
    worker, _reply = begun({"DQNAgent.select_action": deed})
    for step in range(2):
        reply = worker.ask(advance(scenarios, updates=2, before=2 * step), Advanced)
        assert reply.raised is None
        assert [len(update.batches) for update in reply.updates] == [1, 1]


def test_the_target_is_copied_after_every_so_many_updates(begun, scenarios):
    worker, _reply = begun({"DQNAgent.update_target": "print('sync')"})
    worker.take_output()
    worker.ask(advance(scenarios, updates=5, before=1), Advanced)
    assert worker.take_output() == "sync\n" * 3


def test_what_was_reached_before_an_exception_is_told(begun, scenarios):
    deed = "self.n = getattr(self, 'n', 0) + 1; assert self.n < 3, 'third'"
    worker, _reply = begun({"DQNAgent.update": deed})
    reply = worker.ask(advance(scenarios, updates=5), Advanced)
    assert len(reply.updates) == 2
    assert reply.actions == []
    assert (reply.raised.message, reply.raised.during) == ("third", "DQNAgent.update(4)")


def test_losses_that_are_no_numbers_are_none(begun, scenarios):
    for answer, loss in (("None", None), ("'1'", 1.0), ("object()", None), ("1e400", np.inf)):
        worker, _reply = begun({"DQNAgent.update": f"return {answer}"})
        reply = worker.ask(advance(scenarios, updates=1), Advanced)
        assert reply.updates[0].loss == loss
        assert reply.updates[0].batches == []


def test_the_luck_of_a_run_comes_from_its_seed(begun, scenarios):
    draw = (
        "import random, secrets, numpy, torch; print(random.random(), numpy.random.rand(),"
        " torch.rand(1), numpy.random.default_rng().random(), secrets.token_hex(4))"
    )
    told = []
    for seed in (1, 1, 2, None):
        worker, _reply = begun({"DQNAgent.select_action": draw}, seed=seed)
        worker.ask(advance(scenarios, updates=0), Advanced)
        told.append(worker.take_output().split())
    first, again, other, usual = told
    assert first == again
    for one, two in ((first, other), (first, usual), (other, usual)):
        assert all(a != b for a, b in zip(one, two, strict=True))

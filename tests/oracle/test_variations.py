"""Every known misconception, written as the torch code that students write, does the same."""

import inspect

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from grader.oracle.catalogue import combine, pairs, variations
from grader.oracle.dqn import Batch, Learner
from grader.oracle.models import LinearSquares
from grader.rubric import load_rubric

LR, GAMMA = 0.02, 0.85


class Agent:
    """An agent in torch. What it does at each stage is looked up in `ways`, then in `USUAL`."""

    def __init__(self, q, target, kind, ways):
        self.q = [torch.tensor(w, requires_grad=True) for w in q]
        self.target = [torch.tensor(w) for w in target]
        self.kind = kind
        self.ways = ways
        self.optimizer = self.do("optimizer")

    def do(self, stage, *arguments):
        return self.ways.get(stage, USUAL[stage])(self, *arguments)

    def net(self, weights, states):
        a, b, c, d = weights
        return F.linear(states, a, b) + F.linear(states * states, c, d)

    def loss(self, b, o):
        prediction = self.do("predict", b, self.net(self.q, b.states))
        with torch.set_grad_enabled(self.do("graph")):
            target = self.do("target", o, self.do("best", o, self.do("next_values", o)))
        self.prediction, self.y = prediction, target
        return self.do("criterion", prediction, target)

    def update(self, b, o):
        self.do("before")
        losses = []
        for _ in range(self.do("rounds")):
            loss = self.loss(*self.do("batches", b, o))
            losses.append(loss.item())
            self.do("zero_grad")
            loss.backward()
            self.do("clip")
            gradients = [p.grad.clone() for p in self.q]
            self.do("step")
        self.do("after")
        returned = self.do("returned", losses, b, o)
        return returned, gradients

    def sync(self):
        self.do("sync")


def mse(prediction, target):
    return ((prediction - target) ** 2).mean()


USUAL = {
    "optimizer": lambda a: torch.optim.Adam(a.q, lr=LR),
    "graph": lambda a: False,
    "before": lambda a: None,
    "rounds": lambda a: 1,
    "batches": lambda a, b, o: (b, b),
    "predict": lambda a, b, q: q.gather(1, b.actions[:, None]).squeeze(1),
    "next_values": lambda a, b: a.net(a.target, b.next_states),
    "best": lambda a, b, v: v.max(dim=1).values,
    "target": lambda a, b, v: b.rewards + GAMMA * (1 - b.dones) * v,
    "criterion": lambda a, p, y: mse(p, y),
    "zero_grad": lambda a: a.optimizer.zero_grad(),
    "clip": lambda a: nn.utils.clip_grad_norm_(a.q, 10.0),
    "step": lambda a: a.optimizer.step(),
    "after": lambda a: None,
    "sync": lambda a: copy_q(a),
    "returned": lambda a, losses, b, o: losses[-1],
}


def column(index):
    return {"predict": lambda a, b, q: q[torch.arange(len(q)), index(b, q)]}


def target(build):
    return {"target": build}


def rewards(change):
    return {"target": lambda a, b, v: change(a, b) + GAMMA * (1 - b.dones) * v}


def returns(what):
    """What is returned: a number or a tensor without a graph."""
    return {"returned": lambda *seen: torch.as_tensor(what(*seen)).detach()}


def own_values(a, b):
    return a.net(a.q, b.next_states).detach()


def double(chooser, valuer):
    def best(a, b, _values):
        index = a.net(getattr(a, chooser), b.next_states).argmax(dim=1, keepdim=True)
        return a.net(getattr(a, valuer), b.next_states).gather(1, index).squeeze(1)

    return {"best": best}


def copy_q(a):
    a.target = [p.detach().clone() for p in a.q]


def one_network(a):
    """Both names for one network, whose weights are those that were loaded last."""
    with torch.no_grad():
        for p, t in zip(a.q, a.target, strict=True):
            p.copy_(t)
    a.target = a.q
    return torch.optim.Adam(a.q, lr=LR)


def soft(a):
    tau = a.kind.tau
    a.target = [tau * p.detach() + (1 - tau) * t for p, t in zip(a.q, a.target, strict=True)]


def new_optimizer(a):
    torch.optim.Adam(a.q, lr=LR).step()


def twice(a):
    a.optimizer.step()
    a.optimizer.step()


def clip_always(a):
    norm = torch.sqrt(sum((p.grad**2).sum() for p in a.q))
    for p in a.q:
        p.grad *= 10.0 / norm


def previous_loss(a, losses, b, o):
    before, a.last = getattr(a, "last", 0.0), losses[-1]
    return before


def unchanged(a):
    return None


def copied_anew(a):
    a.target = [w.detach().clone() for w in a.q]


#: What torch code does under each variation, by the variation's class.
WAYS = {
    # --- target ---
    "NoTerminalMask": target(lambda a, b, v: b.rewards + GAMMA * v),
    "MaskInverted": target(lambda a, b, v: b.rewards + GAMMA * b.dones * v),
    "MaskCoversReward": target(lambda a, b, v: (1 - b.dones) * (b.rewards + GAMMA * v)),
    "MaskAdded": target(lambda a, b, v: b.rewards + GAMMA * v + (1 - b.dones)),
    "MaskAddedInside": target(lambda a, b, v: b.rewards + GAMMA * (v + (1 - b.dones))),
    "MaskFactorAdded": target(lambda a, b, v: b.rewards + (GAMMA + (1 - b.dones)) * v),
    "GammaMissing": target(lambda a, b, v: b.rewards + (1 - b.dones) * v),
    "GammaHardcoded": target(lambda a, b, v: b.rewards + a.kind.constant * (1 - b.dones) * v),
    "GammaScalesReward": target(lambda a, b, v: GAMMA * (b.rewards + (1 - b.dones) * v)),
    "TargetSign": target(lambda a, b, v: b.rewards - GAMMA * (1 - b.dones) * v),
    "TargetFromQNet": {"next_values": own_values},
    "TargetNotDetached": {
        "next_values": lambda a, b: a.net(a.q, b.next_states),
        "graph": lambda a: True,
    },
    "DoubleDQN": double("q", "target"),
    "DoubleDQNReversed": double("target", "q"),
    "TargetOnStates": {"next_values": lambda a, b: a.net(a.target, b.states)},
    "MaxOverBatch": {"best": lambda a, b, v: v.max(dim=0).values},
    "MaxOverBatchInGreedyColumn": {
        "best": lambda a, b, v: v.max(dim=0).values[v.argmax(dim=1)],
    },
    "MaxOverBatchInStoredColumn": {"best": lambda a, b, v: v.max(dim=0).values[b.actions]},
    "MaxOverBatchKept": {
        "predict": lambda a, b, q: q.gather(1, b.actions[:, None]),
        "best": lambda a, b, v: v.max(dim=0, keepdim=True).values,
        "target": lambda a, b, v: b.rewards[:, None] + GAMMA * (1 - b.dones)[:, None] * v,
    },
    "MaxOverAll": {"best": lambda a, b, v: v.max()},
    "MinOverActions": {"best": lambda a, b, v: v.min(dim=1).values},
    "MeanOverActions": {"best": lambda a, b, v: v.mean(dim=1)},
    "SumOverNextActions": {"best": lambda a, b, v: v.sum(dim=1)},
    "ArgmaxAsValue": {"best": lambda a, b, v: v.argmax(dim=1)},
    "StoredActionBootstrap": {"best": lambda a, b, v: v.gather(1, b.actions[:, None])[:, 0]},
    "RewardClipped": rewards(lambda a, b: b.rewards.clamp(-1, 1)),
    "RewardSign": rewards(lambda a, b: b.rewards.sign()),
    "RewardTanh": rewards(lambda a, b: b.rewards.tanh()),
    "RewardScaled": rewards(lambda a, b: b.rewards * a.kind.factor),
    "DonePenalty": rewards(lambda a, b: b.rewards.masked_fill(b.dones > 0, a.kind.penalty)),
    "DoneExtraPenalty": rewards(lambda a, b: b.rewards + a.kind.penalty * b.dones),
    # --- prediction ---
    "PredictsMax": {"predict": lambda a, b, q: q.max(dim=1).values},
    "PredictsFirst": {"predict": lambda a, b, q: q[:, 0]},
    "PredictsLast": {"predict": lambda a, b, q: q[:, -1]},
    "PredictsSecond": {"predict": lambda a, b, q: q[:, 1]},
    "PredictsNeighbour": column(lambda b, q: (b.actions + 1) % q.shape[1]),
    "PredictsOtherNeighbour": column(lambda b, q: b.actions - 1),
    "PredictsMirrored": column(lambda b, q: q.shape[1] - 1 - b.actions),
    "PredictsModuloTwo": column(lambda b, q: b.actions % 2),
    "PredictsFirstTwo": column(lambda b, q: b.actions.clamp(max=1)),
    "PredictsWorst": {"predict": lambda a, b, q: q.min(dim=1).values},
    "PredictsRowZeroAction": {"predict": lambda a, b, q: q[:, b.actions[0]]},
    "PredictsReversedActions": column(lambda b, q: b.actions.flip(0)),
    "PredictsRolledActions": column(lambda b, q: b.actions.roll(1)),
    "SumOverActions": {"predict": lambda a, b, q: q.sum(dim=1)},
    "SumOverBatchActions": {"predict": lambda a, b, q: q[:, b.actions].sum(dim=1)},
    "MeanOverPredicted": {"predict": lambda a, b, q: q.mean(dim=1)},
    "SumOverBatch": {"predict": lambda a, b, q: q.gather(1, b.actions[:, None]).sum()},
    "GatherWrongDim": {"predict": lambda a, b, q: q.gather(0, b.actions[:, None])[:, 0]},
    "GatherWrongDimRow": {"predict": lambda a, b, q: q.gather(0, b.actions[None, :])[0]},
    "Broadcast": {"predict": lambda a, b, q: q.gather(1, b.actions[:, None])},
    "BroadcastNextValues": {"best": lambda a, b, v: v.max(dim=1, keepdim=True).values},
    "BroadcastNextValuesColumn": {
        "predict": lambda a, b, q: q.gather(1, b.actions[:, None]),
        "best": lambda a, b, v: v.max(dim=1, keepdim=True).values,
    },
    # --- loss ---
    "Huber": {"criterion": lambda a, p, y: F.smooth_l1_loss(p, y)},
    "HuberDoubled": {"criterion": lambda a, p, y: 2 * F.smooth_l1_loss(p, y)},
    "LossSumQuietly": {
        "criterion": lambda a, p, y: F.mse_loss(p, y, reduction="sum"),
        "returned": lambda a, losses, b, o: losses[0] / len(b),
    },
    "LossHalvedQuietly": {
        "criterion": lambda a, p, y: 0.5 * F.mse_loss(p, y),
        "returned": lambda a, losses, b, o: 2 * losses[0],
    },
    "LossSum": {"criterion": lambda a, p, y: F.mse_loss(p, y, reduction="sum")},
    "LossHalved": {"criterion": lambda a, p, y: 0.5 * F.mse_loss(p, y)},
    "LossL1": {"criterion": lambda a, p, y: F.l1_loss(p, y)},
    "LossUnsquared": {"criterion": lambda a, p, y: (y - p).mean()},
    "LossUnsquaredReversed": {"criterion": lambda a, p, y: (p - y).mean()},
    "LossSquaredMean": {"criterion": lambda a, p, y: (p - y).mean() ** 2},
    "Maximises": {"criterion": lambda a, p, y: -F.mse_loss(p, y)},
    "MaximisesQuietly": {
        "criterion": lambda a, p, y: -F.mse_loss(p, y),
        "returned": lambda a, losses, b, o: -losses[-1],
    },
    # --- step ---
    "NoZeroGrad": {"zero_grad": unchanged},
    "NoStep": {"step": unchanged},
    "StepsTwice": {"step": twice},
    "UpdatesTwice": {"rounds": lambda a: 2},
    "UpdatesTwiceFirstLoss": {
        "rounds": lambda a: 2,
        "returned": lambda a, losses, b, o: losses[0],
    },
    "NewOptimizer": {"step": new_optimizer},
    "NoClip": {"clip": unchanged},
    "ClipByValue": {"clip": lambda a: nn.utils.clip_grad_value_(a.q, a.kind.bound)},
    "ClipWrongNorm": {"clip": lambda a: nn.utils.clip_grad_norm_(a.q, a.kind.bound)},
    "ClipAlways": {"clip": clip_always},
    # --- what is returned, drawn, left alone ---
    "ReturnsMeanError": returns(lambda a, losses, b, o: (a.y - a.prediction).mean()),
    "ReturnsMeanAbsoluteError": returns(lambda a, losses, b, o: F.l1_loss(a.prediction, a.y)),
    "ReturnsRoot": returns(lambda a, losses, b, o: losses[0] ** 0.5),
    "ReturnsSum": returns(lambda a, losses, b, o: ((a.prediction - a.y) ** 2).sum()),
    "ReturnsHalf": returns(lambda a, losses, b, o: losses[0] / 2),
    "ReturnsZero": returns(lambda a, losses, b, o: 0.0),
    "ReturnsMeanPrediction": returns(lambda a, losses, b, o: a.prediction.mean()),
    "ReturnsMeanTarget": returns(lambda a, losses, b, o: a.y.mean()),
    "ReturnsPreviousLoss": returns(previous_loss),
    "ReturnsRounded": returns(lambda a, losses, b, o: round(losses[0], a.kind.digits)),
    "ReturnsLossAfter": returns(lambda a, losses, b, o: a.loss(b, b)),
    "SyncsTarget": {"after": copy_q},
    "SyncsTargetFirst": {"before": copy_q},
    "SoftSync": {"after": soft},
    "SamplesTwice": {"batches": lambda a, b, o: (b, o)},
    "SamplesTwiceUsesSecond": {"batches": lambda a, b, o: (o, b)},
    "SamplesTwiceWholly": {"batches": lambda a, b, o: (o, o)},
    # --- given code ---
    "TargetIsQNet": {"optimizer": one_network, "sync": unchanged},
    "TargetSharedUntilSync": {"optimizer": one_network, "sync": copied_anew},
    "LearningRateIgnored": {"optimizer": lambda a: torch.optim.Adam(a.q, lr=a.kind.constant)},
    "PlainGradientDescent": {"optimizer": lambda a: torch.optim.SGD(a.q, lr=LR)},
    "RMSProp": {"optimizer": lambda a: torch.optim.RMSprop(a.q, lr=LR)},
    "DecayedWeights": {"optimizer": lambda a: torch.optim.AdamW(a.q, lr=LR)},
}

KINDS = variations()


@pytest.fixture(scope="module")
def rubric():
    return load_rubric()


def named(kind):
    """The variation's class, with its constant."""
    constants = [
        f"{name}={value}"
        for name, value in vars(kind).items()
        if isinstance(value, int | float) and not name.startswith("_")
    ]
    return "-".join((kind.__name__, *constants))


def setting(rows, action_dim, spread):
    """Weights and three batches of 2 · rows transitions."""
    rng = np.random.default_rng((rows, action_dim, int(spread)))
    q, target = (
        [rng.normal(0, 0.7, s) for s in ((action_dim, 3), (action_dim,)) * 2] for _ in range(2)
    )
    pools = [
        Batch(
            rng.normal(0, 1, (2 * rows, 3)),
            rng.permutation(np.arange(2 * rows) % action_dim),
            rng.uniform(-spread, spread, 2 * rows),
            rng.normal(0, 1, (2 * rows, 3)),
            (rng.permutation(2 * rows) % 3 == 0).astype(np.float64),
        )
        for _ in range(3)
    ]
    return q, target, pools


def as_tensors(b):
    return Batch(*(torch.tensor(getattr(b, name)) for name in Batch.__dataclass_fields__))


SETTINGS = {"square": (4, 4, 3.0), "steep": (5, 3, 300.0)}


@pytest.mark.parametrize("shape", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_variation_is_its_torch_code(kind, shape):
    q, weights, pools = setting(*shape)
    rows = shape[0]
    theirs = Agent(q, weights, kind, WAYS[kind.__name__])
    ours = kind(LinearSquares(), q, weights, lr=LR, gamma=GAMMA)
    for n, pool in enumerate(pools):
        b, o = pool.rows(slice(0, rows)), pool.rows(slice(rows, None))
        try:
            returned, gradients = theirs.update(as_tensors(b), as_tensors(o))
        except (RuntimeError, IndexError):
            with pytest.raises((ValueError, IndexError)):
                ours.update(b, o)
            return
        outcome = ours.update(b, o)
        assert outcome.returned == pytest.approx(float(returned), rel=1e-5, abs=1e-9)
        if outcome.gradients is not None:
            for got, expected in zip(outcome.gradients, gradients, strict=True):
                np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-8)
        for got, expected in zip(outcome.q, theirs.q, strict=True):
            np.testing.assert_allclose(got, expected.detach(), rtol=1e-6, atol=1e-6)
        for got, expected in zip(outcome.target, theirs.target, strict=True):
            np.testing.assert_allclose(got, expected.detach(), rtol=1e-6, atol=1e-6)
        if n == 1:
            ours.sync()
            theirs.sync()


def test_every_variation_has_torch_code_and_no_torch_code_is_left_over():
    assert {kind.__name__ for kind in KINDS} == set(WAYS)


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_says_what_it_does_and_which_graded_checks_it_fails(kind, rubric):
    assert inspect.getdoc(kind)
    assert issubclass(kind, Learner)
    assert kind.checks
    for check in kind.checks:
        assert rubric.find(check).part == "update"
        assert rubric.find(check).points > 0


def test_no_two_variations_are_the_same():
    assert len({named(kind) for kind in KINDS}) == len(KINDS)


def test_pairs_are_of_two_codes_and_two_stages():
    found = list(pairs())
    assert len(found) > 1000
    for pair in found[::97]:
        one, two = pair.__bases__
        assert one.code != two.code
        assert pair.code == f"{one.code}+{two.code}"
        assert set(pair.checks) == {*one.checks, *two.checks}


def test_a_pair_gets_both_stages_wrong():
    by_name = {kind.__name__: kind for kind in KINDS}
    pair = combine(by_name["NoTerminalMask"], by_name["LossSum"])
    q, weights, pools = setting(6, 3, 3.0)
    ours = pair(LinearSquares(), q, weights, lr=LR, gamma=GAMMA)
    theirs = Agent(q, weights, pair, WAYS["NoTerminalMask"] | WAYS["LossSum"])
    for pool in pools:
        b = pool.rows(slice(0, 6))
        returned, gradients = theirs.update(as_tensors(b), as_tensors(b))
        outcome = ours.update(b)
        assert outcome.returned == pytest.approx(returned)
        for got, expected in zip(outcome.gradients, gradients, strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-8)

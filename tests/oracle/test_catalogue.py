"""Which variations there are, and which two of them make a pair."""

import itertools

from grader.oracle.catalogue import combine, pairs, variations
from grader.oracle.variation import Variation
from grader.oracle.wrong_loss import Huber, LossSum
from grader.oracle.wrong_target import NoTerminalMask


def test_every_public_class_is_there_once_or_once_per_constant():
    found = variations()
    names = [kind.__name__ for kind in found]
    assert {"NoTerminalMask", "PredictsMax", "Huber", "NoStep", "ReturnsRoot"} <= set(names)
    assert "TargetIsQNet" in names
    assert not [name for name in names if name.startswith("_") or name in ("Variation", "Learner")]
    assert all(issubclass(kind, Variation) for kind in found)
    assert Huber in found
    bases = [kind for kind in found if kind.__module__ != "grader.oracle.catalogue"]
    assert len(set(bases)) == len(bases)


def constants(name, attribute):
    return [getattr(kind, attribute) for kind in variations() if kind.__name__ == name]


def test_what_has_a_constant_is_there_with_each_known_one_and_not_by_itself():
    assert constants("RewardScaled", "factor") == [0.1, 0.01, 0.5, 2.0, 10.0]
    assert constants("ReturnsRounded", "digits") == [0, 1, 2, 3, 4]
    assert constants("LearningRateIgnored", "constant") == [1e-3, 5e-4, 1e-4, 1e-2]


def test_a_pair_has_two_codes_and_the_first_comes_first():
    pair = combine(NoTerminalMask, LossSum)
    assert pair.__name__ == "NoTerminalMaskAndLossSum"
    assert pair.__bases__ == (NoTerminalMask, LossSum)
    assert pair.code == "UPDATE_NO_TERMINAL_MASK+UPDATE_LOSS_SUM"
    assert pair.checks == ("update.terminal", "update.loss")


def test_pairs_differ_in_code_and_share_no_stage():
    made = {pair.__name__ for pair in pairs()}

    def paired(one, two):
        return bool({f"{one}And{two}", f"{two}And{one}"} & made)

    assert paired("NoTerminalMask", "LossSum")
    assert paired("PredictsMax", "SoftSync")
    # One code, or one stage.
    assert not paired("MaskAdded", "MaskAddedInside")
    assert not paired("NoTerminalMask", "MaskCoversReward")
    assert not paired("Huber", "LossL1")
    # A stage that the base class overrides: `step` and `clip`.
    assert not paired("UpdatesTwiceFirstLoss", "NewOptimizer")
    # `update` itself is overridden by the first class, `returned` by its base.
    assert not paired("ReturnsLossAfter", "SyncsTargetFirst")
    assert not paired("ReturnsLossAfter", "MaximisesQuietly")
    # Attributes are no stages.
    assert paired("RewardScaled", "ReturnsRounded")
    assert paired("GammaHardcoded", "LearningRateIgnored")


def test_pairs_are_all_there_are():
    expected = 0
    for one, two in itertools.combinations(variations(), 2):
        expected += one.code != two.code and not stages(one) & stages(two)
    assert len(list(pairs())) == expected


def stages(kind):
    """The public methods between the variation and `Variation`."""
    below = kind.__mro__[: kind.__mro__.index(Variation)]
    return {n for base in below for n, v in vars(base).items() if n[0] != "_" and callable(v)}

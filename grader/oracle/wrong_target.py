"""Misconceptions about the TD target. y: target, r: reward, d: done, v: value of the next state."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from grader.oracle.dqn import Batch
from grader.oracle.models import Floats, Weights
from grader.oracle.variation import Variation


class _Terminal(Variation):
    checks = ("update.terminal",)


class NoTerminalMask(_Terminal):
    """y = r + γ v"""

    code = "UPDATE_NO_TERMINAL_MASK"

    def td_target(self, batch: Batch) -> Floats:
        return self.rewards(batch) + self.discount() * self.bootstrap(batch)


class MaskInverted(Variation):
    """y = r + γ d v"""

    code = "UPDATE_MASK_INVERTED"
    checks = ("update.terminal", "update.td_target")

    def td_target(self, batch: Batch) -> Floats:
        return self.rewards(batch) + self.discount() * batch.dones * self.bootstrap(batch)


class MaskCoversReward(_Terminal):
    """y = (1 − d) (r + γ v)"""

    code = "UPDATE_MASK_COVERS_REWARD"

    def td_target(self, batch: Batch) -> Floats:
        value = self.rewards(batch) + self.discount() * self.bootstrap(batch)
        return (1 - batch.dones) * value


class MaskAdded(Variation):
    """y = r + γ v + (1 − d)"""

    code = "UPDATE_MASK_ADDED"
    checks = ("update.terminal", "update.td_target")

    def td_target(self, batch: Batch) -> Floats:
        return self.rewards(batch) + self.discount() * self.bootstrap(batch) + (1 - batch.dones)


class MaskAddedInside(MaskAdded):
    """y = r + γ (v + (1 − d))"""

    def td_target(self, batch: Batch) -> Floats:
        return self.rewards(batch) + self.discount() * (self.bootstrap(batch) + (1 - batch.dones))


class MaskFactorAdded(MaskAdded):
    """y = r + (γ + (1 − d)) v"""

    def td_target(self, batch: Batch) -> Floats:
        return self.rewards(batch) + (self.discount() + (1 - batch.dones)) * self.bootstrap(batch)


class GammaMissing(Variation):
    """y = r + (1 − d) v"""

    code = "UPDATE_GAMMA_MISSING"
    checks = ("update.discount",)

    def discount(self) -> float:
        return 1.0


class GammaHardcoded(Variation):
    """A constant in the place of γ."""

    code = "UPDATE_GAMMA_HARDCODED"
    checks = ("update.discount",)
    constant: ClassVar[float] = 0.99

    def discount(self) -> float:
        return self.constant


class GammaScalesReward(Variation):
    """y = γ (r + (1 − d) v)"""

    code = "UPDATE_GAMMA_SCALES_REWARD"
    checks = ("update.td_target", "update.terminal")

    def rewards(self, batch: Batch) -> Floats:
        return self.gamma * batch.rewards


class TargetSign(Variation):
    """y = r − γ (1 − d) v"""

    code = "UPDATE_TARGET_SIGN"
    checks = ("update.td_target",)

    def discount(self) -> float:
        return -self.gamma


class TargetFromQNet(Variation):
    """Q(s', ·; θ) in the place of θ⁻, still as a constant."""

    code = "UPDATE_TARGET_FROM_Q_NET"
    checks = ("update.target_network",)

    def next_values(self, batch: Batch) -> Floats:
        return self.model.forward(self.q, batch.next_states)


class TargetNotDetached(TargetFromQNet):
    """Q(s', ·; θ), and the loss differentiated through it too."""

    code = "UPDATE_TARGET_NOT_DETACHED"

    def gradients(self, batch: Batch, other: Batch) -> tuple[float, Weights, Floats, Floats]:
        loss, direct, prediction, targets = super().gradients(batch, other)
        _loss, d_prediction = self.loss(prediction, targets)
        values = self.next_values(batch)
        best = np.zeros_like(values)
        best[np.arange(len(batch)), values.argmax(axis=1)] = 1
        # d(y)/d(v) row by row, from the target as this learner builds it.
        slope = self.discount() * (1 - batch.dones)
        through = self.model.backward(
            self.q, batch.next_states, (-d_prediction * slope)[:, None] * best
        )
        return loss, [a + b for a, b in zip(direct, through, strict=True)], prediction, targets


class DoubleDQN(Variation):
    """Q(s', argmax_a' Q(s', a'; θ); θ⁻), van Hasselt et al. (2016)."""

    code = "UPDATE_DOUBLE_DQN"
    checks: ClassVar[tuple[str, ...]] = ("update.max",)

    def bootstrap(self, batch: Batch) -> Floats:
        best = self.model.forward(self.q, batch.next_states).argmax(axis=1)
        out: Floats = self.next_values(batch)[np.arange(len(batch)), best]
        return out


class DoubleDQNReversed(DoubleDQN):
    """Q(s', argmax_a' Q(s', a'; θ⁻); θ)."""

    code = "UPDATE_DOUBLE_DQN"
    checks = ("update.max", "update.target_network")

    def bootstrap(self, batch: Batch) -> Floats:
        best = self.next_values(batch).argmax(axis=1)
        out: Floats = self.model.forward(self.q, batch.next_states)[np.arange(len(batch)), best]
        return out


class TargetOnStates(Variation):
    """Q(s, ·; θ⁻) in the place of s'."""

    code = "UPDATE_TARGET_ON_STATES"
    checks = ("update.td_target",)

    def next_values(self, batch: Batch) -> Floats:
        return self.model.forward(self.target, batch.states)


class _Max(Variation):
    checks = ("update.max",)


class MaxOverBatch(_Max):
    """max over dim 0: one value per action, which only fits when B = A."""

    code = "UPDATE_MAX_OVER_BATCH"

    def bootstrap(self, batch: Batch) -> Floats:
        out: Floats = self.next_values(batch).max(axis=0)
        return out


class MaxOverBatchInGreedyColumn(MaxOverBatch):
    """The batch's maximum in the column that is best for the row."""

    def bootstrap(self, batch: Batch) -> Floats:
        values = self.next_values(batch)
        out: Floats = values.max(axis=0)[values.argmax(axis=1)]
        return out


class MaxOverBatchInStoredColumn(MaxOverBatch):
    """The batch's maximum in the column of the stored action."""

    def bootstrap(self, batch: Batch) -> Floats:
        out: Floats = self.next_values(batch).max(axis=0)[batch.actions]
        return out


class MaxOverAll(_Max):
    """One maximum over the whole matrix."""

    code = "UPDATE_MAX_OVER_ALL"

    def bootstrap(self, batch: Batch) -> Floats:
        values = self.next_values(batch)
        return np.full(len(batch), values.max(), values.dtype)


class MinOverActions(_Max):
    """min_a' in the place of max_a'."""

    code = "UPDATE_NOT_MAX"

    def bootstrap(self, batch: Batch) -> Floats:
        out: Floats = self.next_values(batch).min(axis=1)
        return out


class MeanOverActions(MinOverActions):
    """mean_a' in the place of max_a'."""

    def bootstrap(self, batch: Batch) -> Floats:
        out: Floats = self.next_values(batch).mean(axis=1)
        return out


class SumOverNextActions(MinOverActions):
    """sum_a' in the place of max_a'."""

    def bootstrap(self, batch: Batch) -> Floats:
        out: Floats = self.next_values(batch).sum(axis=1)
        return out


class ArgmaxAsValue(_Max):
    """argmax_a' in the place of max_a'."""

    code = "UPDATE_ARGMAX_AS_VALUE"

    def bootstrap(self, batch: Batch) -> Floats:
        values = self.next_values(batch)
        out: Floats = values.argmax(axis=1).astype(values.dtype)
        return out


class StoredActionBootstrap(_Max):
    """Q(s', a; θ⁻) with the stored action."""

    code = "UPDATE_STORED_ACTION_BOOTSTRAP"

    def bootstrap(self, batch: Batch) -> Floats:
        return self.next_values(batch)[np.arange(len(batch)), batch.actions]


class RewardClipped(Variation):
    """r clipped to [−1, 1]."""

    code = "UPDATE_REWARD_SHAPED"
    checks: ClassVar[tuple[str, ...]] = ("update.td_target", "update.terminal")

    def rewards(self, batch: Batch) -> Floats:
        return np.clip(batch.rewards, -1, 1)


class RewardSign(RewardClipped):
    """sign(r)."""

    def rewards(self, batch: Batch) -> Floats:
        return np.sign(batch.rewards)


class RewardTanh(RewardClipped):
    """tanh(r)."""

    def rewards(self, batch: Batch) -> Floats:
        out: Floats = np.tanh(batch.rewards)
        return out


class RewardScaled(RewardClipped):
    """c · r."""

    factor: ClassVar[float] = 0.1

    def rewards(self, batch: Batch) -> Floats:
        return self.factor * batch.rewards


class DonePenalty(RewardClipped):
    """A fixed reward on terminal transitions."""

    checks = ("update.terminal",)
    penalty: ClassVar[float] = -1.0

    def rewards(self, batch: Batch) -> Floats:
        return np.where(batch.dones > 0, self.penalty, batch.rewards)


class DoneExtraPenalty(DonePenalty):
    """Something taken off the reward of terminal transitions."""

    def rewards(self, batch: Batch) -> Floats:
        return batch.rewards + self.penalty * batch.dones

"""Misconceptions about the prediction Q(s, a; θ), and about shapes that broadcast."""

from __future__ import annotations

from typing import Any

import numpy as np

from grader.oracle.dqn import Batch
from grader.oracle.models import Floats, Weights
from grader.oracle.variation import Variation


class _Prediction(Variation):
    checks = ("update.prediction",)


class PredictsMax(_Prediction):
    """max_a Q(s, a; θ) in the place of Q(s, a; θ)."""

    code = "UPDATE_PREDICTS_MAX"

    def selection(self, batch: Batch, q_values: Floats) -> Floats:
        return _one_hot(q_values.argmax(axis=1), q_values)


class PredictsFirst(_Prediction):
    """Q(s, 0; θ)."""

    code = "UPDATE_WRONG_ACTION_COLUMN"

    def columns(self, batch: Batch, q_values: Floats) -> Any:
        return np.zeros(len(batch), int)

    def selection(self, batch: Batch, q_values: Floats) -> Floats:
        return _one_hot(self.columns(batch, q_values), q_values)


class PredictsLast(PredictsFirst):
    """Q(s, A − 1; θ)."""

    def columns(self, batch: Batch, q_values: Floats) -> Any:
        return np.full(len(batch), q_values.shape[1] - 1)


class PredictsSecond(PredictsFirst):
    """Q(s, 1; θ)."""

    def columns(self, batch: Batch, q_values: Floats) -> Any:
        return np.ones(len(batch), int)


class PredictsNeighbour(PredictsFirst):
    """Q(s, a + 1; θ), counted round."""

    def columns(self, batch: Batch, q_values: Floats) -> Any:
        return (batch.actions + 1) % q_values.shape[1]


class PredictsOtherNeighbour(PredictsFirst):
    """Q(s, a − 1; θ), counted round as a negative index is."""

    def columns(self, batch: Batch, q_values: Floats) -> Any:
        return (batch.actions - 1) % q_values.shape[1]


class PredictsMirrored(PredictsFirst):
    """Q(s, A − 1 − a; θ)."""

    def columns(self, batch: Batch, q_values: Floats) -> Any:
        return q_values.shape[1] - 1 - batch.actions


class PredictsModuloTwo(PredictsFirst):
    """Q(s, a mod 2; θ): as if there were two actions."""

    def columns(self, batch: Batch, q_values: Floats) -> Any:
        return batch.actions % 2


class PredictsFirstTwo(PredictsFirst):
    """Q(s, min(a, 1); θ): as if there were two actions."""

    def columns(self, batch: Batch, q_values: Floats) -> Any:
        return np.minimum(batch.actions, 1)


class PredictsWorst(PredictsFirst):
    """min_a Q(s, a; θ)."""

    def columns(self, batch: Batch, q_values: Floats) -> Any:
        return q_values.argmin(axis=1)


class PredictsRowZeroAction(PredictsFirst):
    """Q(s, a_0; θ): the first row's action for all."""

    def columns(self, batch: Batch, q_values: Floats) -> Any:
        return np.full(len(batch), batch.actions[0])


class PredictsReversedActions(PredictsFirst):
    """The actions of the batch in reverse order."""

    def columns(self, batch: Batch, q_values: Floats) -> Any:
        return batch.actions[::-1]


class PredictsRolledActions(PredictsFirst):
    """The actions of the batch, one row off."""

    def columns(self, batch: Batch, q_values: Floats) -> Any:
        return np.roll(batch.actions, 1)


class SumOverActions(_Prediction):
    """Σ_a Q(s, a; θ)."""

    code = "UPDATE_SUM_OVER_ACTIONS"

    def selection(self, batch: Batch, q_values: Floats) -> Floats:
        return np.ones_like(q_values)


class SumOverBatchActions(SumOverActions):
    """Σ_j Q(s_i, a_j; θ): `q[:, actions]`, summed."""

    def selection(self, batch: Batch, q_values: Floats) -> Floats:
        counts = np.bincount(batch.actions, minlength=q_values.shape[1]).astype(q_values.dtype)
        return np.repeat(counts[None, :], len(batch), axis=0)


class MeanOverPredicted(SumOverActions):
    """mean_a Q(s, a; θ)."""

    def selection(self, batch: Batch, q_values: Floats) -> Floats:
        return np.full_like(q_values, 1 / q_values.shape[1])


class _Mixing(_Prediction):
    """A prediction that mixes rows: `mix` gives coefficients (B, B, A) over all of Q(s, ·)."""

    def mix(self, batch: Batch, q_values: Floats) -> Floats:
        raise NotImplementedError

    def gradients(self, batch: Batch, other: Batch) -> tuple[float, Weights, Floats, Floats]:
        q_values = self.model.forward(self.q, batch.states)
        mix = self.mix(batch, q_values)
        prediction = np.einsum("ija,ja->i", mix, q_values)
        targets = self.td_target(self.target_batch(batch, other))
        loss, d_prediction = self.loss(prediction, targets)
        dq = np.einsum("i,ija->ja", d_prediction, mix)
        return loss, self.model.backward(self.q, batch.states, dq), prediction, targets


class SumOverBatch(_Mixing):
    """The predictions of the whole batch added up."""

    code = "UPDATE_SUM_OVER_ACTIONS"

    def mix(self, batch: Batch, q_values: Floats) -> Floats:
        chosen = _one_hot(batch.actions, q_values)
        return np.repeat(chosen[None], len(batch), axis=0)


class GatherWrongDim(_Mixing):
    """`gather` along dim 0 with an index (B, 1): row a_i, column 0."""

    code = "UPDATE_GATHER_WRONG_DIM"

    def mix(self, batch: Batch, q_values: Floats) -> Floats:
        mix = np.zeros((len(batch), *q_values.shape), q_values.dtype)
        mix[np.arange(len(batch)), batch.actions, 0] = 1
        return mix


class GatherWrongDimRow(GatherWrongDim):
    """`gather` along dim 0 with an index (1, B): row a_j, column j, as far as columns go."""

    def mix(self, batch: Batch, q_values: Floats) -> Floats:
        mix = np.zeros((len(batch), *q_values.shape), q_values.dtype)
        index = np.arange(len(batch))
        mix[index, batch.actions, index] = 1
        return mix


class _Pairwise(Variation):
    """A loss over a matrix of errors (B, B) that broadcasting made."""

    code = "UPDATE_BROADCAST"
    checks = ("update.loss",)

    def errors(self, prediction: Floats, batch: Batch, targets: Floats) -> tuple[Floats, int]:
        """The matrix of q − y, and the axis along which the prediction was repeated."""
        raise NotImplementedError

    def gradients(self, batch: Batch, other: Batch) -> tuple[float, Weights, Floats, Floats]:
        q_values = self.model.forward(self.q, batch.states)
        chosen = self.selection(batch, q_values)
        prediction = (q_values * chosen).sum(axis=1)
        source = self.target_batch(batch, other)
        targets = self.td_target(source)
        errors, axis = self.errors(prediction, source, targets)
        # Every pair counts as one row of the loss, then falls back on its prediction.
        loss, d_flat = self.loss(errors.ravel(), np.zeros(errors.size, errors.dtype))
        d_prediction = d_flat.reshape(errors.shape).sum(axis=axis)
        dq = d_prediction[:, None] * chosen
        return loss, self.model.backward(self.q, batch.states, dq), prediction, targets


class Broadcast(_Pairwise):
    """(B, 1) against (B,): every prediction compared with every target."""

    def errors(self, prediction: Floats, batch: Batch, targets: Floats) -> tuple[Floats, int]:
        return prediction[:, None] - targets[None, :], 1


class BroadcastNextValues(_Pairwise):
    """r (B,) + γ v (B, 1): every reward with every next value, against predictions (B,)."""

    def _matrix(self, batch: Batch) -> Floats:
        future = self.bootstrap(batch)[:, None] * (1 - batch.dones)[None, :]
        return self.rewards(batch)[None, :] + self.discount() * future

    def errors(self, prediction: Floats, batch: Batch, targets: Floats) -> tuple[Floats, int]:
        return prediction[None, :] - self._matrix(batch), 0


class MaxOverBatchKept(_Pairwise):
    """max over dim 0 with the dimension kept, (1, A) beside (B, 1): every row with every column."""

    code = "UPDATE_MAX_OVER_BATCH"
    checks = ("update.max",)

    def errors(self, prediction: Floats, batch: Batch, targets: Floats) -> tuple[Floats, int]:
        best = self.next_values(batch).max(axis=0)
        future = (1 - batch.dones)[:, None] * best[None, :]
        matrix = self.rewards(batch)[:, None] + self.discount() * future
        return prediction[:, None] - matrix, 1


class BroadcastNextValuesColumn(BroadcastNextValues):
    """The same against predictions (B, 1)."""

    def errors(self, prediction: Floats, batch: Batch, targets: Floats) -> tuple[Floats, int]:
        return prediction[:, None] - self._matrix(batch), 1


def _one_hot(columns: Any, like: Floats) -> Floats:
    chosen = np.zeros_like(like)
    chosen[np.arange(len(like)), columns] = 1
    return chosen

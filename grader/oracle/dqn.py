"""One DQN update, stage by stage (Mnih et al., 2015, algorithm 1).

`Learner` is the contract's algorithm. Each stage is a method, so that a misconception is a subclass
that overrides the stage which it gets wrong, and two misconceptions combine by inheritance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from grader.oracle.adam import Adam
from grader.oracle.models import Floats, Model, Weights, global_norm

MAX_NORM = 10.0


@dataclass(frozen=True)
class Batch:
    """B transitions: states (B, S), actions (B,) integers, rewards (B,), next_states (B, S),
    dones (B,) of 0 and 1."""

    states: Floats
    actions: npt.NDArray[np.int64]
    rewards: Floats
    next_states: Floats
    dones: Floats

    def __len__(self) -> int:
        return len(self.actions)

    def rows(self, index: Any) -> Batch:
        """The transitions that a NumPy index selects."""
        return Batch(
            self.states[index],
            self.actions[index],
            self.rewards[index],
            self.next_states[index],
            self.dones[index],
        )


@dataclass(frozen=True)
class Outcome:
    """What one update leaves behind.

    `gradients` are those that the step used (None: no step, or none that moved anything);
    `prediction` and `targets` explain the loss where the variation has one of each per row.
    """

    returned: float | None
    gradients: Weights | None
    steps: int
    q: Weights
    target: Weights
    prediction: Floats | None = None
    targets: Floats | None = None


class Learner:
    """The contract's learner: weights θ and θ⁻, Adam's state, and γ.

    The weights given are copied; the arithmetic has their dtype.
    """

    code: ClassVar[str | None] = None
    #: Whether a prediction and its target are of the same transition.
    pairs_rows: ClassVar[bool] = True

    def __init__(
        self, model: Model, q: Weights, target: Weights, *, lr: float, gamma: float
    ) -> None:
        self.model = model
        self.q = [w.copy() for w in q]
        self.target = [w.copy() for w in target]
        self.lr = lr
        self.gamma = gamma
        self.adam = Adam(lr)

    # --- the stages of one update ---

    def next_values(self, batch: Batch) -> Floats:
        """Q(s', ·; θ⁻), (B, A)."""
        return self.model.forward(self.target, batch.next_states)

    def bootstrap(self, batch: Batch) -> Floats:
        """max_a' Q(s', a'; θ⁻), (B,)."""
        out: Floats = self.next_values(batch).max(axis=1)
        return out

    def rewards(self, batch: Batch) -> Floats:
        """r as it enters the target, (B,)."""
        return batch.rewards

    def discount(self) -> float:
        """γ as it enters the target."""
        return self.gamma

    def td_target(self, batch: Batch) -> Floats:
        """y = r + γ (1 − d) max_a' Q(s', a'; θ⁻), (B,)."""
        future = (1 - batch.dones) * self.bootstrap(batch)
        return self.rewards(batch) + self.discount() * future

    def selection(self, batch: Batch, q_values: Floats) -> Floats:
        """Coefficients (B, A); Σ_a of their product with Q(s, ·) is the prediction."""
        chosen = np.zeros_like(q_values)
        chosen[np.arange(len(batch)), batch.actions] = 1
        return chosen

    def loss(self, prediction: Floats, targets: Floats) -> tuple[float, Floats]:
        """L = mean (q − y)² and dL/dq, (B,)."""
        error = prediction - targets
        return float(np.mean(error**2)), 2 * error / len(error)

    def gradients(self, batch: Batch, other: Batch) -> tuple[float, Weights, Floats, Floats]:
        """Loss, dL/dθ, prediction and targets; `other` is what a second draw would give."""
        q_values = self.model.forward(self.q, batch.states)
        chosen = self.selection(batch, q_values)
        prediction = (q_values * chosen).sum(axis=1)
        targets = self.td_target(self.target_batch(batch, other))
        loss, d_prediction = self.loss(prediction, targets)
        gradients = self.model.backward(self.q, batch.states, d_prediction[:, None] * chosen)
        return loss, gradients, prediction, targets

    def target_batch(self, batch: Batch, other: Batch) -> Batch:
        """The transitions that the target is built from."""
        return batch

    def accumulate(self, gradients: Weights) -> Weights:
        """The gradients that are held once the backward pass is done."""
        return gradients

    def clip(self, gradients: Weights) -> Weights:
        """The gradients scaled to a norm of at most 10 over all parameters."""
        norm = global_norm(gradients)
        return gradients if norm <= MAX_NORM else [g * (MAX_NORM / norm) for g in gradients]

    def step(self, gradients: Weights) -> int:
        """Move θ; the number of optimizer steps taken."""
        self.adam.step(self.q, gradients)
        return 1

    def after(self) -> None:
        """What happens to the target network within the update: nothing."""

    def returned(self, loss: float, prediction: Floats, targets: Floats) -> float | None:
        """The number that `update` gives back."""
        return loss

    # --- the calls ---

    def update(self, batch: Batch, other: Batch | None = None) -> Outcome:
        """One update on `batch`; `other` is what a second draw within it would give."""
        other = batch if other is None else other
        loss, gradients, prediction, targets = self.gradients(batch, other)
        used = self.clip(self.accumulate(gradients))
        steps = self.step(used)
        self.after()
        return Outcome(
            returned=self.returned(loss, prediction, targets),
            gradients=used,
            steps=steps,
            q=[w.copy() for w in self.q],
            target=[w.copy() for w in self.target],
            prediction=prediction,
            targets=targets,
        )

    def sync(self) -> None:
        """θ⁻ ← θ."""
        self.target = [w.copy() for w in self.q]


def without_motion(outcome: Outcome, before: Sequence[Floats]) -> Outcome:
    """The same outcome with θ as it was, for updates that move nothing."""
    return replace(outcome, gradients=None, q=[w.copy() for w in before])

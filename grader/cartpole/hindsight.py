"""Roundings of earlier updates that show only now.

Adam's first steps in a parameter have the sign of its gradients and next to nothing of their size:
whether a term was there hardly changes the step, but changes the moments, and with them the steps
that follow. Where an update is off, earlier ones are therefore looked at again: which of their
ReLUs were in doubt (`gates`), and whether the moments that follow with one set the other way
explain what is seen now.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from grader.cartpole.gates import BETTER, Followed, Gated, candidates, play
from grader.oracle.adam import Adam
from grader.oracle.dqn import Batch, Learner, Outcome
from grader.oracle.models import Weights

#: So many updates are remembered; each takes 150 kB.
REMEMBERED = 200


@dataclass(frozen=True)
class Past:
    """What an update began with."""

    q: Weights
    target: Weights
    batches: tuple[Batch, Batch]

    def learner(self, like: Learner) -> Learner:
        """A learner of the same kind at that point, without moments."""
        learner = copy.copy(like)
        learner.q, learner.target = self.q, self.target
        learner.adam = Adam(like.lr)
        return learner


class History:
    """The latest updates, the last one first."""

    def __init__(self) -> None:
        self._past: deque[Past] = deque(maxlen=REMEMBERED)

    def remember(self, start: Learner, batches: tuple[Batch, Batch]) -> None:
        """Add the update that `start`, which stays as it is, makes of `batches`."""
        self._past.appendleft(Past(start.q, start.target, batches))

    def __iter__(self) -> Iterator[Past]:
        return iter(self._past)


def follow_in_hindsight(
    start: Learner,
    batches: tuple[Batch, Batch],
    history: Iterable[Past],
    own: Followed,
    error_of: Callable[[Outcome], float],
) -> Followed:
    """The update with moments that follow from one earlier ReLU, or one drawn twice, decided the
    other way: that which brings it closest to what was seen.

    Parameters
    ----------
    start : the learner before the update; stays as it is
    history : the updates before, the last one first
    own : the update as it is known so far; returned when nothing earlier brings it closer
    """
    best = own
    for age, past in enumerate(history, 1):
        before = past.learner(start)
        recorded = Gated()
        _learner, was = play(before, past.batches, recorded)
        for gates in candidates(recorded.doubtful):
            _learner, other = play(before, past.batches, Gated(gates))
            if was.gradients is None or other.gradients is None:
                continue
            revised = copy.deepcopy(start)
            revised.adam.revise(age, was.gradients, other.gradients)
            learner, outcome = play(revised, batches, Gated(own.other_way))
            error = error_of(outcome)
            if error < BETTER * best.error:
                best = Followed(learner, outcome, error, own.other_way)
    return best

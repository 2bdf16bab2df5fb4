"""Are the batches drawn uniformly from what is stored?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from grader.cartpole.acting import RULE
from grader.cartpole.environment import Served
from grader.cartpole.evidence import Evidence
from grader.oracle.models import TwoHiddenLayers, Weights

Numbers = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]

#: The values of what is stored are looked at again after so many updates.
LOOK_EVERY = 100
#: A batch is recent for so many updates.
RECENT = 8

#: Marks that a transition has from the start, …
_FIXED = (
    "of action 1",
    "terminal",
    "of a pole leaning to the right",
    "of a pole turning to the right",
    "of a cart on the right",
    "of a pole leaning by more than 0.05",
    "of the action towards which the pole leans",
    "of the action of a balancing rule",
)
#: … by its age and by what was drawn before, …
_MOVING = (
    "among the newer half of what was stored",
    "among the newest tenth of what was stored",
    "drawn before",
    f"drawn in the {RECENT} updates before",
    "drawn more often than the average",
)
#: … and by the networks' values.
_VALUED = (
    "of a target above the prediction",
    "of an error above the median",
    "of an error in favour of a balancing rule",
)


class Drawing:
    """Follows the draws of one attempt.

    Every stored transition has marks that are settled before a draw. A uniform draw hits each mark
    as often as it is among the stored transitions; whoever chooses what to learn from, or repeats
    batches, does not.
    """

    def __init__(self, capacity: int, gamma: float) -> None:
        self._capacity = capacity
        self._gamma = gamma
        self._evidence = Evidence(_FIXED + _MOVING + _VALUED)
        self._stored: Served | None = None
        #: Marks are kept by claim, (claims, stored): counting along rows is fast.
        self._fixed: Marks = np.zeros((len(_FIXED), 0), bool)
        self._shares = np.zeros(len(_FIXED))
        self._times: Numbers = np.zeros(0, np.int64)
        self._last: Numbers = np.zeros(0, np.int64)
        #: Marks by value of the transitions stored at the last look, the oldest of which was the
        #: one numbered `_valued_from`.
        self._valued: Marks = np.zeros((len(_VALUED), 0), bool)
        self._valued_from = 0
        self._count = 0
        self._draws = 0

    def serve(self, served: Served) -> None:
        """Transitions that are stored from now on; they are numbered in order."""
        new = len(served.actions)
        self._count += new
        self._stored = _joined(self._stored, served, self._capacity)
        kept = len(self._stored.actions)
        self._fixed = np.concatenate([self._fixed, _fixed_marks(served)], axis=1)[:, -kept:]
        self._shares = _shares(self._fixed)
        self._times = np.concatenate([self._times, np.zeros(new, np.int64)])[-kept:]
        self._last = np.concatenate([self._last, np.full(new, -RECENT)])[-kept:]

    def check(self, numbers: Numbers, q: Weights, target: Weights) -> str | None:
        """What speaks against a batch of the transitions so numbered, if anything does.

        `q` and `target` are the weights before the update.
        """
        assert self._stored is not None, "nothing was served"
        kept = len(self._times)
        first = self._count - kept
        rows = numbers - first
        if self._draws % LOOK_EVERY == 0:
            self._valued = _valued_marks(self._stored, q, target, self._gamma)
            self._valued_from = first
        moving = self._moving()
        # Of the transitions valued at the last look, some are evicted by now.
        valued = self._valued[:, max(0, first - self._valued_from) :]
        known = rows[rows < valued.shape[1]]
        hits = [_hits(self._fixed, rows), _hits(moving, rows), _hits(valued, known)]
        trials = [(len(_FIXED) + len(_MOVING)) * [len(rows)], len(_VALUED) * [len(known)]]
        shares = [self._shares, _shares(moving), _shares(valued)]
        self._evidence.add(
            *(np.concatenate(part).astype(np.float64)[:, None] for part in (hits, trials, shares))
        )
        self._times += np.bincount(rows, minlength=kept)
        self._last[rows] = self._draws
        self._draws += 1
        return self._evidence.against()

    def _moving(self) -> Marks:
        kept = len(self._times)
        age = np.arange(kept, 0, -1)
        return np.stack(
            [
                age <= kept // 2,
                age <= kept // 10,
                self._times > 0,
                self._last > self._draws - RECENT,
                self._times > self._times.mean(),
            ]
        )


def _hits(marks: Marks, rows: Numbers) -> Numbers:
    """How many of these rows have each mark, (claims,)."""
    hits: Numbers = np.count_nonzero(marks[:, rows], axis=1)
    return hits


def _shares(marks: Marks) -> npt.NDArray[np.float64]:
    """How many of all rows have each mark, as a share of 1; 0 of none."""
    shares: npt.NDArray[np.float64] = np.count_nonzero(marks, axis=1) / max(1, marks.shape[1])
    return shares


def _joined(before: Served | None, new: Served, capacity: int) -> Served:
    if before is None:
        return new
    names = ("states", "actions", "rewards", "next_states", "dones")
    return Served(
        *(np.concatenate([getattr(before, n), getattr(new, n)])[-capacity:] for n in names)
    )


def _fixed_marks(served: Served) -> Marks:
    x, _speed, angle, turning = served.states.T
    right = served.actions == 1
    return np.stack(
        [
            right,
            served.dones > 0,
            angle > 0,
            turning > 0,
            x > 0,
            np.abs(angle) > 0.05,
            right == (angle > 0),
            right == (served.states @ RULE > 0),
        ]
    )


def _valued_marks(stored: Served, q: Weights, target: Weights, gamma: float) -> Marks:
    model = TwoHiddenLayers()
    with np.errstate(all="ignore"):
        predicted = model.forward(q, stored.states)[np.arange(len(stored.actions)), stored.actions]
        best = model.forward(target, stored.next_states).max(axis=1)
        error = stored.rewards + gamma * (1 - stored.dones) * best - predicted
        approved = (stored.actions == 1) == (stored.states @ RULE > 0)
        return np.stack(
            [error > 0, np.abs(error) > np.median(np.abs(error)), (error > 0) == approved]
        )

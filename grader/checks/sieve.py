"""Which of thousands of learners may explain a trace, found without playing each of them again."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np

from grader.checks.agents import Scenario
from grader.checks.compare import TOLERANCE, list_of_doubles
from grader.checks.outcomes import (
    GRADIENTS,
    LOSS_TOLERANCE,
    RETURNED,
    gradient_scale,
    rounding_of_returned,
    updates_of,
)
from grader.oracle.variation import Variation
from grader.protocol.messages import AgentTrace

#: Bounds are wider by this, so that whoever is kept back would not have explained the trace.
_WIDER = 1 + 1e-6


class Sieve:
    """The first call of a scenario by every candidate, side by side.

    Whoever passes is still to be compared with the trace; the others differ from it in that call.
    """

    def __init__(self, candidates: Iterable[type[Variation]], scenario: Scenario) -> None:
        self._kinds = list(candidates)
        size = sum(w.size for w in scenario.q)
        count = len(self._kinds)
        # Where a number is missing, none is compared: NaN in `returned`, False in `moved`.
        self._returned = np.full(count, np.nan)
        self._returned_within = np.zeros(count)
        self._gradients = np.zeros((count, size))
        self._gradients_within = np.zeros(count)
        self._moved = np.zeros(count, bool)
        self._raised = np.zeros(count, bool)
        self._silent = np.zeros(count, bool)
        with np.errstate(all="ignore"):
            for n, kind in enumerate(self._kinds):
                self._enter(n, kind, scenario)

    def _enter(self, n: int, kind: type[Variation], scenario: Scenario) -> None:
        first = scenario.expected(kind)[0]
        if first is None:
            self._raised[n] = True
            return
        if first.returned is None:
            self._silent[n] = True
        else:
            self._returned[n] = first.returned
            within = LOSS_TOLERANCE * abs(first.returned) + rounding_of_returned(first)
            self._returned_within[n] = _WIDER * within
        if first.gradients is not None:
            self._moved[n] = True
            self._gradients[n] = np.concatenate([g.ravel() for g in first.gradients])
            self._gradients_within[n] = _WIDER * (TOLERANCE * gradient_scale(first) + 1e-7)

    def passing(self, trace: AgentTrace, aspects: Collection[str]) -> list[type[Variation]]:
        """The candidates, in order, whose first call is the trace's in these aspects."""
        got = updates_of(trace)
        if not got:
            return self._kept(self._raised)
        alike = ~self._raised
        with np.errstate(all="ignore"):
            if RETURNED in aspects:
                number = got[0].returned.number
                off = np.abs((np.nan if number is None else number) - self._returned)
                alike &= self._silent | (off <= self._returned_within)
            if GRADIENTS in aspects:
                arrays = list_of_doubles(got[0].gradients)
                if arrays is None:
                    alike &= ~self._moved
                else:
                    flat = np.concatenate([g.ravel() for g in arrays])
                    off = np.abs(flat - self._gradients).max(axis=1)
                    alike &= np.where(self._moved, off <= self._gradients_within, not flat.any())
        return self._kept(alike)

    def _kept(self, mask: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> list[type[Variation]]:
        return [self._kinds[n] for n in np.flatnonzero(mask)]

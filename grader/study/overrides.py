"""`--schedule KEY=VALUE`: other settings of the judged run, taken strictly."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import get_type_hints

from grader.cartpole.schedule import BUFFER_CAPACITY, Schedule
from grader.trials.errors import TrialError

#: What a study does not vary: every row is one attempt.
_FIXED = ("attempts",)
_SHARES = ("epsilon_start", "epsilon_end")


def overridden(changes: Sequence[str]) -> Schedule:
    """The grader's schedule with these changes; `TrialError` for what cannot be meant."""
    kinds = {k: t for k, t in get_type_hints(Schedule).items() if k not in _FIXED}
    values: dict[str, int | float] = {}
    for change in changes:
        name, equals, text = change.partition("=")
        if not equals:
            raise TrialError(
                f"`--schedule {change}` is no `KEY=VALUE`", "write it as in `--schedule lr=0.01`"
            )
        if name not in kinds:
            raise TrialError(
                f"the schedule has no setting `{name}`", f"known: {', '.join(sorted(kinds))}"
            )
        if name in values:
            raise TrialError(f"`{name}` is set twice", "name every setting once")
        values[name] = _number(name, kinds[name], text)
    # Types were checked above, one by one.
    schedule = dataclasses.replace(Schedule(), **values)  # type: ignore[arg-type]
    _require_sense(schedule)
    return schedule


def shown(schedule: Schedule) -> str:
    """What differs from the grader's schedule, as options; empty when nothing does."""
    usual = Schedule()
    return " ".join(
        f"{f.name}={getattr(schedule, f.name)}"
        for f in dataclasses.fields(Schedule)
        if getattr(schedule, f.name) != getattr(usual, f.name)
    )


def _number(name: str, kind: type, text: str) -> int | float:
    wanted = "a whole number" if kind is int else "a number"
    try:
        value: int | float = int(text) if kind is int else float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise TrialError(f"`{name}={text}` is not {wanted}", f"`{name}` takes {wanted}")
    allowed = 0 <= value <= 1 if name in _SHARES else value > 0
    if name == "hopeless_return":
        allowed = value >= 0
    if name == "gamma":
        allowed = 0 <= value <= 1
    if not allowed:
        bounds = "between 0 and 1" if name in (*_SHARES, "gamma") else "above 0"
        raise TrialError(f"`{name}={text}` is out of range", f"`{name}` is {bounds}")
    return value


def _require_sense(schedule: Schedule) -> None:
    """Settings that contradict each other would only look like a bad recipe."""
    if schedule.learning_starts < schedule.batch_size:
        raise TrialError(
            f"learning would start at {schedule.learning_starts} transitions, fewer than one "
            f"batch of {schedule.batch_size}",
            "set `learning_starts` to `batch_size` or more",
        )
    if schedule.batch_size > BUFFER_CAPACITY or schedule.learning_starts > BUFFER_CAPACITY:
        raise TrialError(
            f"the buffer holds {BUFFER_CAPACITY:,} transitions at most",
            "choose a smaller `batch_size` or `learning_starts`",
        )
    if schedule.max_updates < schedule.screen_every:
        raise TrialError(
            f"{schedule.max_updates} updates end before the first screening, which comes after "
            f"{schedule.screen_every}",
            "choose a larger `max_updates` or a smaller `screen_every`",
        )

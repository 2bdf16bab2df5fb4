"""What is said between a job and its training process, and what is kept of a run."""

from __future__ import annotations

import msgspec

from grader.lab.setting import Setting

#: Decimals that are kept.
DIGITS = 2


class Evaluation(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """The greedy policy after so many updates, over all episodes and all states that they visit.

    mean_return : reward per episode
    max_q : mean of max over a of Q(s, a)
    worth : mean discounted return that followed, at most (see `Setting.worth`)
    """

    updates: int
    mean_return: float
    max_q: float
    worth: float


class Result(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag=True):
    """One run. `seconds` is processor time, evaluations included."""

    environment_steps: int
    episodes: int
    seconds: float
    evaluations: list[Evaluation]


class Refusal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """The submission's code raised something."""

    reason: str


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which run to make."""

    experiment: str
    seed: int
    setting: Setting

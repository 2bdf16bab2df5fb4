"""A learner with one misconception."""

from __future__ import annotations

from typing import ClassVar

from grader.oracle.dqn import Learner


class Variation(Learner):
    """A learner that gets one stage wrong.

    `code` is the misconception's; several variations may realise the same one. `checks` names the
    graded checks that it must fail.
    """

    code: ClassVar[str]
    checks: ClassVar[tuple[str, ...]]

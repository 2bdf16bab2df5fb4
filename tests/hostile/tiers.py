"""The isolation tiers that the corpus is run against.

What a tier does not promise against a deed is said in that case, as `open.<tier>`.
"""

from __future__ import annotations

from collections.abc import Mapping

from grader.sandbox.doctor import wrong_of
from grader.sandbox.examine import examine
from grader.sandbox.hosts import ForkHost
from grader.sandbox.interface import Host, SandboxFault
from grader.sandbox.tiers import FINDERS, start_strongest

TIERS = tuple(FINDERS)


class SharedHost(ForkHost):
    """One prepared process serves case after case: what no case can reach, none can have harmed.

    In a grading, each has a box of its own; here putting them up would be most of the work.
    """

    def serve(self, files: Mapping[str, bytes]) -> None:
        """Hand another submission to the children that are forked from now on."""
        self._hang_up()
        self._stage.fill(files)


def start_alone(tier: str, files: Mapping[str, bytes]) -> Host:
    """A host as a grading has it."""
    return start_strongest(files, wanted=tier, least=tier)


def start_shared(tier: str) -> SharedHost:
    """A host for the cases that do not reach for it."""
    return SharedHost({}, FINDERS[tier]())


def why_not(tier: str) -> str | None:
    """Why a tier cannot be tried on this machine; None where it can."""
    try:
        launcher = FINDERS[tier]()
        trial = launcher.trial
        if not trial.refused:
            return None
        outcomes = examine(launcher, [(*trial.refused, *trial.needed)])
    except SandboxFault as fault:
        return str(fault)
    told = {outcome.act: outcome for outcome in outcomes}
    return "; ".join(wrong_of(told, {*trial.refused}, {*trial.needed})) or None

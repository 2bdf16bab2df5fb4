"""Which tier serves: the strongest that holds on this machine, within what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from grader.protocol.transport import Transport
from grader.sandbox.hosts import ForkHost, SingleHost, start_host
from grader.sandbox.interface import Launcher, Refused, SandboxFault, Unfit
from grader.sandbox.lending import Kept
from grader.sandbox.plain import Plain


def _bubblewrap() -> Launcher:
    from grader.sandbox.bubblewrap import find_bubblewrap

    return find_bubblewrap()


def _landlock() -> Launcher:
    from grader.sandbox.landlock import find_landlock

    return find_landlock()


def _uid() -> Launcher:
    from grader.sandbox.landlock import find_uid

    return find_uid()


#: Strongest first. Tiers that are not tried are not imported: a grading waits for the first.
FINDERS: dict[str, Callable[[], Launcher]] = {
    "bubblewrap": _bubblewrap,
    "landlock": _landlock,
    "uid+seccomp": _uid,
    "plain": Plain,
}
TIERS = tuple(FINDERS)
AUTO = "auto"
#: The weakest tier that keeps hostile code in.
REAL = "uid+seccomp"


def eligible(wanted: str, least: str) -> tuple[str, ...]:
    """The tiers that may serve, strongest first; none when what is wanted is below the least."""
    allowed = TIERS[: TIERS.index(least) + 1]
    return tuple(tier for tier in allowed if wanted in (AUTO, tier))


def start_strongest(files: Mapping[str, bytes], wanted: str = AUTO, least: str = "plain") -> Kept:
    """A host of the strongest tier that can be started, its first worker already on the way.

    Whether its box holds is known when the first channel is opened; then the next tier may take
    over. Raises `Refused` when none is left.
    """
    return _Strongest(files, eligible(wanted, least))


class _Strongest:
    """Falls back to the next tier until one has served; from then on it stays."""

    def __init__(self, files: Mapping[str, bytes], tiers: Sequence[str]) -> None:
        self._files = files
        self._left = list(tiers)
        self._faults: dict[str, SandboxFault] = {}
        self._settled = False
        self._host = self._next()

    @property
    def tier(self) -> str:
        """The name of the isolation tier, settled once the first channel is open."""
        return self._host.tier

    def open(self) -> Transport:
        """A channel to a fresh worker process, in place of the one opened before."""
        while True:
            try:
                transport = self._host.open()
            except SandboxFault as fault:
                if self._settled:
                    raise
                self._faults[self.tier] = fault
                self._host.close()
                self._host = self._next()
            else:
                self._settled = True
                return transport

    def serve(self, files: Mapping[str, bytes]) -> None:
        """Hand another submission to the processes that are started from now on."""
        self._files = files
        self._host.serve(files)

    def close(self) -> None:
        """Kill what is left of the process tree and remove the working folder."""
        self._host.close()

    def _next(self) -> ForkHost | SingleHost:
        """The strongest of the tiers left that can be started."""
        while self._left:
            tier = self._left.pop(0)
            try:
                return start_host(self._files, FINDERS[tier]())
            except SandboxFault as fault:
                self._faults[tier] = fault
        raise self._refusal()

    def _refusal(self) -> SandboxFault:
        """No tier is left. What hinders `plain` too is the grader's own fault."""
        if "plain" in self._faults:
            return self._faults["plain"]
        reasons = "; ".join(
            str(fault) if isinstance(fault, Unfit) else f"`{tier}`: {fault}"
            for tier, fault in self._faults.items()
        )
        remedies = [fault.remedy for fault in self._faults.values() if isinstance(fault, Unfit)]
        return Refused(
            f"no isolation that was asked for works on this machine: {reasons}",
            (remedies or ["`python -m grader doctor` tells what works"])[0],
        )

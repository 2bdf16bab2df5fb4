"""Which tier serves: the strongest that holds on this machine, within what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from grader.protocol.transport import Transport
from grader.sandbox.bubblewrap import find_bubblewrap
from grader.sandbox.hosts import ForkHost, SingleHost, start_host
from grader.sandbox.interface import Host, Launcher, Refused, SandboxFault, Unfit
from grader.sandbox.landlock import find_landlock, find_uid
from grader.sandbox.plain import Plain

#: Strongest first.
FINDERS: dict[str, Callable[[], Launcher]] = {
    "bubblewrap": find_bubblewrap,
    "landlock": find_landlock,
    "uid+seccomp": find_uid,
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


def start_strongest(
    files: Mapping[str, bytes], wanted: str = AUTO, least: str = "plain"
) -> Host:
    """A host of the strongest tier that can be started, its first worker already on the way.

    Whether its box holds is known when the first channel is opened; then the next tier may take
    over. Raises `Refused` when none is left.
    """
    return _Strongest(files, [(tier, FINDERS[tier]) for tier in eligible(wanted, least)])


class _Strongest:
    """Falls back to the next tier until one has served; from then on it stays."""

    def __init__(
        self, files: Mapping[str, bytes], finders: Sequence[tuple[str, Callable[[], Launcher]]]
    ) -> None:
        self._files = files
        self._left = list(finders)
        self._faults: list[SandboxFault] = []
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
                self._faults.append(fault)
                self._host.close()
                self._host = self._next()
            else:
                self._settled = True
                return transport

    def close(self) -> None:
        """Kill what is left of the process tree and remove the working folder."""
        self._host.close()

    def _next(self) -> ForkHost | SingleHost:
        """The strongest of the tiers left that can be started."""
        while self._left:
            tier, find = self._left.pop(0)
            try:
                return start_host(self._files, find())
            except SandboxFault as fault:
                self._faults.append(fault)
        raise self._refusal()

    def _refusal(self) -> SandboxFault:
        """What to say when no tier is left: the last one's own fault where it is `plain`."""
        last = self._faults[-1] if self._faults else None
        if last is not None and not isinstance(last, Unfit) and self._tried_plain:
            return last
        remedies = [fault.remedy for fault in self._faults if isinstance(fault, Unfit)]
        return Refused(
            "sandbox",
            "no isolation tier that was asked for works here: "
            + "; ".join(str(fault) for fault in self._faults),
            remedies[0] if remedies else "run `python -m grader doctor`",
        )

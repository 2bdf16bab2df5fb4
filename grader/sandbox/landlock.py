"""The `landlock` tier: the worker gives up rights for good, with nothing installed.

And `uid+seccomp`, what is left of it where the kernel has no Landlock and the grader is root: the
mode bits of files are then the only wall around them.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field

from grader.confine import acts, landlock, rules
from grader.confine.box import Box
from grader.confine.limits import LIMITS, MAX_TASKS
from grader.confine.syscalls import this_machine
from grader.sandbox import process
from grader.sandbox.identity import new_owner
from grader.sandbox.interface import Trial, Unfit
from grader.sandbox.plain import Session
from grader.sandbox.stage import Stage

#: Out of a submission's sight only where it has names and numbers of its own.
_UNHIDDEN = {"learn_name"}
#: What file permissions alone do not keep from another user.
_READABLE_TO_ALL = {"read_outside", "write_outside", "list_processes"}


@dataclass(frozen=True)
class Landlock:
    """Starts workers that confine themselves. Every field but the first two is a wall, as data."""

    tier: str
    owner: int | None
    rights: tuple[str, ...] = landlock.ALL
    limits: dict[str, int] = field(default_factory=lambda: LIMITS)
    tasks: int | None = MAX_TASKS
    rules: tuple[str, ...] = rules.ALL
    #: The scratch folder lies on a disk of the machine's, where only watching limits it.
    watched: bool = True

    @property
    def children_apart(self) -> bool:
        """Without Landlock, files can be left wherever everybody may write."""
        return bool(self.rights)

    @property
    def trial(self) -> Trial:
        """What is tried at each start; less of it where there is no Landlock."""
        spared = _UNHIDDEN if self.rights else _UNHIDDEN | _READABLE_TO_ALL
        refused = tuple(act for act in acts.FORBIDDEN if act not in spared)
        return Trial(refused, acts.NEEDED, 0o644 if self.rights else 0o600)

    def box(self, stage: Stage) -> Box:
        """All the walls there are."""
        places = process.find_places()
        return Box(
            limits=self.limits,
            tasks=self.tasks,
            owner=self.owner,
            readable=(*places.readable, str(stage.submission)),
            listable=places.listable,
            devices=process.DEVICES,
            scratch=str(stage.scratch),
            landlock=self.rights,
            rules=self.rules,
        )

    def remedy(self, said: str) -> str | None:
        """What helps when a worker ended at its start with these words."""
        if self.owner is not None and "ModuleNotFoundError" in said:
            return "let all users read Python and its packages, or use `bubblewrap`"
        return "`python -m grader doctor` tells more"

    def start(
        self, stage: Stage, arguments: list[str], pass_fds: tuple[int, ...], streams: bool
    ) -> Session:
        """Start a worker; with `streams`, its standard input and output are pipes."""
        command = [*process.interpreter(), str(process.BOOTSTRAP), *arguments]
        return Session(process.start_process(command, stage.scratch, pass_fds, streams))


def find_landlock() -> Landlock:
    """The launcher; `Unfit` where the kernel has no Landlock."""
    _require_filter("landlock")
    if landlock.kernel_abi() == 0:
        raise Unfit(
            "landlock",
            "the kernel has no Landlock, or does not let this process use it",
            "Linux 5.13 or newer, with `landlock` among the modules in "
            "/sys/kernel/security/lsm (boot option `lsm=landlock,…`); in a container, a seccomp "
            "profile that allows it, as Docker's own does since version 20.10.10",
        )
    return Landlock("landlock", _owner("landlock"))


def find_uid() -> Landlock:
    """The launcher of what is left without Landlock; `Unfit` where the grader is not root."""
    _require_filter("uid+seccomp")
    owner = _owner("uid+seccomp")
    if owner is None:
        raise Unfit(
            "uid+seccomp",
            "only root can let the worker be another user",
            "run the grader as root in a container, or use a tier that needs no root",
        )
    return Landlock("uid+seccomp", owner, rights=())


def _owner(tier: str) -> int | None:
    owner = new_owner()
    if owner is None and sys.platform == "linux" and os.geteuid() == 0:
        raise Unfit(
            tier,
            "there is no other user id to give to the worker",
            "run the grader as an ordinary user, or where more than one user id is mapped",
        )
    return owner


def _require_filter(tier: str) -> None:
    if this_machine() is None:
        raise Unfit(
            tier,
            "needs Linux on x86_64 or aarch64",
            "grade on such a machine, or in a virtual machine or container of that kind",
        )

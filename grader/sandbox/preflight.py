"""Trying a box before it is trusted: what is tried in it, and judging what came of it."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import secrets
import socket
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from grader.confine.box import MAX_SCRATCH_BYTES, Box
from grader.confine.limits import LIMITS, MAX_TASKS
from grader.sandbox import process
from grader.sandbox.interface import Launcher, SandboxFault, Unfit
from grader.sandbox.stage import Stage

#: From its start, a worker has so long until it is in its box.
ENTER_DEADLINE_S = 20.0
#: Trying the acts goes on beside the import of torch.
TRIAL_DEADLINE_S = 180.0
_ENTERED = b"B"
_MAX_REPORT_BYTES = 256 * 1024


@dataclass(frozen=True)
class Outcome:
    """What came of one act: whether it succeeded, and what it got or met."""

    act: str
    done: bool
    told: str


def read_outcomes(control: socket.socket) -> list[Outcome]:
    """What a worker tells of the acts that it tried.

    `TimeoutError` when it goes silent, `ConnectionError` when it ends or what it tells is nothing.
    """
    control.settimeout(ENTER_DEADLINE_S)
    if control.recv(1) != _ENTERED:
        raise ConnectionResetError
    control.settimeout(TRIAL_DEADLINE_S)
    size = int.from_bytes(_read(control, 4), "big")
    if size > _MAX_REPORT_BYTES:
        raise ConnectionResetError
    try:
        told = msgspec.json.decode(_read(control, size), type=list[tuple[str, bool, str]])
    except msgspec.MsgspecError:
        raise ConnectionResetError from None
    return [Outcome(*one) for one in told]


def _read(control: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = control.recv(size - len(data))
        if not part:
            raise ConnectionResetError
        data += part
    return data


class Preflight:
    """The acts of one start: a canary is put up, and what became of it is looked at."""

    def __init__(self, stage: Stage, launcher: Launcher) -> None:
        self._stage = stage
        self._launcher = launcher
        self._secret = secrets.token_hex(16)
        self._canary = stage.root / "canary"

    def box(self, acts: tuple[tuple[str, ...], ...] | None = None) -> Box:
        """The box with the acts to try: by default those of each start."""
        trial = self._launcher.trial
        box = self._launcher.box(self._stage)
        if acts is None:
            acts = ((*trial.refused, *trial.needed),) if trial.refused or trial.needed else ()
        if not acts:
            return box
        self._put_up()
        return dataclasses.replace(box, acts=acts, targets=self._targets())

    def judge(self, outcomes: list[Outcome]) -> None:
        """Raise `Unfit` when an act succeeded that must not, or failed that must not."""
        wrong = self.breaches(outcomes)
        if wrong:
            raise Unfit(self._launcher.tier, "; ".join(wrong), self._remedy(wrong))

    def _remedy(self, wrong: list[str]) -> str:
        shut_out = any(told.startswith("read_submission failed: Permission") for told in wrong)
        if shut_out and self._launcher.owner is not None:
            where = self._stage.root.parent
            return f"let all users pass `{where}`, or name another folder as TMPDIR"
        return "run `python -m grader doctor`, which tries all that a submission might"

    def breaches(self, outcomes: list[Outcome]) -> list[str]:
        """What is wrong with the box, in words; the canary is gone afterwards."""
        told = {outcome.act: outcome for outcome in outcomes}
        trial = self._launcher.trial
        wrong = []
        for act in trial.refused:
            if act not in told:
                wrong.append(f"{act} was not tried")
            elif told[act].done:
                wrong.append(f"{act} succeeded: {told[act].told}")
        for act in trial.needed:
            if act not in told or not told[act].done:
                wrong.append(f"{act} failed: {told[act].told if act in told else 'not tried'}")
        if trial.refused and self._taken_down() != self._secret:
            wrong.append("a file of the judge's was changed")
        return wrong

    def _put_up(self) -> None:
        try:
            self._canary.write_text(self._secret, encoding="ascii")
            self._canary.chmod(self._launcher.trial.canary_mode)
        except OSError as error:
            raise SandboxFault(f"`{self._canary}` cannot be written: {error.strerror}") from error

    def _taken_down(self) -> str:
        try:
            text = self._canary.read_text(encoding="ascii", errors="replace")
            self._canary.unlink()
        except OSError:
            return ""
        return text

    def _targets(self) -> dict[str, str]:
        stage = self._stage
        package = process.PACKAGE
        hidden: list[Path | str] = [
            self._canary,
            package / "rubric.toml",
            package / "oracle" / "dqn.py",
        ]
        hidden += ["/etc/passwd"]
        unwritable: list[Path | str] = [
            stage.root,
            stage.submission,
            "/",
            tempfile.gettempdir(),
            "/var/tmp",
        ]
        unwritable += ["/dev/shm", package / "worker", sysconfig.get_path("purelib"), Path.home()]
        unwritable += [os.getcwd()]
        return {
            "canary": str(self._canary),
            "hidden": _listed(hidden),
            "unwritable": _listed(unwritable),
            "untouchable": _listed([self._canary, process.BOOTSTRAP]),
            "judge": str(os.getpid()),
            "owner": "" if self._launcher.owner is None else str(self._launcher.owner),
            "environment": ":".join(process.worker_environment(stage.scratch)),
            # The worker can read all of this, and submitted code too: not the name itself.
            "hostname": hashlib.sha256(os.uname().nodename.encode()).hexdigest(),
            "submission": str(stage.submission),
            "scratch": str(stage.scratch),
            "tasks": str(MAX_TASKS),
            "address_space": str(LIMITS["RLIMIT_AS"]),
            "file_bytes": str(LIMITS["RLIMIT_FSIZE"]),
            "open_files": str(LIMITS["RLIMIT_NOFILE"]),
            "cpu_s": str(LIMITS["RLIMIT_CPU"]),
            "scratch_bytes": str(MAX_SCRATCH_BYTES),
            "patience_s": "1" if self._launcher.watched else "0",
        }


def _listed(paths: list[Path | str]) -> str:
    """Existing paths; the acts take them apart at the colons."""
    found = dict.fromkeys(str(path) for path in paths if os.path.exists(path))
    return ":".join(path for path in found if ":" not in path)

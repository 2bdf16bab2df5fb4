"""Grade a case and hold what came of it against what must hold."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec

from grader.grading import GraderFault, Options, grade
from grader.keys import Key
from grader.limits import Limits
from grader.report.json_report import to_json
from grader.report.model import Report
from grader.report.terminal import to_text
from grader.rubric import Rubric, load_rubric
from grader.sandbox.intake import IntakeError, Submitted, take_in
from grader.sandbox.lending import Lent
from tests.hostile.archives import write
from tests.hostile.corpus import Case, Promise, build
from tests.hostile.machine import CANARY, Look, Machine, end, left
from tests.hostile.tiers import SharedHost, start_alone, start_shared

#: Seconds of wall clock in which a grading must be over, on however busy a machine.
WITHIN_S = 240.0
#: A report that is longer has been flooded.
MAX_REPORT_BYTES = 400_000
#: The judge may grow by so much: the largest frames, several times over.
MAX_GROWTH_KB = 400_000
#: What a deed that worked says, followed by a number.
BREACH = re.compile(r"BREACH \d")
_STEERING = {*map(chr, range(32)), *map(chr, range(127, 160)), *"\u2028\u2029\u202e"} - {"\n"}


@dataclass
class Trial:
    """What came of a case in a tier: `broken` holds the promises, each with what was seen."""

    case: Case
    tier: str
    seconds: float = 0.0
    broken: dict[Promise, str] = field(default_factory=dict)
    report: Report | None = None

    @property
    def wrong(self) -> list[str]:
        """Promises that were made and are broken."""
        promised = self.case.promised(self.tier)
        return [
            f"{self.case.id} ({self.tier}): {promise}: {told}"
            for promise, told in self.broken.items()
            if promise in promised
        ]

    @property
    def opened(self) -> list[Promise]:
        """Promises that are broken, and that this tier does not make against the deed."""
        return sorted(set(self.broken) - self.case.promised(self.tier))


class Bench:
    """Tries cases one after another, on one machine, with one prepared host for most of them."""

    def __init__(self, tier: str) -> None:
        self.tier = tier
        self.machine = Machine()
        self._shared: SharedHost | None = None

    def close(self) -> None:
        """End the shared host and clean up."""
        if self._shared is not None:
            self._shared.close()
        self.machine.close()

    def __enter__(self) -> Bench:
        """Itself."""
        return self

    def __exit__(self, *_details: object) -> None:
        """Close."""
        self.close()

    def trial(self, case: Case) -> Trial:
        """Grade the case; every promise is looked at, whether this tier makes it or not."""
        with mock.patch("tempfile.tempdir", str(self.machine.work)):
            return self._trial(case)

    # --- how ---

    def _trial(self, case: Case) -> Trial:
        machine = self.machine
        host = self._host() if case.shares(self.tier) else None
        trial = Trial(case, self.tier)
        before, size = machine.look(), _peak_kb()
        begun = time.monotonic()
        output = io.StringIO()
        try:
            with ExitStack() as stack:
                stack.enter_context(mock.patch("sys.stdout", output))
                if case.hurried:
                    stack.enter_context(_hurry())
                submitted = self._submitted(case, stack)
                trial.report = grade(
                    submitted,
                    Options(solve=False, only=frozenset(case.earns), key=Key(machine.secret_key)),
                    start_host=partial(start_alone, self.tier) if host is None else _lending(host),
                )
        except IntakeError as refusal:
            self._refused(trial, refusal)
        except GraderFault as fault:
            trial.broken["judge"] = f"the grader failed: {fault}"[:400]
        except Exception as error:
            trial.broken["judge"] = f"{type(error).__name__}: {error}"[:400]
        trial.seconds = time.monotonic() - begun
        if trial.report is not None:
            self._points(trial, submitted)
            self._secrets(trial)
        self._aftermath(trial, before, size, output.getvalue())
        return trial

    def _host(self) -> SharedHost:
        if self._shared is None:
            self._shared = start_shared(self.tier)
            self._shared.open()
        return self._shared

    def _submitted(self, case: Case, stack: ExitStack) -> Submitted:
        files = build(case, self.machine.places)
        if case.archive is None:
            return Submitted(case.id, files)
        folder = stack.enter_context(_temporary())
        path = write(case.archive, files, folder / f"mine.{case.archive.kind}", self.machine)
        return take_in(path)

    # --- what must hold ---

    def _refused(self, trial: Trial, refusal: IntakeError) -> None:
        case = trial.case
        if case.refused is None or not re.search(case.refused, str(refusal)):
            trial.broken["points"] = f"refused: {refusal}"
        told = f"{refusal}\n{refusal.hint}"
        if CANARY in told or len(told) > 5_000:
            trial.broken["secrets"] = f"the refusal says {told[:200]}"

    def _points(self, trial: Trial, submitted: Submitted) -> None:
        case, report = trial.case, trial.report
        assert report is not None
        if case.refused is not None:
            trial.broken["points"] = f"was not refused ({case.refused})"
            return
        earns, says = case.due(trial.tier)
        points = {p.id: p.score for p in report.parts if p.attempted}
        if points != earns:
            trial.broken["points"] = f"{points}, expected {earns}: {told(report)[:6]}"
            return
        missing = [p for p in says if not any(re.search(p, line) for line in told(report))]
        if missing:
            trial.broken["points"] = f"nothing says {missing}: {told(report)}"
        unlisted = [name for name in case.left_out if name not in submitted.left_out]
        if unlisted:
            trial.broken["points"] = f"not listed as left out: {unlisted}"

    def _secrets(self, trial: Trial) -> None:
        report = trial.report
        assert report is not None
        data, text = to_json(report), to_text(report)
        _validator().validate(msgspec.json.decode(data))
        for shown in (data.decode(), text):
            if CANARY in shown:
                trial.broken["secrets"] = f"…{shown[shown.index(CANARY) - 200 :][:250]}"
            elif found := BREACH.search(shown):
                trial.broken["secrets"] = f"…{shown[max(0, found.start() - 100) :][:200]}"
        if steering := set(text) & _STEERING:
            trial.broken["judge"] = f"the report could steer a terminal: {steering}"
        if len(data) > MAX_REPORT_BYTES or len(text) > MAX_REPORT_BYTES:
            trial.broken["judge"] = f"a report of {len(data):,} bytes"

    def _aftermath(self, trial: Trial, before: Look, size: int, output: str) -> None:
        machine, broken = self.machine, trial.broken
        if remaining := left(before):
            broken["processes"] = f"{len(remaining)} are left"
            end(remaining)
        after = machine.look()
        changed = {p for p in before.tree | after.tree if before.tree.get(p) != after.tree.get(p)}
        if strays := [*map(str, machine.strays()), *sorted(changed)]:
            broken["files"] = f"written, changed or left: {strays[:4]}"
        machine.remove_strays()
        if count := machine.signals():
            broken["signals"] = f"{count} came"
        if count := machine.calls():
            broken["network"] = f"{count} connections"
        told = {
            "prints to standard output": bool(output),
            "an open descriptor more": after.descriptors > before.descriptors,
            "a thread more": after.threads > before.threads,
            "another folder, environment or signal handler": after.self_image != before.self_image,
            f"{_peak_kb() - size:,} KB more": _peak_kb() - size > MAX_GROWTH_KB,
            f"{trial.seconds:.0f} s": trial.seconds > WITHIN_S,
        }
        if seen := [what for what, happened in told.items() if happened]:
            broken.setdefault("judge", f"the judge has {', '.join(seen)}")


def told(report: Report) -> list[str]:
    """What the report says of each check that did not pass, and what was printed."""
    return [
        f"{c.id} {c.status}: {c.observed or f'blocked by {c.blocked_by}'} | {c.output or ''}"[:2000]
        for c in report.checks
        if c.status not in ("passed", "not_attempted")
    ]


def _lending(host: SharedHost) -> Callable[[Mapping[str, bytes]], Lent]:
    def lend(files: Mapping[str, bytes]) -> Lent:
        host.serve(files)
        return Lent(host)

    return lend


@contextmanager
def _hurry() -> Iterator[None]:
    """Time limits long enough for honest code, short enough for many loops."""
    limits = Limits(call_cpu_s=1.0, call_wall_s=3.0, part_wall_s=15.0)

    def hurried(**which: Any) -> Rubric:
        return msgspec.structs.replace(load_rubric(**which), limits=limits)

    with ExitStack() as stack:
        stack.enter_context(mock.patch("grader.grading.load_rubric", hurried))
        stack.enter_context(mock.patch("grader.client.PATIENCE", 2.0))
        stack.enter_context(mock.patch("grader.client.GRACE_S", 1.0))
        yield


@contextmanager
def _temporary() -> Iterator[Path]:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="handed-in-") as folder:
        yield Path(folder)


def _peak_kb() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@cache
def _validator() -> Any:
    import json

    import jsonschema

    from tests.hostile.corpus import ROOT

    schema = json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema)

"""A desk: grades submission after submission in one process, with a prepared worker kept for them.

Work and results are plain dictionaries, since they travel to other processes and machines:

    work    submission, files, key, grader, solve, only, hidden
    result  status  graded | fault | refused
            graded: report (JSON, the staff's view), environment, seconds
            fault: reason      refused: reason, remedy
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import msgspec

from grader.classroom.terms import grader_hash
from grader.environment import read_environment
from grader.grading import GraderFault, Options, grade
from grader.keys import Key
from grader.recall import Memory
from grader.release.digest import submission_sha256
from grader.report.texts import with_texts_encodable
from grader.rubric import HIDDEN_FOLDER
from grader.sandbox.intake import Submitted
from grader.sandbox.interface import Refused, SandboxFault
from grader.sandbox.lending import Kept, Lent
from grader.sandbox.tiers import start_strongest


class Desk:
    """Use as a context manager; nothing is started before the first work or `open`."""

    def __init__(self, wanted: str, least: str) -> None:
        self._wanted = wanted
        self._least = least
        self._grader = grader_hash()
        self._host: Kept | None = None
        self._memory = Memory()

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._clear()

    def open(self) -> dict[str, Any]:
        """Get ready: status `ready` with grader and environment, or `refused`, or `fault`."""
        try:
            self._host = start_strongest({}, self._wanted, self._least)
            self._host.open()
            environment = read_environment(self._host.tier)
        except Refused as refusal:
            return {"status": "refused", "reason": str(refusal), "remedy": refusal.remedy}
        except SandboxFault as fault:
            self._clear()
            return {"status": "fault", "reason": str(fault)}
        return {
            "status": "ready",
            "grader": self._grader,
            "environment": msgspec.to_builtins(environment),
        }

    def grade(self, work: Mapping[str, Any]) -> dict[str, Any]:
        """The result of one work. A fault with a worker that has served before is tried again."""
        result = self._grade(work, kept := self._host is not None)
        if result["status"] == "fault" and kept:
            result = self._grade(work, False)
        return {"submission": work["submission"], **result}

    def _grade(self, work: Mapping[str, Any], kept: bool) -> dict[str, Any]:
        if not kept:
            self._clear()
        files = work["files"]
        if submission_sha256(files) != work["submission"]:
            return {"status": "fault", "reason": "other bytes arrived than were sent"}
        if work["grader"] != self._grader:
            return {"status": "fault", "reason": "another version of the grader is installed here"}
        options = Options(
            solve=work["solve"],
            only=frozenset(work["only"]),
            view="staff",
            key=Key(work["key"]),
            hidden=HIDDEN_FOLDER if work["hidden"] else None,
        )
        begun = time.perf_counter()
        try:
            report = grade(
                Submitted("", files), options, start_host=self._lend, memory=self._memory
            )
        except Refused as refusal:
            return {"status": "refused", "reason": str(refusal), "remedy": refusal.remedy}
        except GraderFault as fault:
            self._clear()
            return {"status": "fault", "reason": str(fault)}
        except Exception as error:
            self._clear()
            return {"status": "fault", "reason": f"{type(error).__name__}: {error}"}
        return {
            "status": "graded",
            "report": msgspec.json.encode(with_texts_encodable(report)),
            "environment": msgspec.to_builtins(report.environment),
            "seconds": round(time.perf_counter() - begun, 3),
        }

    def _lend(self, files: Mapping[str, bytes]) -> Lent:
        if self._host is None:
            self._host = start_strongest(files, self._wanted, self._least)
        else:
            self._host.serve(files)
        return Lent(self._host)

    def _clear(self) -> None:
        if self._host is not None:
            self._host.close()
            self._host = None

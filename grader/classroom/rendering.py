"""A student's report, put together from what the journal holds."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from grader.classroom.journal import Journal
from grader.classroom.records import Grading, Override, Standing
from grader.grading import Options
from grader.keys import PUBLIC_KEY, Key
from grader.report.model import OverrideEntry, Report, SubmissionEntry
from grader.rubric import HIDDEN_FOLDER
from grader.sandbox.intake import Submitted
from grader.unscored import fault_report, ungradable_report


def report_of(journal: Journal, grading: Grading, standing: Standing) -> Report:
    """In the staff's view, with the student's name and overrides."""
    turn = standing.turn
    hidden = HIDDEN_FOLDER if grading.terms.hidden else None
    options = Options(view="staff", key=_key(journal, grading), hidden=hidden)
    if turn.submission is None:
        return ungradable_report(turn.name, options, f"{turn.problem} ({turn.hint})")
    if standing.verdict is None:
        files = journal.files(turn.submission)
        submitted = Submitted(turn.name, files, list(turn.left_out))
        if standing.fault is None:
            return fault_report(submitted, options, "interrupted", "not graded yet")
        return fault_report(submitted, options, "grader_fault", standing.fault)
    report = msgspec.json.decode(journal.report(standing.verdict), type=Report)
    submission = SubmissionEntry(
        name=turn.name, sha256=turn.submission, left_out=list(turn.left_out)
    )
    return overridden(msgspec.structs.replace(report, submission=submission), standing.overrides)


def _key(journal: Journal, grading: Grading) -> Key:
    key_id = grading.terms.key_id
    return Key(PUBLIC_KEY if key_id == "public" else journal.secret(key_id))


def overridden(report: Report, overrides: Sequence[Override]) -> Report:
    """The report with these points in the place of those that were graded.

    A check that was not attempted has none to be replaced.
    """
    attempted = {check.id: check for check in report.checks if check.status != "not_attempted"}
    mine = {o.check: o for o in overrides if o.check in attempted and o.points is not None}
    if not mine:
        return report
    checks = [
        msgspec.structs.replace(check, score=mine[check.id].points or 0)
        if check.id in mine
        else check
        for check in report.checks
    ]
    parts = [
        msgspec.structs.replace(
            part, score=sum(check.score for check in checks if check.part == part.id)
        )
        for part in report.parts
    ]
    entries = [
        OverrideEntry(
            check=check,
            score=override.points or 0,
            graded=attempted[check].score,
            reason=override.reason,
        )
        for check, override in mine.items()
    ]
    return msgspec.structs.replace(
        report,
        checks=checks,
        parts=parts,
        score=sum(part.score for part in parts),
        overrides=entries,
    )

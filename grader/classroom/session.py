"""Grade a class: take everything in, have what is missing graded, keep every verdict at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec

from grader.classroom.errors import ClassError
from grader.classroom.executor import Executor
from grader.classroom.handins import Rule, Turn, turns
from grader.classroom.journal import Journal
from grader.classroom.layouts import find
from grader.classroom.order import longest_first
from grader.classroom.records import Grading, TurnRow, Verdict
from grader.classroom.summary import summary_of
from grader.classroom.terms import Terms, environment_id
from grader.keys import PUBLIC_KEY, Key
from grader.release.digest import submission_sha256
from grader.report.model import Report
from grader.sandbox.errors import IntakeError, readable


@dataclass(frozen=True)
class Order:
    """What is to be graded, and how."""

    source: Path
    rule: Rule
    key: Key
    solve: bool
    only: frozenset[str]
    #: Whether hidden checks are asked too.
    hidden: bool
    #: Isolation tiers: wanted, least.
    sandbox: tuple[str, str]
    regrade: str | None = None


class Listener(Protocol):
    """Told how far a class is."""

    def known(self, total: int, done: int) -> None:
        """So many submissions, so many with a verdict from before."""

    def graded(self, sha256: str, report: Report, seconds: float) -> None:
        """A verdict is in the journal."""

    def failed(self, sha256: str, reason: str) -> None:
        """A submission could not be graded."""


@dataclass(frozen=True)
class Taken:
    """The grading, and remarks on what was passed over at its source."""

    grading: Grading
    notes: Sequence[str]


def take_in_class(journal: Journal, order: Order) -> Taken:
    """Read every submission that counts, keep its bytes, and begin or go on with the grading.

    Raises `ClassError` when there is nothing to be graded.
    """
    found = find(order.source)
    rows = [_turn_row(journal, turn) for turn in turns(found.hand_ins, order.rule)]
    terms = Terms.of(order.key.id, order.solve, order.only, hidden=order.hidden)
    if order.key.secret != PUBLIC_KEY:
        journal.keep_secret(order.key.id, order.key.secret)
    if order.regrade is not None:
        journal.order_regrade(order.regrade)
    source = readable(str(order.source.resolve()))
    grading = journal.begin(source, found.layout, order.rule, terms, order.sandbox, rows)
    return Taken(grading, found.notes)


def _turn_row(journal: Journal, turn: Turn) -> TurnRow:
    hand_in, student = turn.hand_in, turn.student
    base: dict[str, Any] = {
        "student": readable(student.key),
        "name": readable(student.name),
        "email": readable(student.email),
        "path": hand_in.path,
        "at": hand_in.at,
        "late": hand_in.late,
        "others": turn.others,
    }
    try:
        submitted = hand_in.read()
    except IntakeError as error:
        return TurnRow(
            **base, submission=None, left_out=(), problem=str(error), hint=readable(error.hint)
        )
    sha256 = submission_sha256(submitted.files)
    journal.keep_submission(sha256, submitted.files)
    return TurnRow(**base, submission=sha256, left_out=tuple(submitted.left_out))


def complete(
    journal: Journal,
    grading: Grading,
    make_executor: Callable[[int], AbstractContextManager[Executor]],
    listener: Listener,
    watch: Callable[[Executor], None] = lambda _executor: None,
) -> Grading:
    """Have everything graded that is missing; afterwards all verdicts are in the journal.

    make_executor : given the number of submissions, something that grades them
    watch : told of the executor once it is at work

    Raises `ClassError` where no isolation works, and `ClassFault`. `KeyboardInterrupt` passes.
    """
    distinct = len({s.turn.submission for s in journal.standings(grading)} - {None})
    if not distinct:
        journal.finish(grading)
        return grading
    with make_executor(distinct) as executor:
        entries = executor.environments()
        grading = journal.admit(grading, _by_id(entries))
        missing = longest_first(journal, journal.missing(grading))
        listener.known(distinct, distinct - len(missing))
        watch(executor)
        faults = _hand_out(journal, grading, executor, missing, listener)
    if not faults:
        journal.finish(grading)
    return journal.grading(grading.id)


def _hand_out(
    journal: Journal,
    grading: Grading,
    executor: Executor,
    missing: Sequence[str],
    listener: Listener,
) -> int:
    """Have these graded, longest first; the number of those that could not be."""
    waiting = list(reversed(missing))
    outstanding = faults = 0
    while waiting or outstanding:
        while waiting and outstanding < executor.capacity:
            executor.hand_out(work_on(journal, grading, waiting.pop()))
            outstanding += 1
        result = executor.result()
        outstanding -= 1
        faults += not _kept(journal, grading, result, listener)
    return faults


def work_on(journal: Journal, grading: Grading, sha256: str) -> dict[str, Any]:
    """What somebody needs who is to grade this submission."""
    key_id = grading.terms.key_id
    secret = PUBLIC_KEY if key_id == "public" else journal.secret(key_id)
    options = msgspec.json.decode(grading.terms.options)
    return {
        "submission": sha256,
        "files": journal.files(sha256),
        "key": secret,
        "grader": grading.terms.grader,
        **options,
    }


def _kept(
    journal: Journal, grading: Grading, result: Mapping[str, Any], listener: Listener
) -> bool:
    """Keep a result; whether it is a verdict."""
    sha256 = result["submission"]
    if result["status"] == "refused":
        raise ClassError(result["reason"], result["remedy"])
    if result["status"] != "graded":
        journal.add_fault(grading, sha256, result["reason"])
        listener.failed(sha256, result["reason"])
        return False
    entries = _by_id([result["environment"]])
    (environment,) = entries
    if environment not in journal.grading(grading.id).environments:
        journal.admit(journal.grading(grading.id), entries)
    report = msgspec.json.decode(result["report"], type=Report)
    verdict = Verdict(sha256, environment, summary_of(report), result["seconds"], result["report"])
    journal.add_verdict(grading, verdict)
    listener.graded(sha256, report, result["seconds"])
    return True


def _by_id(entries: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {environment_id(entry): msgspec.json.encode(entry).decode() for entry in entries}

"""How far a class is, and what came of it so far."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path

from grader.classroom.journal import Journal
from grader.classroom.marks import mark_of
from grader.classroom.records import now
from grader.classroom.store import is_at_work


def status_lines(out: Path) -> list[str]:
    """Lines for people; `ClassError` when there is no journal."""
    with Journal.to_read(out) as journal:
        gradings = journal.gradings()
        if not gradings:
            return [f"nothing has been graded in {out}"]
        grading = gradings[-1]
        marks, faults = [], []
        for standing in journal.standings(grading):
            marks.append(mark_of(standing))
            if standing.fault is not None:
                faults.append(f"grader fault: {standing.turn.student}: {standing.fault}")
        reason = journal.regrade_reason(grading.regrade)
    statuses = Counter(mark.status for mark in marks)
    done = len(marks) - statuses["pending"] - statuses["grader_fault"]
    at_work = is_at_work(out)
    lines = [
        f"grading {grading.id} of {grading.source} ({grading.layout}, the {grading.rule} counts), "
        f"begun {grading.begun}" + (f", a regrade: {reason}" if reason else "")
    ]
    if grading.finished:
        lines.append(f"finished {grading.finished}")
    else:
        lines.append("a command is at work on it" if at_work else "not finished, nothing at work")
    lines.append(
        f"{done} of {len(marks)} students have a mark"
        + "".join(
            f", {statuses[status]} {words}"
            for status, words in (
                ("ungradable", "of them with nothing gradable"),
                ("grader_fault", "not graded by a fault of the grader"),
                ("pending", "to come"),
            )
            if statuses[status]
        )
    )
    if at_work and not grading.finished and done:
        elapsed = _seconds(grading.begun, now())
        lines.append(f"{elapsed:.0f} s since it was begun")
    scores = sorted(
        mark.score for mark in marks if mark.status == "graded" and mark.score is not None
    )
    if scores:
        lines.append(f"scores from {scores[0]} to {scores[-1]}, median {scores[len(scores) // 2]}")
    given = sum(len(mark.overridden) for mark in marks)
    if given:
        lines.append(f"{given} check{'s' if given > 1 else ''} with points given by staff")
    lines += faults
    if len(gradings) > 1:
        lines.append(f"earlier gradings: {', '.join(f'{out}@{g.id}' for g in gradings[:-1])}")
    return lines


def _seconds(begun: str, ended: str) -> float:
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds()

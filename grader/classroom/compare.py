"""What changed between two gradings, student by student, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.classroom.appeals import differing
from grader.classroom.errors import ClassError
from grader.classroom.journal import Journal
from grader.classroom.marks import Mark, mark_of
from grader.classroom.records import Grading, Standing


@dataclass(frozen=True)
class Change:
    """One student's: scores (None when there is none), checks, and reasons."""

    student: str
    name: str
    old: int | None
    new: int | None
    checks: tuple[str, ...]
    why: tuple[str, ...]

    @property
    def is_loss(self) -> bool:
        """Whether a grade went down, or away."""
        return self.old is not None and (self.new is None or self.new < self.old)


@dataclass(frozen=True)
class Comparison:
    """All changes; of the students without one, how many there are."""

    changes: tuple[Change, ...]
    unchanged: int
    #: Students with another submission, graded alike.
    resubmitted: int

    @property
    def losses(self) -> int:
        """How many grades went down."""
        return sum(change.is_loss for change in self.changes)


def open_side(text: str) -> tuple[Journal, Grading]:
    """The journal and the grading that `OUT` (its last) or `OUT@NUMBER` names."""
    place, at, number = text.rpartition("@")
    if not (at and number.isdecimal()) or Path(text).exists():
        place, number = text, ""
    journal = Journal.to_read(Path(place).expanduser())
    try:
        return journal, journal.grading(int(number) if number else None)
    except LookupError:
        with journal:
            known = ", ".join(str(grading.id) for grading in journal.gradings())
        raise ClassError(
            f"there is no grading {number or 'at all'} in `{place}`",
            f"it has {known}" if known else "grade a class into it first",
        ) from None


def compare(old: tuple[Journal, Grading], new: tuple[Journal, Grading]) -> Comparison:
    """Whoever is in either of them."""
    before = {each.turn.student: each for each in old[0].standings(old[1])}
    context = _Context(old, new)
    changes = []
    unchanged = resubmitted = 0
    for standing in new[0].standings(new[1]):
        other = before.pop(standing.turn.student, None)
        if other is None:
            changes.append(_arrival(standing))
            continue
        if _alike(other, standing) or not (change := context.change(other, standing)):
            unchanged += 1
            resubmitted += other.turn.submission != standing.turn.submission
            continue
        changes.append(change)
    changes += [_departure(each) for each in before.values()]
    return Comparison(tuple(changes), unchanged, resubmitted)


def _alike(old: Standing, new: Standing) -> bool:
    """Without reading what the verdicts say."""
    return old.packed is not None and old.packed == new.packed and _points(old) == _points(new)


def _points(standing: Standing) -> list[tuple[str, int | None]]:
    return [(each.check, each.points) for each in standing.overrides]


def _arrival(standing: Standing) -> Change:
    turn, mark = standing.turn, mark_of(standing)
    return Change(turn.student, turn.name, None, mark.score, (), ("not in the old grading",))


def _departure(standing: Standing) -> Change:
    turn, mark = standing.turn, mark_of(standing)
    return Change(turn.student, turn.name, mark.score, None, (), ("not in the new grading",))


class _Context:
    """What is the same for all students: the terms, and the environments by name."""

    def __init__(self, old: tuple[Journal, Grading], new: tuple[Journal, Grading]) -> None:
        self._old, self._new = old, new
        terms = (
            ("grader", old[1].terms.grader, new[1].terms.grader),
            ("rubric", old[1].terms.rubric[:12], new[1].terms.rubric[:12]),
            ("key", old[1].terms.key_id, new[1].terms.key_id),
            ("options", old[1].terms.options, new[1].terms.options),
        )
        self._terms = [f"{name}: {a} → {b}" for name, a, b in terms if a != b]
        self._environments: dict[tuple[str, str], list[str]] = {}

    def change(self, old: Standing, new: Standing) -> Change | None:
        """None when neither points nor what came of a check changed."""
        before, after = mark_of(old), mark_of(new)
        checks = _changed_checks(before, after)
        if before.score == after.score and not checks and before.status == after.status:
            return None
        return Change(
            student=new.turn.student,
            name=new.turn.name,
            old=before.score,
            new=after.score,
            checks=tuple(checks),
            why=tuple(self._why(old, new, before, after)),
        )

    def _why(self, old: Standing, new: Standing, before: Mark, after: Mark) -> list[str]:
        why = []
        first, second = old.turn.submission, new.turn.submission
        if first != second:
            why.append(f"submission: {_short(first)} → {_short(second)}")
        if before.status != after.status:
            why += [mark.remark for mark in (before, after) if mark.status != "graded"]
        why += self._terms
        if old.environment and new.environment and old.environment != new.environment:
            differences = self._differing(old.environment, new.environment)
            why.append(f"environment: {', '.join(differences)}")
        if before.overridden != after.overridden:
            why += [f"override: {told}" for told in after.overridden]
            taken = {o.check for o in old.overrides} - {o.check for o in new.overrides}
            why += [f"override of {check} taken back" for check in sorted(taken)]
        if not why:
            why.append(
                "nothing that is recorded differs: the submission behaves differently each time"
            )
        return why

    def _differing(self, old: str, new: str) -> list[str]:
        if (old, new) not in self._environments:
            self._environments[old, new] = differing(
                self._old[0].environment(old), self._new[0].environment(new)
            )
        return self._environments[old, new]


def _short(sha256: str | None) -> str:
    return "nothing gradable" if sha256 is None else sha256[:12]


def _changed_checks(before: Mark, after: Mark) -> list[str]:
    old, new = _outcomes(before), _outcomes(after)
    told = []
    for check in dict.fromkeys([*old, *new]):
        was, is_now = old.get(check), new.get(check)
        if was != is_now and before.status == after.status == "graded":
            told.append(f"{check}: {_told(was)} → {_told(is_now)}")
    return told


def _outcomes(mark: Mark) -> Mapping[str, tuple[str, int]]:
    return {check.id: (check.status, check.score) for check in mark.checks}


def _told(outcome: tuple[str, int] | None) -> str:
    if outcome is None:
        return "not there"
    status, score = outcome
    return f"{status.replace('_', ' ')} {score}"

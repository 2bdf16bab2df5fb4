"""What was handed in, by whom and when; and which of several submissions counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from grader.sandbox.intake import Submitted

Rule = Literal["newest", "oldest"]
RULES: tuple[Rule, ...] = get_args(Rule)


@dataclass(frozen=True)
class Student:
    """Somebody who handed in; `key` is what the platform tells people apart by."""

    key: str
    name: str
    email: str = ""


@dataclass(frozen=True)
class HandIn:
    """One submission, of one student or of several together.

    path : where it lies, as it is told to people
    read : the files; raises `IntakeError` when there are none to be graded
    at : when it was handed in (ISO 8601), empty when nothing says so
    order : hand-ins of one student, sorted by this, are sorted by age
    late : whether the platform calls it late; None when it does not say
    """

    students: tuple[Student, ...]
    path: str
    read: Callable[[], Submitted]
    at: str = ""
    order: tuple[float | str, ...] = ()
    late: bool | None = None


@dataclass(frozen=True)
class Found:
    """All hand-ins at a place, and remarks on what was passed over there."""

    layout: str
    hand_ins: Sequence[HandIn]
    notes: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True)
class Turn:
    """A student with the hand-in that counts, and the paths of the others."""

    student: Student
    hand_in: HandIn
    others: tuple[str, ...]


def turns(hand_ins: Iterable[HandIn], rule: Rule) -> list[Turn]:
    """One turn per student, in the order of their keys."""
    by_key: dict[str, tuple[Student, list[HandIn]]] = {}
    for hand_in in hand_ins:
        for student in hand_in.students:
            by_key.setdefault(student.key, (student, []))[1].append(hand_in)
    found = []
    for key in sorted(by_key, key=_natural):
        student, mine = by_key[key]
        mine.sort(key=lambda hand_in: hand_in.order)  # stable: among equals, the later one is newer
        counts = mine[-1 if rule == "newest" else 0]
        others = tuple(each.path for each in mine if each is not counts)
        found.append(Turn(student, counts, others))
    return found


def _natural(key: str) -> tuple[int, int, str]:
    """Numbers in their order, then everything else."""
    return (0, int(key), key) if key.isdecimal() and len(key) < 19 else (1, 0, key)

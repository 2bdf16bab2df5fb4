"""The rubric: points, titles, visibility and time limits as data, read strictly."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from grader.limits import USUAL_LIMITS, Limits

RUBRIC_FILE = Path(__file__).with_name("rubric.toml")
#: Checks of official gradings. The folder is not in a student's copy.
HIDDEN_FOLDER = Path(__file__).with_name("hidden")
Visibility = Literal["visible", "hidden", "after_due_date", "after_published"]
T = TypeVar("T")


class RubricError(Exception):
    """The rubric contradicts itself or the contract: says where."""


class PartEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A graded part; its checks' points add up to `points`."""

    id: str
    title: str
    points: int


class CheckEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A check; its id begins with its part's id and a dot.

    A hidden check has no points of its own: it can take those of the one that it `strengthens`.
    """

    id: str
    title: str
    points: int = 0
    visibility: Visibility = "visible"
    needs: Sequence[str] = ()
    strengthens: str | None = None

    @property
    def part(self) -> str:
        """The id of the part that it belongs to."""
        return self.id.split(".")[0]


class Rubric(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All parts and checks, in the order in which they are shown, and the time limits."""

    part: list[PartEntry]
    check: list[CheckEntry]
    limits: Limits = USUAL_LIMITS
    sha256: str = ""

    def checks_of(self, part: str) -> list[CheckEntry]:
        """The checks of one part, in order."""
        return [check for check in self.check if check.part == part]

    def find(self, check_id: str) -> CheckEntry:
        """The check of that id; `KeyError` when there is none."""
        for check in self.check:
            if check.id == check_id:
                return check
        raise KeyError(check_id)


class _HiddenRubric(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rubric of hidden checks: they belong to the parts that there are."""

    check: list[CheckEntry]


def load_rubric(path: Path = RUBRIC_FILE, *, hidden: Path | None = None) -> Rubric:
    """Read and check a rubric; `RubricError` names what is wrong.

    With `hidden`, a folder of hidden checks with a rubric of theirs, these stand behind the public
    checks of their parts.
    """
    raw = path.read_bytes()
    rubric = _decode(raw, Rubric, path.name)
    _check(rubric, path.name)
    if hidden is not None:
        more = (hidden / "rubric.toml").read_bytes()
        rubric = _with_hidden(rubric, _decode(more, _HiddenRubric, "hidden/rubric.toml"))
        raw += more
    # Line endings aside, so that every checkout has the same hash.
    digest = hashlib.sha256(raw.replace(b"\r\n", b"\n")).hexdigest()
    return msgspec.structs.replace(rubric, sha256=digest)


def _decode(raw: bytes, kind: type[T], name: str) -> T:
    try:
        return msgspec.toml.decode(raw, type=kind)
    except (msgspec.MsgspecError, ValueError) as error:
        raise RubricError(f"{name}: {error}") from None


def _with_hidden(rubric: Rubric, hidden: _HiddenRubric) -> Rubric:
    public = {check.id: check for check in rubric.check}
    known = set(public)
    for check in hidden.check:
        told = f"hidden/rubric.toml: check `{check.id}`"
        if check.id in known:
            raise RubricError(f"{told} stands there twice, or is a public one")
        if check.points:
            raise RubricError(f"{told} has {check.points} points; hidden checks have none")
        target = public.get(check.strengthens or "")
        if target is None or not target.points or target.part != check.part:
            raise RubricError(
                f"{told} must strengthen a public check of its part that has points, not "
                f"`{check.strengthens}`"
            )
        for needed in check.needs:
            if needed not in known:
                raise RubricError(f"{told} needs `{needed}`, which is not before it")
        known.add(check.id)
    checks = [
        check
        for part in rubric.part
        for check in [*rubric.checks_of(part.id), *(c for c in hidden.check if c.part == part.id)]
    ]
    return msgspec.structs.replace(rubric, check=checks)


def _check(rubric: Rubric, name: str) -> None:
    for found in contradictions(rubric):
        raise RubricError(f"{name}: {found.told}")


@dataclass(frozen=True)
class Contradiction:
    """Something that cannot be as a rubric says.

    `kind` and `id` name the entry that it is about, if it is about one, and `key` what is wrong in
    it; `wrong` is a name that nothing has, and `known` are those that something has.
    """

    told: str
    kind: Literal["part", "check", "limits"] | None = None
    id: str = ""
    key: str = "points"
    wrong: str = ""
    known: Sequence[str] = ()


def contradictions(rubric: Rubric) -> Iterator[Contradiction]:
    """All of them, in an order in which the first explains most."""
    total = sum(part.points for part in rubric.part)
    if total != 100:
        yield Contradiction(f"the parts' points add up to {total}, not 100")
    kinds: tuple[tuple[Literal["part", "check"], list[str]], ...] = (
        ("part", [part.id for part in rubric.part]),
        ("check", [check.id for check in rubric.check]),
    )
    for kind, ids in kinds:
        for twice in sorted({i for i in ids if ids.count(i) > 1}):
            yield Contradiction(f"{kind} `{twice}` stands there twice", kind, twice, "id")
    before: list[str] = []
    for check in rubric.check:
        yield from _of_check(check, [part.id for part in rubric.part], before)
        before.append(check.id)
    for part in rubric.part:
        points = sum(check.points for check in rubric.checks_of(part.id))
        if points != part.points:
            told = f"the checks of `{part.id}` add up to {points}, not {part.points}"
            yield Contradiction(told, "part", part.id)
    yield from _of_limits(rubric.limits)


def _of_limits(limits: Limits) -> Iterator[Contradiction]:
    """What ends a longer time must not end a shorter one before it is over."""
    for key, least in (("call_wall_s", "call_cpu_s"), ("part_wall_s", "call_wall_s")):
        if getattr(limits, key) < getattr(limits, least):
            told = f"`{key}` is less than `{least}`: it would end what that allows"
            yield Contradiction(told, "limits", key=key)


def _of_check(
    check: CheckEntry, parts: Sequence[str], before: Sequence[str]
) -> Iterator[Contradiction]:
    if check.part not in parts or check.id.count(".") != 1:
        told = f"check `{check.id}` belongs to no part"
        yield Contradiction(told, "check", check.id, "id", check.part, parts)
        return
    given = check.id.split(".")[1].startswith("given_")
    if check.strengthens is not None:
        told = f"check `{check.id}` strengthens another; only hidden checks do"
        yield Contradiction(told, "check", check.id, "strengthens")
    if check.points < 0 or (check.points == 0) != given:
        told = (
            f"check `{check.id}` has {check.points} points; checks of given code have 0, all "
            "others at least 1"
        )
        yield Contradiction(told, "check", check.id)
    for needed in check.needs:
        if needed not in before:
            told = f"`{check.id}` needs `{needed}`, which is not before it"
            yield Contradiction(told, "check", check.id, "needs", needed, before)

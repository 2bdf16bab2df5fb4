"""The rubric: points, titles and visibility as data, read strictly."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

RUBRIC_FILE = Path(__file__).with_name("rubric.toml")
Visibility = Literal["visible", "hidden", "after_due_date", "after_published"]


class RubricError(Exception):
    """The rubric contradicts itself or the contract: says where."""


class PartEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A graded part; its checks' points add up to `points`."""

    id: str
    title: str
    points: int


class CheckEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A check; its id begins with its part's id and a dot."""

    id: str
    title: str
    points: int
    visibility: Visibility = "visible"
    needs: Sequence[str] = ()

    @property
    def part(self) -> str:
        """The id of the part that it belongs to."""
        return self.id.split(".")[0]


class Rubric(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All parts and checks, in the order in which they are shown."""

    part: list[PartEntry]
    check: list[CheckEntry]
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


def load_rubric(path: Path = RUBRIC_FILE) -> Rubric:
    """Read and check a rubric; `RubricError` names what is wrong."""
    raw = path.read_bytes()
    try:
        rubric = msgspec.toml.decode(raw, type=Rubric)
    except (msgspec.MsgspecError, ValueError) as error:
        raise RubricError(f"{path.name}: {error}") from None
    _check(rubric, path.name)
    # Line endings aside, so that every checkout has the same hash.
    digest = hashlib.sha256(raw.replace(b"\r\n", b"\n")).hexdigest()
    return msgspec.structs.replace(rubric, sha256=digest)


def _check(rubric: Rubric, name: str) -> None:
    total = sum(part.points for part in rubric.part)
    if total != 100:
        raise RubricError(f"{name}: the parts' points add up to {total}, not 100")
    for kind, ids in (
        ("part", [part.id for part in rubric.part]),
        ("check", [check.id for check in rubric.check]),
    ):
        twice = sorted({i for i in ids if ids.count(i) > 1})
        if twice:
            raise RubricError(f"{name}: {kind} `{twice[0]}` stands there twice")
    known = {part.id for part in rubric.part}
    before: set[str] = set()
    for check in rubric.check:
        if check.part not in known or check.id.count(".") != 1:
            raise RubricError(f"{name}: check `{check.id}` belongs to no part")
        given = check.id.split(".")[1].startswith("given_")
        if check.points < 0 or (check.points == 0) != given:
            raise RubricError(
                f"{name}: check `{check.id}` has {check.points} points; checks of given code have "
                "0, all others at least 1"
            )
        for needed in check.needs:
            if needed not in before:
                raise RubricError(f"{name}: `{check.id}` needs `{needed}`, which is not before it")
        before.add(check.id)
    for part in rubric.part:
        points = sum(check.points for check in rubric.checks_of(part.id))
        if points != part.points:
            raise RubricError(
                f"{name}: the checks of `{part.id}` add up to {points}, not {part.points}"
            )

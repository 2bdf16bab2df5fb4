"""The hostile corpus: deeds on complete submissions, read strictly.

`README.md` says how a case is written.
"""

from __future__ import annotations

import binascii
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from tests.validity.corpus import FILES, PatchError

ROOT = Path(__file__).resolve().parents[2]
CASES = Path(__file__).with_name("cases")
BASES = ROOT / "tests" / "corpus" / "bases"
#: Not a correct submission: everything that a student writes is still to be done.
STARTER = "starter"

Part = Literal["q_network", "sample", "update", "update_target"]
#: What holds of every deed, unless a tier is said to leave it open.
Promise = Literal["points", "secrets", "files", "processes", "signals", "network", "judge"]


class Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what is read from TOML."""


class Edit(Strict, frozen=True):
    """One change to one file: `top` before and `end` after it, `find` once and `replace`, or the
    whole file as `content`, as `hex`, or re-coded (`encoding`)."""

    file: str
    top: str | None = None
    end: str | None = None
    find: str | None = None
    replace: str | None = None
    content: str | None = None
    hex: str | None = None
    encoding: str | None = None


class Member(Strict, frozen=True):
    """One member of an archive or a folder: a file of the base (`of`), text, so many zeros, or a
    link."""

    name: str
    of: str | None = None
    content: str | None = None
    zeros: int | None = None
    link: str | None = None
    hard: str | None = None
    fifo: bool = False
    raw_name: str | None = None
    claims: int | None = None
    times: int = 1


class Archive(Strict, frozen=True):
    """How the submission comes: its members, and what is done to the archive's bytes."""

    kind: Literal["zip", "tar", "tar.gz", "folder", "bytes"]
    member: tuple[Member, ...] = ()
    hex: str | None = None
    cut: int | None = None
    encrypted: bool = False


class Instead(Strict, frozen=True):
    """What comes of a deed in these tiers, where it comes to another end than in the others."""

    tiers: tuple[str, ...]
    earns: dict[Part, int] | None = None
    says: tuple[str, ...] | None = None


class Case(Strict, frozen=True):
    """One deed, and what must come of it.

    earns: the parts to grade, with the points that they must have
    says: patterns, each of which is found in a line `check status: observed`
    instead: other points or patterns, in some tiers
    refused: instead of a grading, what the refusal of the submission says
    open: promises that a tier does not make against this deed
    alone: the host is not shared with other cases, since the deed reaches for it, which only the
        plain tier lets it, or leaves something behind that is not seen from outside
    hurried: the time limits are shortened
    sample: graded by `make test` too, in the plain tier or in every one
    """

    id: str
    why: str
    base: str = "textbook"
    earns: dict[Part, int] = {}
    says: tuple[str, ...] = ()
    refused: str | None = None
    left_out: tuple[str, ...] = ()
    open: dict[str, tuple[Promise, ...]] = {}
    alone: Literal["plain", "every"] | None = None
    hurried: bool = False
    sample: Literal["plain", "every"] | None = None
    edit: tuple[Edit, ...] = ()
    archive: Archive | None = None
    instead: tuple[Instead, ...] = ()
    group: str = ""

    def promised(self, tier: str) -> frozenset[Promise]:
        """What must hold of this deed in a tier."""
        everything: tuple[Promise, ...] = Promise.__args__  # type: ignore[attr-defined]
        return frozenset(everything) - set(self.open.get(tier, ()))

    def shares(self, tier: str) -> bool:
        """Whether its host in a tier may serve other cases as well."""
        return self.alone is None or (self.alone == "plain" and tier != "plain")

    def due(self, tier: str) -> tuple[dict[Part, int], tuple[str, ...]]:
        """The points and the patterns that a tier's report must have."""
        earns, says = self.earns, self.says
        for other in self.instead:
            if tier in other.tiers:
                earns = earns if other.earns is None else other.earns
                says = says if other.says is None else other.says
        return earns, says


def read_cases(folder: Path = CASES) -> list[Case]:
    """Every case, in the order of files and of their contents."""
    cases = [case for path in sorted(folder.glob("*.toml")) for case in _read(path)]
    seen: dict[str, str] = {}
    for case in cases:
        if case.id in seen:
            raise PatchError(f"{case.id}: stands in {seen[case.id]} and in {case.group}")
        seen[case.id] = case.group
        if bool(case.earns) == (case.refused is not None):
            raise PatchError(f"{case.id}: expected either `earns` or `refused`")
        if any(
            other.earns is not None and {*other.earns} != {*case.earns} for other in case.instead
        ):
            raise PatchError(f"{case.id}: other parts earn something elsewhere")
    return cases


def _read(path: Path) -> Iterator[Case]:
    try:
        tables = tomllib.loads(path.read_text("utf-8"))["case"]
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise PatchError(f"{path.stem}: {error}") from error
    for table in tables:
        try:
            yield msgspec.convert({**table, "group": path.stem}, Case)
        except msgspec.ValidationError as error:
            name = table.get("id", "a case without id")
            raise PatchError(f"{path.stem}, {name}: {error}") from error


def build(case: Case, places: Mapping[str, str] | None = None) -> dict[str, bytes]:
    """The files of a case, with `@name@` replaced by what `places` says; `PatchError` when an edit
    does not apply."""
    base = ROOT / STARTER if case.base == STARTER else BASES / case.base
    if not base.is_dir():
        raise PatchError(f"{case.id}: there is no base `{case.base}`")
    files = {name: (base / name).read_bytes() for name in FILES}
    for number, edit in enumerate(case.edit, 1):
        where = f"{case.id}, edit {number} ({edit.file})"
        changed = _apply(edit, files.get(edit.file, b""), where)
        for name, value in (places or {}).items():
            changed = changed.replace(f"@{name}@".encode(), value.encode())
        files[edit.file] = changed
    return files


def _apply(edit: Edit, data: bytes, where: str) -> bytes:
    if edit.hex is not None:
        return binascii.unhexlify("".join(edit.hex.split()))
    if edit.content is not None:
        return edit.content.encode()
    if edit.encoding is not None:
        return data.decode().encode(edit.encoding)
    text = data.decode()
    if edit.find is not None:
        find = edit.find.removesuffix("\n")
        if not find or text.count(find) != 1:
            raise PatchError(f"{where}: `find` occurs {text.count(find)} times, expected once")
        text = text.replace(find, (edit.replace or "").removesuffix("\n"))
    elif edit.top is None and edit.end is None:
        raise PatchError(f"{where}: changes nothing")
    return ((edit.top or "") + text + (edit.end or "")).encode()

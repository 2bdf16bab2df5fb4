"""The corpus of submissions: small patches on complete ones, read strictly.

`tests/corpus/README.md` says how a case is written.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

CORPUS = Path(__file__).resolve().parents[1] / "corpus"
FILES = ("q_network.py", "replay_buffer.py", "dqn_agent.py")
KINDS = ("wrong", "subtle", "double", "correct")
Part = Literal["q_network", "sample", "update", "update_target"]
_BOM = "\ufeff"


class PatchError(Exception):
    """A case that cannot be read or does not apply; the message names it."""


class Edit(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"as_": "as"}
):
    """One change to one file: `find` once and `replace`, the whole `content`, or the file as it is
    in another guise (`as`)."""

    file: Literal["q_network.py", "replay_buffer.py", "dqn_agent.py"]
    find: str | None = None
    replace: str | None = None
    content: str | None = None
    as_: Literal["crlf", "bom", "bom+crlf", "tabs"] | None = None


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One submission and what must be said of it.

    loses: the parts that must lose points; no other part may lose any
    codes: the misconceptions in it, each of which should be named
    also: further names that describe it as well
    advice: a remark that must be made
    group: `kind/file`, from where the case stands
    """

    id: str
    base: str
    why: str
    loses: tuple[Part, ...] = ()
    codes: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    advice: str | None = None
    edit: tuple[Edit, ...] = ()
    group: str = ""

    @property
    def kind(self) -> str:
        """wrong, subtle, double or correct."""
        return self.group.split("/")[0]


def read_corpus(root: Path = CORPUS) -> list[Case]:
    """Every case, in the order of files and of their contents."""
    cases = [
        case
        for kind in KINDS
        for path in sorted((root / kind).glob("*.toml"))
        for case in _read(path, kind)
    ]
    seen: dict[str, str] = {}
    for case in cases:
        if case.id in seen:
            raise PatchError(f"{case.id}: stands in {seen[case.id]} and in {case.group}")
        seen[case.id] = case.group
    return cases


def build(case: Case, root: Path = CORPUS) -> dict[str, bytes]:
    """The three files of a case; `PatchError` when an edit does not apply."""
    texts = {name: content.decode() for name, content in base_files(case, root).items()}
    for number, edit in enumerate(case.edit, 1):
        where = f"{case.id}, edit {number} ({edit.file})"
        texts[edit.file] = _apply(edit, texts[edit.file], where)
    return {name: text.encode() for name, text in texts.items()}


def base_files(case: Case, root: Path = CORPUS) -> dict[str, bytes]:
    """The three files that a case changes; `PatchError` when there is no such base."""
    base = root / "bases" / case.base
    if not base.is_dir():
        raise PatchError(f"{case.id}: there is no base `{case.base}`")
    return {name: (base / name).read_bytes() for name in FILES}


def _read(path: Path, kind: str) -> Iterator[Case]:
    group = f"{kind}/{path.stem}"
    try:
        tables = tomllib.loads(path.read_text("utf-8"))["case"]
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise PatchError(f"{group}: {error}") from error
    for table in tables:
        try:
            yield msgspec.convert({**table, "group": group}, Case)
        except msgspec.ValidationError as error:
            raise PatchError(f"{group}, {table.get('id', 'a case without id')}: {error}") from error


def _apply(edit: Edit, text: str, where: str) -> str:
    given = {n for n in ("find", "replace", "content", "as_") if getattr(edit, n) is not None}
    if given == {"content"} and edit.content is not None:
        return edit.content
    if given == {"as_"} and edit.as_ is not None:
        return _in_guise(text, edit.as_)
    if edit.find is None or edit.replace is None or len(given) != 2:
        raise PatchError(f"{where}: expected `find` and `replace`, `content`, or `as`")
    find = edit.find.removesuffix("\n")
    count = text.count(find) if find else 0
    if count != 1:
        raise PatchError(f"{where}: `find` occurs {count} times, expected once:\n{find}")
    return text.replace(find, edit.replace.removesuffix("\n"))


def _in_guise(text: str, guise: str) -> str:
    if guise == "tabs":
        return re.sub(r"(?m)^(?: {4})+", lambda spaces: "\t" * (len(spaces[0]) // 4), text)
    if "crlf" in guise:
        text = text.replace("\n", "\r\n")
    return _BOM + text if "bom" in guise else text

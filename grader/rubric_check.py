"""What is wrong with a rubric, for whoever edits it: every mistake with its line."""

from __future__ import annotations

import difflib
import importlib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import msgspec

from grader.limits import Limits
from grader.rubric import CheckEntry, PartEntry, Rubric, Visibility, contradictions

_ENTRIES: Mapping[str, type[msgspec.Struct]] = {"part": PartEntry, "check": CheckEntry}
_LIMITS = "limits"
_TABLES: Mapping[str, type[msgspec.Struct]] = {**_ENTRIES, _LIMITS: Limits}
_HEAD = re.compile(r"\s*\[\[?\s*\"?(\w+)\"?\s*\]")
_KEY = re.compile(r"\s*\"?([\w-]+)\"?\s*=")
_AT = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)")
#: The part that is no module of checks.
_CARTPOLE = "cartpole.solved"


@dataclass(frozen=True)
class Mistake:
    """A mistake: the line, from 1, what is wrong there, and the closest that would be right."""

    line: int
    told: str
    hint: str | None = None


@dataclass(frozen=True)
class _Table:
    """An entry of the file, or its limits: where it begins, and its keys with their lines."""

    kind: str
    line: int
    values: Mapping[str, Any]
    lines: Mapping[str, int]

    @property
    def name(self) -> str:
        if self.kind == _LIMITS:
            return f"`[{_LIMITS}]`"
        named = self.values.get("id")
        return f"{self.kind} `{named}`" if isinstance(named, str) else f"this {self.kind}"

    def line_of(self, key: str) -> int:
        return self.lines.get(key, self.line)


def mistakes_in(text: str) -> list[Mistake]:
    """Everything wrong with a rubric, from the top of the file; empty when it can be used.

    What contradicts itself is looked for once every entry can be read.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return [_syntax(str(error), text)]
    found = list(_of_form(data, text))
    if not found:
        tables = _tables(data, text)
        rubric = msgspec.convert(data, Rubric)
        found = [*_of_sense(rubric, tables), *_of_functions(rubric, tables)]
    return sorted(found, key=lambda mistake: mistake.line)


def _syntax(told: str, text: str) -> Mistake:
    place = _AT.search(told)
    line = int(place[1]) if place and place[1] else text.rstrip("\n").count("\n") + 1
    return Mistake(line, f"not TOML: {_AT.sub('', told)}")


def _of_form(data: Mapping[str, Any], text: str) -> Iterator[Mistake]:
    """Keys that nothing has, keys that are missing, values of another kind."""
    lines = text.split("\n")
    for name, value in data.items():
        line = _line_of_top(lines, name)
        if name not in _TABLES:
            yield Mistake(line, f"unknown key `{name}`", _closest(name, list(_TABLES)))
        elif name == _LIMITS:
            if not isinstance(value, dict):
                yield Mistake(line, f"`{name}` is not a table", f"begin it by `[{name}]`")
                return
        elif not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
            yield Mistake(line, f"`{name}` is not a list of tables", f"begin each by `[[{name}]]`")
            return
    for name in _ENTRIES:
        if name not in data:
            yield Mistake(1, f"there is no `[[{name}]]`")
    for table in _tables(data, text):
        yield from _of_entry(table)


def _of_entry(table: _Table) -> Iterator[Mistake]:
    fields = {field.name: field for field in msgspec.structs.fields(_TABLES[table.kind])}
    missing = [n for n, field in fields.items() if field.required and n not in table.values]
    for key, value in table.values.items():
        if key not in fields:
            close = _closest(key, missing or list(fields))
            yield Mistake(table.line_of(key), f"unknown key `{key}` of {table.name}", close)
            continue
        try:
            msgspec.convert(value, fields[key].type)
        except msgspec.ValidationError as error:
            hint = None
            if key == "visibility" and isinstance(value, str):
                hint = _closest(value, get_args(Visibility))
            elif table.kind == _LIMITS:
                hint = _range(fields[key].type)
            told = f"`{key}` of {table.name}: {str(error)[:1].lower()}{str(error)[1:]}"
            yield Mistake(table.line_of(key), told, hint)
    for key in missing:
        yield Mistake(table.line, f"{table.name} has no `{key}`")


def _of_sense(rubric: Rubric, tables: Sequence[_Table]) -> Iterator[Mistake]:
    """What contradicts itself, each at the line that says so last."""
    for found in contradictions(rubric):
        about = [t for t in tables if t.kind == found.kind and t.values.get("id", "") == found.id]
        line = about[-1].line_of(found.key) if about else 1
        hint = _closest(found.wrong, list(found.known)) if found.wrong else None
        yield Mistake(line, found.told, hint)


def _of_functions(rubric: Rubric, tables: Sequence[_Table]) -> Iterator[Mistake]:
    """Entries that no check goes by, and checks that have no entry."""
    there = check_functions()
    for table in tables:
        if table.kind == "check" and (name := table.values["id"]) not in there:
            close = _closest(name, there)
            yield Mistake(table.line_of("id"), f"no check is called `{name}`", close)
    named = {check.id for check in rubric.check}
    for name in there:
        if name not in named:
            yield Mistake(1, f"the check `{name}` has no entry")


def check_functions() -> list[str]:
    """The ids of all public checks that can be run."""
    found = []
    for path in sorted(Path(__file__).with_name("checks").glob("check_*.py")):
        module = importlib.import_module(f"grader.checks.{path.stem}")
        functions = [name for name in vars(module) if name.startswith("check_")]
        own = [n for n in functions if vars(module)[n].__module__ == module.__name__]
        found += [f"{module.PART}.{name.removeprefix('check_')}" for name in own]
    return [*found, _CARTPOLE]


def _tables(data: Mapping[str, Any], text: str) -> list[_Table]:
    """The entries as they were read, with the lines where they and their keys stand."""
    places: dict[str, list[tuple[int, dict[str, int]]]] = {kind: [] for kind in _TABLES}
    current: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if head := _HEAD.match(line):
            current = {}
            places.setdefault(head[1], []).append((number, current))
        elif key := _KEY.match(line):
            current.setdefault(key[1], number)
    tables: list[_Table] = []
    for kind in _TABLES:
        entries = data.get(kind, [])
        entries = [entries] if isinstance(entries, dict) else entries
        # Entries may be written in other ways too; then they all are at the top.
        found = places[kind] if len(places[kind]) == len(entries) else [(1, {})] * len(entries)
        tables += [
            _Table(kind, at, values, keys)
            for values, (at, keys) in zip(entries, found, strict=True)
        ]
    return tables


def _line_of_top(lines: Sequence[str], name: str) -> int:
    """Where a name at the top of the file stands first, as a table or as a key."""
    form = re.compile(
        rf"\s*(?:\[\[?\s*\"?{re.escape(name)}\"?[\s.\]]|\"?{re.escape(name)}\"?\s*[=.])"
    )
    return next((n for n, line in enumerate(lines, 1) if form.match(line)), 1)


def _range(seconds: Any) -> str:
    """What a limit may be."""
    _float, meta = get_args(seconds)
    return f"a number of seconds from {meta.ge:g} to {meta.le:g}"


def _closest(wrong: str, right: Sequence[str]) -> str | None:
    close = difflib.get_close_matches(wrong, right, n=1, cutoff=0.5)
    return f"did you mean `{close[0]}`?" if close else None

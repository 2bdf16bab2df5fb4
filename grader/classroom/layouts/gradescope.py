"""Gradescope's export: a folder per submission, and who handed it in in one YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from grader.classroom.errors import ClassError
from grader.classroom.handins import Found, HandIn, Student
from grader.sandbox.errors import readable
from grader.sandbox.intake import take_in

METADATA = "submission_metadata.yml"
_AGAIN = "unpack Gradescope's export once more and name its folder"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def export_in(folder: Path) -> Path | None:
    """The folder with the metadata: this one, or the only folder in it, as the export is packed."""
    if (folder / METADATA).is_file():
        return folder
    inside = [path for path in folder.iterdir() if path.is_dir()]
    return inside[0] if len(inside) == 1 and (inside[0] / METADATA).is_file() else None


def find(folder: Path) -> Found:
    """A hand-in per entry of the metadata, which may be of several students."""
    entries = _entries(folder / METADATA)
    hand_ins = [_hand_in(folder, str(name), entry) for name, entry in entries.items()]
    named = {str(name) for name in entries}
    passed = [
        f"`{readable(path.name)}` is not in `{METADATA}`"
        for path in sorted(folder.iterdir())
        if path.is_dir() and path.name not in named
    ]
    return Found("gradescope", hand_ins, tuple(passed))


def _entries(path: Path) -> Mapping[Any, Any]:
    try:
        entries = yaml.load(path.read_bytes(), _metadata_loader())
    except (yaml.YAMLError, UnicodeError, ValueError, RecursionError) as error:
        told = str(error).replace("\n", " ")[:300]
        raise ClassError(f"`{path}` is not the YAML of an export: {told}", _AGAIN) from None
    if not isinstance(entries, dict):
        raise ClassError(f"`{path}` lists no submissions", _AGAIN)
    return entries


def _metadata_loader() -> Any:
    """Plain data only; objects of Ruby's, which some exports name, are read as nothing."""

    class Loader(_Loader):  # type: ignore[misc]
        pass

    Loader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)
    return Loader


def _hand_in(folder: Path, name: str, entry: Any) -> HandIn:
    place = folder / name
    submitters = _field(entry, "submitters")
    if not isinstance(submitters, list) or not submitters:
        raise ClassError(f"`{name}` in `{folder / METADATA}` has no submitters", _AGAIN)
    if Path(name).name != name or not place.exists():
        raise ClassError(f"`{METADATA}` names `{name}`, which is not in `{folder}`", _AGAIN)
    at = _time(_field(entry, "created_at"))
    return HandIn(
        students=tuple(_student(each, folder) for each in submitters),
        path=readable(name),
        read=lambda: take_in(place),
        at=at,
        order=(at,),
    )


def _student(submitter: Any, folder: Path) -> Student:
    name, sid, email = (
        str(_field(submitter, field) or "").strip() for field in ("name", "sid", "email")
    )
    key = sid or email or name
    if not key:
        raise ClassError(f"a submitter in `{folder / METADATA}` has no name", _AGAIN)
    return Student(key=key, name=name or key, email=email)


def _field(entry: Any, name: str) -> Any:
    """Keys are Ruby's symbols, with a colon in front."""
    return entry.get(f":{name}", entry.get(name)) if isinstance(entry, dict) else None


def _time(value: Any) -> str:
    if not isinstance(value, datetime):
        return "" if value is None else str(value)
    aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat()

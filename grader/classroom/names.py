"""Names of folders for students, whatever their names are made of."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_MAX_LENGTH = 60
_OTHERS = re.compile(r"[^A-Za-z0-9._@+-]+")
#: Names that Windows keeps for devices.
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def folder_names(keys: Iterable[str]) -> dict[str, str]:
    """A folder's name for each key: no two alike, on disks that do not tell `a` from `A` too."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for key in keys:
        wanted = _plain(key)
        name, number = wanted, 1
        while name.lower() in taken:
            number += 1
            name = f"{wanted}-{number}"
        taken.add(name.lower())
        names[key] = name
    return names


def _plain(key: str) -> str:
    ascii_only = unicodedata.normalize("NFKD", key).encode("ascii", "ignore").decode("ascii")
    name = _OTHERS.sub("_", ascii_only).strip("._-")[:_MAX_LENGTH] or "student"
    return f"_{name}" if _DEVICES.fullmatch(name) else name

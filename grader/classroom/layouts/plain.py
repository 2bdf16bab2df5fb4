"""Plain folders: a folder or an archive per student, called like the student."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from grader.classroom.errors import ClassError
from grader.classroom.handins import Found, HandIn, Student
from grader.sandbox.entries import passed_over
from grader.sandbox.errors import readable
from grader.sandbox.intake import FILES, take_in

ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
#: Of a folder with more files than a submission has, the newest of so many tells its age.
_LOOKED_AT = 1000


def find(folder: Path) -> Found:
    """A hand-in per folder and per archive; other files are passed over."""
    hand_ins, passed = [], []
    for path in sorted(folder.iterdir()):
        if passed_over(path.name):
            continue
        if path.is_dir() or path.name.lower().endswith(ARCHIVES):
            hand_ins.append(_hand_in(path))
        elif path.name in FILES:
            raise ClassError(
                f"`{folder}` holds `{path.name}`: it is one submission, not a class",
                "name the folder above it, or use `python -m grader grade`",
            )
        else:
            passed.append(f"`{readable(path.name)}` is neither a folder nor an archive")
    return Found("plain", hand_ins, tuple(passed))


def _hand_in(path: Path) -> HandIn:
    name = readable(path.name if path.is_dir() else stem(path.name))
    changed = _changed(path)
    return HandIn(
        students=(Student(key=name, name=name),),
        path=readable(path.name),
        read=lambda: take_in(path),
        at=datetime.fromtimestamp(changed, UTC).isoformat(timespec="seconds"),
        order=(changed,),
    )


def stem(name: str) -> str:
    """An archive's name without what says that it is one."""
    endings = sorted(ARCHIVES, key=len, reverse=True)
    ending = next((e for e in endings if name.lower().endswith(e)), "")
    return name[: len(name) - len(ending)] or name


def _changed(path: Path) -> float:
    """When the newest file in it was written."""
    if not path.is_dir():
        return path.stat().st_mtime
    inside = [p for _, p in zip(range(_LOOKED_AT), path.rglob("*.py"), strict=False)]
    return max((p.lstat().st_mtime for p in inside), default=path.stat().st_mtime)

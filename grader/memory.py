"""The memory that this process and its workers may use together, where a cgroup limits it.

The kernel ends a process of the group that wants more, and tells nobody but the group's counters: a
worker that was ended so looks like one that ended itself.
"""

from __future__ import annotations

from pathlib import Path

#: Below the memory controller's folder: where the limit stands, and where the kills are counted.
_V2 = ("memory.max", "memory.events")
_V1 = ("memory.limit_in_bytes", "memory.oom_control")
#: Version 1 writes a number beyond every machine's memory where there is no limit.
_UNLIMITED = 1 << 60


class ContainerMemory:
    """The memory controllers that hold for this process, the innermost first."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._levels = list(_levels(root))

    def limit(self) -> int | None:
        """Bytes that everything in the group may use together; None without a limit."""
        found = [_number(folder / names[0]) for folder, names in self._levels]
        limits = [limit for limit in found if limit is not None and limit < _UNLIMITED]
        return min(limits, default=None)

    def kills(self) -> int:
        """How many processes the kernel has ended so far for want of memory."""
        for folder, names in self._levels:
            for line in _text(folder / names[1]).splitlines():
                name, _space, count = line.partition(" ")
                if name == "oom_kill" and count.isdecimal():
                    return int(count)
        return 0


def _levels(root: Path) -> list[tuple[Path, tuple[str, str]]]:
    """Folders of controllers, from the process's own group up to where they are mounted.

    In a container, the own group may be called by a path that is only valid outside: then the
    folder at the mount is the group's.
    """
    levels = []
    for line in _text(root / "proc/self/cgroup").splitlines():
        _hierarchy, controllers, path = line.split(":", 2)
        if controllers == "":
            mount, names = root / "sys/fs/cgroup", _V2
        elif "memory" in controllers.split(","):
            mount, names = root / "sys/fs/cgroup/memory", _V1
        else:
            continue
        own = mount / path.lstrip("/")
        for folder in (own, *own.parents):
            if (folder / names[0]).is_file():
                levels.append((folder, names))
            if folder == mount:
                break
    return levels


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdecimal() else None

"""The description of a box, made by the judge and entered by the worker."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field

#: Bytes that the scratch folder may hold.
MAX_SCRATCH_BYTES = 64 * 1024**2


@dataclass(frozen=True)
class Box:
    """The walls around one worker. Whatever is left empty is no wall."""

    #: Resource limits by name: see `grader.confine.limits`.
    limits: dict[str, int] = field(default_factory=dict)
    #: Processes and threads at a time.
    tasks: int | None = None
    #: User and group id to become.
    owner: int | None = None
    #: Files and folders to read, folders of which to see the names, and what to write to: for
    #: Landlock, and for finding one's interpreter again as another user.
    readable: tuple[str, ...] = ()
    listable: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    scratch: str | None = None
    #: What Landlock is to forbid elsewhere, by name: see `grader.confine.landlock`.
    landlock: tuple[str, ...] = ()
    #: Groups of forbidden system calls, by name: see `grader.confine.rules`.
    rules: tuple[str, ...] = ()
    #: The acts to try before submitted code is loaded, in one process per group, and at what.
    acts: tuple[tuple[str, ...], ...] = ()
    targets: dict[str, str] = field(default_factory=dict)

    def to_text(self) -> str:
        """As a command-line argument."""
        return json.dumps(dataclasses.asdict(self))

    @staticmethod
    def from_text(text: str) -> Box:
        """What `to_text` was called on."""
        fields = json.loads(text)
        for name in ("readable", "listable", "devices", "landlock", "rules"):
            fields[name] = tuple(fields[name])
        fields["acts"] = tuple(tuple(group) for group in fields["acts"])
        return Box(**fields)

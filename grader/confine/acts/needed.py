"""What must be possible."""

from __future__ import annotations

import os
from pathlib import Path

from grader.confine.acts.ways import Targets


def use_scratch(targets: Targets) -> str:
    """Use the scratch folder."""
    path = Path(targets["scratch"], f"needed-{os.getpid()}")
    path.write_bytes(b"needed")
    moved = path.rename(path.with_suffix(".moved"))
    text = moved.read_text(encoding="ascii")
    moved.unlink()
    return text


def read_submission(targets: Targets) -> str:
    """Read the submission."""
    names = os.listdir(targets["submission"])
    for name in names:
        Path(targets["submission"], name).read_bytes()
    return f"{len(names)} files"


def start_thread(_targets: Targets) -> str:
    """Start a thread."""
    import threading

    thread = threading.Thread(target=os.getpid)
    thread.start()
    thread.join()
    return "a thread"

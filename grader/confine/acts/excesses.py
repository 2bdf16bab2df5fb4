"""Going past the limits. What is taken is given back."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from grader.confine.acts.ways import Refused, Targets


def start_threads(targets: Targets) -> str:
    """Start too many threads."""
    import threading

    most = int(targets["tasks"])
    done = threading.Event()
    try:
        for _ in range(most):
            threading.Thread(target=done.wait, daemon=True).start()
    finally:
        done.set()
    return f"{most} threads"


def use_memory(targets: Targets) -> str:
    """Map too much memory."""
    import mmap

    size = int(targets["address_space"])
    mmap.mmap(-1, size).close()
    return f"{size:,} bytes"


def write_large_file(targets: Targets) -> str:
    """Make too large a file.

    A sparse one, which fills nothing.
    """
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    size = int(targets["file_bytes"]) + 1
    path = os.path.join(targets["scratch"], f"large-{os.getpid()}")
    with open(path, "wb") as file:
        try:
            os.ftruncate(file.fileno(), size)
        finally:
            os.unlink(path)
    return f"{size:,} bytes"


def fill_scratch(targets: Targets) -> str:
    """Overfill the scratch folder.

    With files that each have an allowed length.
    """
    part = 8 * 1024**2
    parts = int(targets["scratch_bytes"]) // part + 2
    paths = [os.path.join(targets["scratch"], f"fill-{os.getpid()}-{n}") for n in range(parts)]
    try:
        for path in paths:
            Path(path).write_bytes(b"\1" * part)
        # Who watches from outside has a moment to notice.
        time.sleep(float(targets["patience_s"]))
    finally:
        for path in paths:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
    return f"{parts * part:,} bytes"


def open_files(targets: Targets) -> str:
    """Hold too many files open."""
    most = int(targets["open_files"])
    held = []
    try:
        for _ in range(most):
            held.append(os.open("/dev/null", os.O_RDONLY))
    finally:
        for descriptor in held:
            os.close(descriptor)
    return f"{most} files"


def dump_core(_targets: Targets) -> str:
    """Leave a core file."""
    import resource

    if resource.getrlimit(resource.RLIMIT_CORE) == (0, 0):
        raise Refused("no core files")
    return f"{resource.getrlimit(resource.RLIMIT_CORE)}"


def burn(targets: Targets) -> str:
    """Use too much CPU time."""
    import resource

    most = int(targets["cpu_s"])
    soft, _hard = resource.getrlimit(resource.RLIMIT_CPU)
    if 0 < soft <= most and most > 10:
        raise Refused(f"ends after {soft} s")  # not waited for
    end = time.process_time() + most + 0.6
    while time.process_time() < end:
        pass
    return f"{most} s"

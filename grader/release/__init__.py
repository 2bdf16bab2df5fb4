"""What goes out to students and comes back: the starter, and the submission's archive and digest.

The modules here read and write files of a few kilobytes and import the standard library only.
"""

import os
from pathlib import Path


def write_atomic(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data`` in one step: readers see the old file or the new one.

    Raises:
        OSError: the folder is missing or not writable; ``path`` is then as it was.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(data)  # a pipe or a device is written to, never replaced
        return
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(data)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)

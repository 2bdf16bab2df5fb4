"""The digest that names a submission: equal digests mean equal graded files."""

import hashlib
from collections.abc import Mapping

SUBMISSION_FILES = ("dqn_agent.py", "q_network.py", "replay_buffer.py")


def submission_sha256(files: Mapping[str, bytes]) -> str:
    """Digest the graded files of a submission.

    SHA-256 over, in name order and for each of `SUBMISSION_FILES` that is present: the name, a NUL
    byte, the SHA-256 of the file's raw bytes in lower-case hex, a newline. Other files, `train.py`
    among them, do not enter.

    Args:
        files: raw contents by file name, without folders.

    Returns:
        64 lower-case hex digits.
    """
    digest = hashlib.sha256()
    for name in sorted(SUBMISSION_FILES):
        if name in files:
            inner = hashlib.sha256(files[name]).hexdigest()
            digest.update(name.encode() + b"\0" + inner.encode() + b"\n")
    return digest.hexdigest()

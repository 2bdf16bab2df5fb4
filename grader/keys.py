"""The key that all seeds derive from. Students have the public one; staff may keep their own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

PUBLIC_KEY = b"dqn-assignment-kit public key, 1"
MIN_BYTES = 16


class KeyFileError(Exception):
    """The key file cannot be used: says why."""


@dataclass(frozen=True)
class Key:
    """Secret bytes, and a name for them that gives nothing away."""

    secret: bytes

    @property
    def id(self) -> str:
        """`public`, or the first digits of a hash."""
        if self.secret == PUBLIC_KEY:
            return "public"
        return hashlib.sha256(b"key id\0" + self.secret).hexdigest()[:12]


def load_key(path: Path | None) -> Key:
    """The key in a file, the public one for None; `KeyFileError` when it is no usable key."""
    if path is None:
        return Key(PUBLIC_KEY)
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise KeyFileError(f"the key file `{path}` cannot be read: {error.strerror}") from None
    if len(secret) < MIN_BYTES:
        raise KeyFileError(
            f"the key in `{path}` has {len(secret)} bytes, at least {MIN_BYTES} are needed"
        )
    return Key(secret)

"""The journal: submissions, verdicts, gradings, overrides. One transaction per verdict.

A *turn* is a student with the submission that counts. A *grading* is one list of turns under one
set of terms; starting the same command again goes on with the last one. Verdicts belong to
submissions, so that equal ones share theirs.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from grader.classroom import store
from grader.classroom.gradings import Gradings
from grader.classroom.verdicts import Verdicts


class Journal(Gradings, Verdicts):
    """The journal in a folder. Use as a context manager."""

    @staticmethod
    def to_write(out: Path) -> Journal:
        """Made where there is none; who calls holds the folder (`store.only_one`)."""
        return Journal(out, store.open_to_write(out))

    @staticmethod
    def to_read(out: Path) -> Journal:
        """Perhaps while another command writes to it."""
        return Journal(out, store.open_to_read(out))

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._db.close()

    def keep_submission(self, sha256: str, files: Mapping[str, bytes]) -> None:
        """The bytes, once."""
        data = zlib.compress(msgspec.msgpack.encode(dict(files)))
        with self._changing():
            self._db.execute("INSERT OR IGNORE INTO submission VALUES (?, ?)", (sha256, data))

    def files(self, sha256: str) -> dict[str, bytes]:
        """The bytes of a submission."""
        (data,) = self._one("SELECT files FROM submission WHERE sha256 = ?", sha256)
        return msgspec.msgpack.decode(zlib.decompress(data), type=dict[str, bytes])

    def keep_secret(self, key_id: str, secret: bytes) -> None:
        """The key, for repeating verdicts."""
        with self._changing():
            self._db.execute("INSERT OR IGNORE INTO secret VALUES (?, ?)", (key_id, secret))

    def secret(self, key_id: str) -> bytes:
        """The key of that name."""
        (secret,) = self._one("SELECT secret FROM secret WHERE key_id = ?", key_id)
        return bytes(secret)

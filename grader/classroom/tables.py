"""What all tables of the journal have in common: one connection, and transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from grader.classroom import store


class Tables:
    """Tables of the journal in a folder."""

    def __init__(self, out: Path, connection: sqlite3.Connection) -> None:
        self.out = out
        self._db = connection

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One transaction: afterwards all of it is on the disk, or nothing."""
        with store.told(self.out):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _one(self, query: str, *values: object) -> tuple[Any, ...]:
        """The row that must be there; `LookupError` when it is not."""
        row = self._db.execute(query, values).fetchone()
        if row is None:
            raise LookupError(values)
        return tuple(row)

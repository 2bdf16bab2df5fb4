"""The journal's file: made, opened, told apart from others, and its failures said in words."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from grader.classroom.errors import ClassError, ClassFault

NAME = "journal.sqlite"
LOCK = ".lock"
VERSION = 1
#: "dqnc" in ASCII: what SQLite files of ours carry.
_APPLICATION = 0x64716E63
_SCHEMA = """
CREATE TABLE submission (sha256 TEXT PRIMARY KEY, files BLOB NOT NULL);
CREATE TABLE secret (key_id TEXT PRIMARY KEY, secret BLOB NOT NULL);
CREATE TABLE environment (id TEXT PRIMARY KEY, entry TEXT NOT NULL);
CREATE TABLE regrade (
    id INTEGER PRIMARY KEY, reason TEXT NOT NULL, begun TEXT NOT NULL, finished TEXT
);
CREATE TABLE grading (
    id INTEGER PRIMARY KEY, source TEXT NOT NULL, layout TEXT NOT NULL, rule TEXT NOT NULL,
    grader TEXT NOT NULL, rubric TEXT NOT NULL, key_id TEXT NOT NULL, options TEXT NOT NULL,
    sandbox TEXT NOT NULL, regrade INTEGER NOT NULL, digest TEXT NOT NULL,
    environments TEXT NOT NULL, begun TEXT NOT NULL, finished TEXT
);
CREATE TABLE turn (
    grading INTEGER NOT NULL, place INTEGER NOT NULL, student TEXT NOT NULL, name TEXT NOT NULL,
    email TEXT NOT NULL, path TEXT NOT NULL, at TEXT NOT NULL, late INTEGER, others TEXT NOT NULL,
    submission TEXT, left_out TEXT NOT NULL, problem TEXT, hint TEXT,
    PRIMARY KEY (grading, place)
);
CREATE TABLE verdict (
    id INTEGER PRIMARY KEY, submission TEXT NOT NULL, grader TEXT NOT NULL, rubric TEXT NOT NULL,
    key_id TEXT NOT NULL, options TEXT NOT NULL, environment TEXT NOT NULL,
    regrade INTEGER NOT NULL, summary BLOB NOT NULL, seconds REAL NOT NULL, made TEXT NOT NULL,
    UNIQUE (submission, grader, rubric, key_id, options, environment, regrade)
);
CREATE TABLE report (verdict INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE fault (
    id INTEGER PRIMARY KEY, grading INTEGER NOT NULL, submission TEXT NOT NULL,
    reason TEXT NOT NULL, made TEXT NOT NULL
);
CREATE TABLE override (
    id INTEGER PRIMARY KEY, grading INTEGER NOT NULL, student TEXT NOT NULL,
    check_id TEXT NOT NULL, points INTEGER, reason TEXT NOT NULL, submission TEXT NOT NULL,
    made TEXT NOT NULL
);
"""
_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_FSYNC)
_BUSY_S = 20.0


@contextmanager
def only_one(out: Path) -> Iterator[None]:
    """Keep other commands from writing to this folder, for as long as this process lives."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = FileLock(out / LOCK)
        lock.acquire(timeout=0)
    except Timeout:
        raise ClassError(
            f"another command is at work in `{out}`",
            f"wait for it (`class status --out {out}` tells how far it is), or name another folder",
        ) from None
    except OSError as error:
        raise ClassError(
            f"`{out}` cannot be written to: {error.strerror}", "name a folder of your own"
        ) from None
    try:
        yield
    finally:
        lock.release()


def is_at_work(out: Path) -> bool:
    """Whether another command holds the folder."""
    lock = FileLock(out / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:
        return False
    lock.release()
    return False


def open_to_write(out: Path) -> sqlite3.Connection:
    """The journal in this folder, made where there is none."""
    path = out / NAME
    with told(out):
        # It holds submissions and the key: for its owner only.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
        try:
            if not _is_ours(connection, path):
                _make(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        except BaseException:
            connection.close()
            raise
    return connection


def open_to_read(out: Path) -> sqlite3.Connection:
    """The journal in this folder, perhaps while another command writes to it."""
    path = out / NAME
    if not path.exists():
        raise ClassError(
            f"there is no journal in `{out}`",
            "name the folder that `class grade` was told with `--out`",
        )
    with told(out):
        connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S, isolation_level=None
        )
        try:
            if not _is_ours(connection, path):
                raise ClassError(f"`{path}` is empty", "grade the class again")
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def told(out: Path) -> Iterator[None]:
    """Say what SQLite and the disk do not do, and what helps."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0)
        if code in _FULL:
            raise disk_full(out) from None
        if code & 0xFF == sqlite3.SQLITE_NOTADB:
            raise ClassError(f"`{out / NAME}` is no journal", "name another folder") from None
        if code & 0xFF in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            raise ClassError(f"`{out / NAME}` cannot be written to: {error}", _OWN) from None
        raise ClassFault(f"the journal in `{out}`: {error}", "start the command again") from None
    except OSError as error:
        raise ClassError(f"`{out}` cannot be written to: {error.strerror}", _OWN) from None


_OWN = "name a folder of your own"


def disk_full(out: Path) -> ClassFault:
    """What is said when there is no room left."""
    return ClassFault(
        f"the disk of `{out}` is full; every verdict that was made so far is in the journal",
        "make room, then start the same command again: it goes on from there",
    )


def _is_ours(connection: sqlite3.Connection, path: Path) -> bool:
    """False for a file that is still empty; `ClassError` for one of another kind or version."""
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if tables == 0 and application == 0:
        return False
    if application != _APPLICATION:
        raise ClassError(f"`{path}` is no journal of this grader", "name another folder")
    if version != VERSION:
        raise ClassError(
            f"`{path}` is a journal of version {version}; this grader reads version {VERSION}",
            "use the grader that it was written with, or grade into another folder",
        )
    return True


def _make(connection: sqlite3.Connection) -> None:
    connection.executescript(
        f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA application_id = {_APPLICATION}; "
        f"PRAGMA user_version = {VERSION}; COMMIT;"
    )

"""Everything that people read, written anew from the journal: table, reports, class page."""

from __future__ import annotations

import contextlib
import errno
import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from grader.classroom.errors import ClassError
from grader.classroom.journal import Journal
from grader.classroom.marks import Mark, mark_of
from grader.classroom.names import folder_names
from grader.classroom.page import class_page
from grader.classroom.records import Grading, Standing
from grader.classroom.rendering import report_of
from grader.classroom.statistics import Member, statistics_of
from grader.classroom.store import disk_full
from grader.classroom.table import grades_csv
from grader.release import write_atomic
from grader.report.html import to_html
from grader.report.json_report import to_json
from grader.report.model import Report, for_view
from grader.report.terminal import to_text

TABLE, PAGE = "grades.csv", "index.html"
#: Each student's report as files, in both views; the class page links to the first.
WRITERS: dict[str, Callable[[Report], bytes]] = {
    "report.html": to_html,
    "report.txt": lambda report: to_text(report).encode(),
    "report.json": to_json,
}
STUDENTS, STAFF = "students", "staff"
#: What the reports that lie there were made of, so that only what has changed is written.
WRITTEN = ".written.json"


def write_results(
    journal: Journal,
    grading: Grading,
    names: bool = True,
    anew: bool = False,
) -> None:
    """Replace what has changed, each file atomically.

    names : whether the class page tells who is who
    anew : write every student's reports, also where nothing has changed

    Raises `ClassFault` when the disk is full, and `ClassError` when it cannot be written to.
    """
    out = journal.out
    with _told(out):
        standings = list(journal.standings(grading))
        folders = folder_names(standing.turn.student for standing in standings)
        rows = [(each, mark_of(each), folders[each.turn.student]) for each in standings]
        written = {} if anew else _written(out)
        stamps = {folder: _stamp(standing, grading) for standing, _mark, folder in rows}
        for standing, _mark, folder in rows:
            if written.get(folder) != stamps[folder] or not _is_there(out, folder):
                _write_reports(out, folder, report_of(journal, grading, standing))
        _remove_others(out, set(folders.values()))
        write_atomic(out / WRITTEN, msgspec.json.encode(stamps))
        write_atomic(out / TABLE, grades_csv(rows))
        statistics = statistics_of(_members(rows, names))
        page = class_page(statistics, grading, journal, linked=next(iter(WRITERS)))
        write_atomic(out / PAGE, page)


def _written(out: Path) -> dict[str, str]:
    """What each student's reports were made of, by folder."""
    try:
        return msgspec.json.decode((out / WRITTEN).read_bytes(), type=dict[str, str])
    except (OSError, msgspec.MsgspecError):
        return {}


def _stamp(standing: Standing, grading: Grading) -> str:
    """Changes with anything that a student's reports show."""
    shown = (
        *(standing.turn, standing.verdict, standing.fault, standing.overrides),
        *(grading.terms, grading.regrade, tuple(WRITERS)),
    )
    return hashlib.sha256(repr(shown).encode()).hexdigest()


def _is_there(out: Path, folder: str) -> bool:
    return all(
        (out / place / folder / name).exists() for place in (STUDENTS, STAFF) for name in WRITERS
    )


def _write_reports(out: Path, folder: str, report: Report) -> None:
    for place, shown in ((STUDENTS, for_view(report, "student")), (STAFF, report)):
        where = out / place / folder
        where.mkdir(parents=True, exist_ok=True)
        for name, write in WRITERS.items():
            write_atomic(where / name, write(shown))


def _remove_others(out: Path, folders: set[str]) -> None:
    """Reports of students who are not there any more; what else lies in their folders stays."""
    for place in (out / STUDENTS, out / STAFF):
        for folder in place.iterdir() if place.is_dir() else ():
            if folder.name not in folders:
                for name in WRITERS:
                    (folder / name).unlink(missing_ok=True)
                with contextlib.suppress(OSError):
                    folder.rmdir()


def _members(rows: Iterable[tuple[Standing, Mark, str]], names: bool) -> list[Member]:
    if names:
        return [
            Member(standing, mark, standing.turn.name, folder) for standing, mark, folder in rows
        ]
    # In an order that is not the list's, or the numbers would be names.
    shuffled = sorted(
        rows, key=lambda row: hashlib.sha256(row[0].turn.student.encode()).hexdigest()
    )
    return [
        Member(standing, mark, f"student {number}", None)
        for number, (standing, mark, _folder) in enumerate(shuffled, 1)
    ]


@contextlib.contextmanager
def _told(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full(out) from None
        raise ClassError(
            f"`{error.filename or out}` cannot be written to: {error.strerror}",
            f"the verdicts are in the journal: `class results --out {out}` writes the rest",
        ) from None

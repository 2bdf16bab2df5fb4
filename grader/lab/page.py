"""A page of the documentation, with the lab's tables in it and a folder of its files beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from grader.lab.document import tables
from grader.lab.rows import Row
from grader.lab.setting import Setting
from grader.release import write_atomic
from grader.trials.errors import TrialError

BEGIN = "<!-- lab: begin -->"
END = "<!-- lab: end -->"


def with_tables(page: str, text: str) -> str:
    """The page with this text between its markers; `ValueError` when it has no such place."""
    before, begin, rest = page.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no `{BEGIN}` … `{END}`")
    return f"{before}{begin}\n\n{text}\n{end}{after}"


def require_place(page: Path) -> None:
    """`TrialError` when the page has no place for tables: to be known before the training."""
    try:
        with_tables(page.read_text(encoding="utf-8"), "")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise TrialError(
            f"`{page}` cannot take the tables: {reason}",
            "name a page such as `docs/experiments.md`",
        ) from None


def write_page(
    page: Path,
    rows: Mapping[str, Sequence[Row]],
    setting: Setting,
    images: Mapping[str, Mapping[str, bytes]],
) -> None:
    """Tables into the page; figures and rows into the folder beside it that has its name."""
    folder = page.with_suffix("")
    lines = [msgspec.json.encode(row) + b"\n" for mine in rows.values() for row in mine]
    try:
        folder.mkdir(exist_ok=True)
        write_atomic(folder / "runs.jsonl", b"".join(lines))
        for name, kinds in images.items():
            write_atomic(folder / f"{name}.svg", kinds["svg"])
        text = with_tables(page.read_text(encoding="utf-8"), tables(rows, setting))
        write_atomic(page, text.encode())
    except OSError as error:
        raise TrialError(
            f"`{page}` or its folder cannot be written to: {error.strerror}",
            "the rows are kept; name another page with `--docs`",
        ) from None

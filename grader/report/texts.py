"""All texts of a report at once."""

from __future__ import annotations

from typing import Any

import msgspec

from grader.report.model import Report
from grader.report.safe import encodable, to_ascii


def with_texts_encodable(report: Report) -> Report:
    """The report without lone surrogates."""
    return msgspec.convert(_changed(msgspec.to_builtins(report), encodable), Report)


def with_texts_ascii(report: Report) -> Report:
    """The report with its texts in ASCII."""
    return msgspec.convert(_changed(msgspec.to_builtins(report), to_ascii), Report)


def _changed(thing: Any, change: Any) -> Any:
    if isinstance(thing, str):
        return change(thing)
    if isinstance(thing, dict):
        return {name: _changed(value, change) for name, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [_changed(item, change) for item in thing]
    return thing

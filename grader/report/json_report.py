"""The report as JSON."""

from __future__ import annotations

import msgspec

from grader.report.model import Report


def to_json(report: Report) -> bytes:
    """One indented JSON object, UTF-8, with a final newline."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"

"""The report as JSON."""

from __future__ import annotations

import msgspec

from grader.report.model import Report
from grader.report.safe import json_text
from grader.report.texts import with_texts_encodable


def to_json(report: Report) -> bytes:
    """One indented JSON object, UTF-8, with a final newline."""
    data = msgspec.json.encode(with_texts_encodable(report))
    return json_text(msgspec.json.format(data, indent=2).decode()).encode() + b"\n"

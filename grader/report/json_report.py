"""The report as JSON."""

from __future__ import annotations

from typing import Any

import msgspec

from grader.report.model import Report
from grader.report.safe import json_text
from grader.report.texts import with_texts_encodable


def to_json(report: Report) -> bytes:
    """One indented JSON object, UTF-8, with a final newline."""
    return json_bytes(with_texts_encodable(report))


def json_bytes(document: Any) -> bytes:
    """Anything that msgspec takes as indented JSON which is harmless to show."""
    data = msgspec.json.encode(document)
    return json_text(msgspec.json.format(data, indent=2).decode()).encode() + b"\n"

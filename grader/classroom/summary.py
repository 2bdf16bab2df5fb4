"""The little of a report that tables, statistics and comparisons need."""

from __future__ import annotations

import msgspec

from grader.report.model import Report


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """One check: its status, points, and the misconception it was recognised as."""

    id: str
    status: str
    score: int
    max_score: int
    code: str | None

    @property
    def failed(self) -> bool:
        """Anything but passed, or not asked."""
        return self.status not in ("passed", "not_attempted")


class Summary(msgspec.Struct, frozen=True, array_like=True):
    """A verdict in short; `advice` holds codes, each once."""

    score: int
    attempted_max: int
    #: Points by part, of the parts that were attempted.
    parts: dict[str, int]
    checks: tuple[Outcome, ...]
    advice: tuple[str, ...]

    @property
    def codes(self) -> frozenset[str]:
        """The misconceptions that failing checks name."""
        return frozenset(check.code for check in self.checks if check.failed and check.code)


_DECODER = msgspec.msgpack.Decoder(Summary)


def summary_of(report: Report) -> Summary:
    """Without anything that differs between two runs."""
    return Summary(
        score=report.score or 0,
        attempted_max=report.attempted_max,
        parts={part.id: part.score for part in report.parts if part.attempted},
        checks=tuple(
            Outcome(check.id, check.status, check.score, check.max_score, check.code)
            for check in report.checks
        ),
        advice=tuple(dict.fromkeys(advice.code for advice in report.advice)),
    )


def pack(summary: Summary) -> bytes:
    """Equal summaries are equal bytes."""
    return msgspec.msgpack.encode(summary)


def unpack(data: bytes) -> Summary:
    """What `pack` was called on."""
    return _DECODER.decode(data)

"""Lines for a Python prompt."""

from __future__ import annotations


def pasted(*lines: str) -> str:
    """Lines as they can be pasted into a prompt: an empty one ends each indented block."""
    shown: list[str] = []
    for line in lines:
        if shown and shown[-1].startswith(" ") and not line.startswith(" "):
            shown.append("")
        shown.append(line)
    return "\n".join(shown)

"""Text of the student's, made harmless to show."""

from __future__ import annotations

import unicodedata

#: Control, format (bidi overrides among them), surrogate and private-use characters.
_UNSHOWN = frozenset({"Cc", "Cf", "Cs", "Co"})


def printable(text: str, *, lines: bool = False) -> str:
    """`text` with what could steer a terminal shown as an escape; tabs become spaces.

    With `lines`, line breaks stay.
    """
    out: list[str] = []
    for char in text:
        if char == "\n":
            out.append(char if lines else " ")
        elif char == "\t":
            out.append("    ")
        elif unicodedata.category(char) in _UNSHOWN:
            code = ord(char)
            out.append(f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")
        else:
            out.append(char)
    return "".join(out)

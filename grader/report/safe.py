"""Text of the student's, made harmless to show."""

from __future__ import annotations

import unicodedata

#: Control, format (bidi overrides among them), surrogate and private-use characters, and the line
#: and paragraph separators.
_UNSHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


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


#: What the grader's own texts use beyond ASCII, in ASCII.
_SPELLED = {
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "δ": "delta",
    "ε": "epsilon",
    "θ": "theta",
    "τ": "tau",
    "⁻": "-",
    "−": "-",
    "–": "-",
    "·": "*",
    "×": "x",
    "√": "sqrt ",
    "±": "+-",
    "≤": "<=",
    "≥": ">=",
    "→": "->",
    "←": "<-",
    "′": "'",
    "’": "'",
    "…": "...",
}


def to_ascii(text: str) -> str:
    """`text` in ASCII: Greek letters and signs spelled out, anything else a question mark."""
    spelled = "".join(_SPELLED.get(char, char) for char in text)
    return spelled.encode("ascii", "replace").decode("ascii")

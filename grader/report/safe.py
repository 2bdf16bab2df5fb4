"""Text of the student's, made harmless to show."""

from __future__ import annotations

import re
import unicodedata

#: Control, format (bidi overrides among them), surrogate and private-use characters, and the line
#: and paragraph separators.
_UNSHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
#: Marks that are drawn over the character before: so many at most, or they cover other lines.
_MAX_MARKS = 4
#: How a line of a log becomes a command to the service that runs the job: `::error::` and its kin
#: at its beginning, where any line break may put it, and `##[error]` anywhere.
_COMMAND = re.compile(r":(?=:[A-Za-z][\w-]*(?:\s|::))|#(?=#\w*\[)")


def printable(text: str, *, lines: bool = False) -> str:
    """`text` with what could steer a terminal, or whoever reads its log, shown as an escape; tabs
    become spaces.

    With `lines`, line breaks stay.
    """
    out: list[str] = []
    marks = 0
    for char in text:
        marks = marks + 1 if unicodedata.combining(char) else 0
        if char == "\n":
            out.append(char if lines else " ")
        elif char == "\t":
            out.append("    ")
        elif is_unshown(char) or marks > _MAX_MARKS:
            out.append(_escaped(char))
        else:
            out.append(char)
    return _COMMAND.sub(lambda found: _escaped(found[0]), "".join(out))


def is_unshown(char: str) -> bool:
    """Whether a character is none to look at: it steers, is invisible, or is none at all."""
    return unicodedata.category(char) in _UNSHOWN or ord(char) & 0xFFFE == 0xFFFE


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def excerpt(text: str, characters: int, lines: int) -> str:
    """`printable` for texts of any length: the beginning, and how much more there is."""
    kept = "\n".join(text[:characters].split("\n")[:lines])
    while len(shown := printable(kept, lines=True)) > characters:  # escapes are longer
        kept = kept[: len(kept) * characters // len(shown)]
    if len(kept) == len(text):
        return shown
    left = text[len(kept) :]
    rows = left.rstrip("\n").count("\n")
    return f"{shown}\n… {rows:,} more lines" if rows else f"{shown}… {len(left):,} more characters"


def encodable(text: str) -> str:
    """`text` without lone surrogates, which no encoding holds."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def json_text(text: str) -> str:
    """JSON that means the same and is harmless to show: what `printable` would escape stands as
    JSON's own escapes, since outside strings there is none of it."""
    shown = _ODD.sub(lambda found: _json_escaped(found[0]), text)
    return shown.replace("##", "#\\u0023")


_ODD = re.compile(r"[^\n -~]")


def _json_escaped(char: str) -> str:
    if not is_unshown(char):
        return char
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[n : n + 2].hex()}" for n in range(0, len(units), 2))


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


def cell(text: str) -> str:
    """A text that no spreadsheet program computes, of a length that fits into a cell."""
    shown = printable(text[:1_000])
    return f"'{shown}" if shown.lstrip().startswith(("=", "+", "-", "@")) else shown

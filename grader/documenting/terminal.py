"""What a command shows in a terminal, as a picture: run with colours, drawn by Rich as SVG."""

from __future__ import annotations

import html
import io
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 94
#: What Rich's live displays erase their last frame with.
_ERASED = re.compile(r"\r\x1b\[2K(?:\x1b\[1A\x1b\[2K)*")
_CURSOR = re.compile(r"\x1b\[\?25[lh]")
#: A picture in a page loads no fonts from elsewhere.
_FONT_FACE = re.compile(r"\s*@font-face \{.*?\}", re.S)
_FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace"
_TEXT = re.compile(r"<text [^>]*\by=\"(?P<y>[0-9.]+)\"[^>]*>(?P<told>[^<]*)</text>")


class Failed(Exception):
    """A command that is to be shown did not end as it should; the text has what it said."""


@dataclass(frozen=True)
class Shown:
    """What a command wrote to its two streams, with the terminal's colours."""

    out: str
    err: str


def run(arguments: Sequence[str], cwd: Path) -> Shown:
    """Run `python -m grader …` as in a terminal of `WIDTH` columns.

    Raises:
        Failed: the exit status is not 0.
    """
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TERM")}
    root = Path(__file__).resolve().parents[2]
    environment |= {
        "FORCE_COLOR": "1",
        "TERM": "xterm-256color",
        "COLUMNS": str(WIDTH),
        "LINES": "50",
        "PYTHONPATH": str(root),
        "PYTHONUTF8": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "grader", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
    )
    # Line ends as they are: a live display returns to the beginning of its line. Where this ran is
    # of no interest to readers.
    out, err = (data.decode().replace(f"{cwd}{os.sep}", "") for data in (done.stdout, done.stderr))
    if done.returncode != 0:
        raise Failed(
            f"`python -m grader {' '.join(arguments)}` ended with {done.returncode}: {err}"
        )
    return Shown(out, err)


def frames(shown: str) -> list[str]:
    """What a live display showed, one state after another, in the order of time."""
    return [_CURSOR.sub("", frame).strip("\n") for frame in _ERASED.split(shown)]


def picture(shown: str, title: str, name: str) -> str:
    """A terminal with this text in it, as SVG.

    title : the command, for the window's frame
    name : keeps the styles of several pictures in one page apart
    """
    console = Console(
        record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    for line in shown.strip("\n").splitlines():
        console.print(Text.from_ansi(line.rstrip()), highlight=False, soft_wrap=True)
    svg = _FONT_FACE.sub("", console.export_svg(title=title, unique_id=name))
    lines = svg.replace("Fira Code, monospace", _FONTS).splitlines()
    return "\n".join(line.rstrip() for line in lines if line.strip()) + "\n"


def words(svg: str) -> str:
    """The text in a picture, line by line."""
    lines: dict[str, str] = {}
    for found in _TEXT.finditer(svg):
        lines[found["y"]] = lines.get(found["y"], "") + html.unescape(found["told"])
    return "\n".join(line.replace("\xa0", " ").rstrip() for line in lines.values())

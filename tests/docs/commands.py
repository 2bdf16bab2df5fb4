"""The commands and the Python that the documentation shows, each with where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Pages whose commands are looked at; of the generated ones, parsers are the source.
PAGES = sorted(
    path
    for path in [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        ROOT / "grader" / "release" / "student" / "README.md",
    ]
    if "reference" not in path.relative_to(ROOT).parts
)
#: `<!-- platform-only: WHY -->` on the line before a block, or before a line with code in it.
MARKS = ("platform-only", "takes long", "not run")
_MARK = re.compile(rf"\s*<!-- ({'|'.join(MARKS)}): (?P<why>.+) -->")
_FENCE = re.compile(r"^ *(`{3,}|~{3,})(?P<language>[\w-]*)")
#: In a block of one of these languages, every line is a command.
_SHELLS = ("bash", "sh", "shell", "console", "powershell", "bat")
#: In a block without a language, a line that begins with one of these.
_PROGRAMS = (
    *("make", "python", "python3", "py", "pip", "dask", "docker", "podman", "kubectl", "apptainer"),
    *("sudo", "apt", "apt-get", "brew", "winget", "git", "gh", "glab", "curl", "npm", "npx"),
    *("cd", "source", "export", "unzip", "zip", "head", "openssl", "sbatch", "srun"),
)
_FIRST = re.compile(rf"(?:\$ )?(?:\S*/)?(?:{'|'.join(map(re.escape, _PROGRAMS))})(?= |$)")
_INLINE = re.compile(r"`((?:make|(?:\.venv/bin/)?python(?: -m)?) [^`\s-][^`\n]*)`")
#: A Python of the set-up's is whichever runs the tests.
_PYTHON = re.compile(r"^\S*\.venv[/\\](?:bin|Scripts)[/\\]python(?=\s|$)|^(?:python3|py)(?=\s|$)")


@dataclass(frozen=True)
class Shown:
    """Code on a page: a command, or a block of Python.

    mark : why the page says that it is not run here, or None
    """

    page: str
    line: int
    text: str
    mark: str | None = None

    @property
    def where(self) -> str:
        """The place, as editors open it."""
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Block:
    """A fenced block, or one line outside of all of them (with language None)."""

    line: int
    language: str | None
    lines: tuple[str, ...]
    mark: str | None


def blocks(text: str) -> Iterator[Block]:
    """What a page consists of, in order."""
    mark: str | None = None
    fence: tuple[str, str, int] | None = None
    inside: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        found = _FENCE.match(line)
        if fence is not None:
            if found and found[1] == fence[0]:
                yield Block(fence[2] + 1, fence[1], tuple(inside), mark)
                fence, inside, mark = None, [], None
            else:
                inside.append(line)
        elif found:
            fence = (found[1], found["language"].lower(), number)
        elif marked := _MARK.match(line):
            mark = marked["why"]
        elif line.strip():
            yield Block(number, None, (line,), mark)
            mark = None


def commands(page: str, text: str) -> Iterator[Shown]:
    """The commands of a page, in blocks and within lines."""
    for block in blocks(text):
        if block.language is None:
            for code in _INLINE.findall(block.lines[0]):
                yield Shown(page, block.line, normal(code), block.mark)
        elif block.language in ("", *_SHELLS):
            for line, code in joined(block):
                if block.language or _FIRST.match(code) or _PYTHON.match(code):
                    yield Shown(page, line, normal(code), block.mark)


def joined(block: Block) -> Iterator[tuple[int, str]]:
    """Lines of a block without those that go on, prompts, comments and what was printed."""
    begun: list[str] = []
    at = block.line
    prompted = any(line.startswith("$ ") for line in block.lines)
    for number, line in enumerate(block.lines, block.line):
        if not begun:
            at = number
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            if prompted and not line.startswith("$ "):
                continue
        begun.append(line.strip().removesuffix("\\").strip())
        if not line.rstrip().endswith("\\"):
            yield at, " ".join(begun).removeprefix("$ ")
            begun = []


def normal(command: str) -> str:
    """The command without a comment, started by `python` whichever that is."""
    return _PYTHON.sub("python", re.sub(r"\s+# .*$", "", command.strip()))


def python(page: str, text: str) -> Iterator[Shown]:
    """The blocks of Python on a page."""
    for block in blocks(text):
        if block.language in ("python", "py"):
            yield Shown(page, block.line, "\n".join(block.lines) + "\n", block.mark)


def of_all(find, pages=PAGES) -> list[Shown]:
    """What `find` finds on all pages."""
    return [
        shown
        for path in pages
        for shown in find(path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))
    ]

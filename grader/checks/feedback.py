"""How a check says what it found: three slots, plus where and how to see it oneself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from grader.client import Location
from grader.protocol.messages import MODULES, Frame, Raised
from grader.report.model import TargetEntry

FILES = tuple(f"{module}.py" for module in MODULES)
#: A file of the size that is taken in has no more lines.
MAX_LINE = 2**20


class Failure(AssertionError):
    """The submission fails a check.

    observed: what was asked, got and expected, with numbers and shapes
    why: one sentence in the course's terms, when no misconception was recognised
    code: a recognised misconception; its explanation then fills `why` and `hint`
    reproduce: a few lines of Python that show it with the student's own files
    targets: the transitions that `observed` tells of after its first line
    """

    status = "failed"

    def __init__(
        self,
        observed: str,
        *,
        why: str | None = None,
        code: str | None = None,
        reproduce: str | None = None,
        location: Location | None = None,
        targets: Sequence[TargetEntry] = (),
        timed_out: bool = False,
    ) -> None:
        super().__init__(observed)
        self.observed = observed
        self.why = why
        self.code = code
        self.reproduce = reproduce
        self.location = location
        self.targets = list(targets) or None
        if timed_out:
            self.status = "timed_out"


class Blocked(BaseException):
    """The check cannot be decided before another one passes.

    Not an `Exception`: nothing that searches for counterexamples may take it for one.
    """

    def __init__(self, by: str) -> None:
        super().__init__(by)
        self.by = by


@dataclass(frozen=True)
class Advice:
    """A remark that costs nothing."""

    code: str
    location: Location | None = None


_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,16}")
#: Looked for at the beginnings of words only, and with an end to each repetition: the text is the
#: student's, who must not decide how long the search takes.
_STAGED = re.compile(
    r"(?<![^\s'\"<>])[^\s'\"<>]{0,4096}"
    r"dqn-grade-[^/\\\s]{1,32}[/\\](?:submission|scratch)[/\\]?"
)
#: Longer than anything that a check says by itself, and than the output kept of one.
MAX_TOLD = 10_000


def normalised(text: str) -> str:
    """Text without what differs from run to run: addresses, and where the files were staged.

    A flood is cut.
    """
    if len(text) > MAX_TOLD:
        text = f"{text[:MAX_TOLD]}… and {len(text) - MAX_TOLD:,} more characters"
    return _STAGED.sub("", _ADDRESS.sub("0x…", text))


def location_of(file: str, line: int) -> Location | None:
    """A line of the student's code, or None for what is no line of the three files."""
    if file not in FILES or not 1 <= line <= MAX_LINE:
        return None
    return Location(file, line)


#: What torch and Python say about a misconception that ends in an exception.
_TELLING = (
    ("before Module.__init__() call", "NET_NO_SUPER_INIT"),
    ("super().__init__() was not called", "NET_NO_SUPER_INIT"),
    ("mat1 and mat2 shapes cannot be multiplied", "NET_DIMS_SWAPPED"),
    ("Expected more than 1 value per channel when training", "NET_BATCH_STATISTICS"),
    ("does not require grad and does not have a grad_fn", "UPDATE_PREDICTION_DETACHED"),
)


def code_of(raised: Raised, prefix: str) -> str | None:
    """The misconception that an exception gives away, if it belongs to this part."""
    for words, code in _TELLING:
        if words in raised.message and code.startswith(prefix):
            return code
    return None


def failure_of(raised: Raised, *, code: str | None = None, reproduce: str | None = None) -> Failure:
    """The failure that an exception in student code amounts to."""
    frame = raised.frames[-1] if raised.frames else None
    location = location_of(frame.file, frame.line) if frame else None
    if raised.type == "TimeLimit":
        return Failure(
            f"`{raised.during}` did not end: {raised.message}{_at(frame)}.",
            why="Code that trains or waits does not belong at the top level of a module."
            if raised.during.startswith("import ")
            else "A call of this kind takes milliseconds: look for a loop that never ends.",
            location=location,
            timed_out=True,
        )
    if raised.type == "NotImplementedError":
        return Failure(
            f"`{raised.during}` raised NotImplementedError: {raised.message or 'no message'}.",
            why="This part of the assignment is a TODO in the starter.",
            location=location,
        )
    if raised.type in ("SystemExit", "KeyboardInterrupt"):
        return Failure(
            f"`{raised.during}` tried to end the program ({raised.type}){_at(frame)}.",
            why="Code that others import and call must return or raise, not exit.",
            location=location,
        )
    if raised.type in ("SyntaxError", "IndentationError", "TabError"):
        return Failure(
            f"`{raised.during}`: {raised.type}: {raised.message}{_at(frame)}.",
            why="Python cannot read the file, so nothing in it can run."
            + (_SAVE_AS_UTF8 if _of_encoding(raised.message) else ""),
            location=location,
        )
    return Failure(
        f"`{raised.during}` raised {raised.type}{_said(raised)}{_at(frame)}.",
        why=_why(raised),
        code=code,
        reproduce=reproduce,
        location=location,
    )


_SAVE_AS_UTF8 = (
    " It is not saved as UTF-8, which Python expects: choose that encoding in your editor and save "
    "the file again."
)


def _of_encoding(message: str) -> bool:
    """Whether a SyntaxError is about the bytes of a file rather than about its text."""
    signs = ("null byte", "utf-8", "codec", "unknown encoding", "encoding problem")
    return any(sign in message.lower() for sign in signs)


def _said(raised: Raised) -> str:
    return f": {raised.message}" if raised.message else ""


def _why(raised: Raised) -> str:
    """What an exception that has no explanation of its own amounts to."""
    outside = not raised.frames
    if outside and raised.type == "AttributeError":
        return "A method of this name must be there: other code calls it."
    if outside and raised.type == "TypeError" and "argument" in raised.message:
        return "Names and arguments stay as they are in the starter: other code calls them so."
    if raised.type in ("ModuleNotFoundError", "ImportError"):
        return (
            "Import the other two files by plain name (`from q_network import QNetwork`); beside "
            "them there are PyTorch, NumPy and Python's own modules."
        )
    if raised.type in ("EOFError", "BdbQuit"):
        return "Nobody is there to answer while the code is graded."
    if raised.during.startswith("import "):
        return "Importing the file must only define things: nothing in it can run otherwise."
    return "The call must not raise for a valid input."


def _at(frame: Frame | None) -> str:
    if frame is None:
        return ""
    source = f": `{frame.source}`" if frame.source else ""
    return f" ({frame.file}, line {frame.line}{source})"

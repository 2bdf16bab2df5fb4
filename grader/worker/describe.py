"""Turn what student code returned or raised into messages, whatever it is."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from grader.protocol.arrays import VALUE_DTYPES, Array, from_numpy
from grader.protocol.messages import Frame, Raised, Value
from grader.worker.limits import TimeLimit

T = TypeVar("T")

MAX_TEXT = 200
MAX_MESSAGE = 600
MAX_ITEMS = 16
MAX_FRAMES = 8


def describe(thing: Any, depth: int = 2) -> Value:
    """A `Value` for anything; what misbehaves when looked at is described by its type alone."""
    name = _type_name(thing)
    if isinstance(thing, torch.Tensor):
        return Value(
            type=name,
            text=safely(lambda: f"{name} {encode_tensor(thing).describe()}", name),
            array=safely(lambda: encode_tensor(thing), None),
            number=_number(safely(thing.detach, thing)),
            holds_graph=safely(lambda: bool(thing.requires_grad), False),
        )
    if isinstance(thing, np.ndarray | np.generic):
        array = safely(lambda: from_numpy(thing), None)
        text = f"{name} {array.describe()}" if array is not None else name
        return Value(type=name, text=text, array=array, number=_number(thing))
    if isinstance(thing, tuple | list) and depth > 0:
        count = safely(lambda: len(thing), 0)
        none: list[Value] = []
        items = safely(lambda: [describe(item, depth - 1) for item in thing[:MAX_ITEMS]], none)
        return Value(type=name, text=f"{name} of {count} items", items=items)
    text = safely(lambda: repr(thing)[:MAX_TEXT], name)
    return Value(type=name, text=text, number=_number(thing))


def encode_tensor(tensor: torch.Tensor) -> Array:
    """Values of a tensor, or only its dtype and shape where they cannot or should not be sent."""
    dtype = str(tensor.dtype).removeprefix("torch.")
    shape = tuple(int(n) for n in tensor.shape)
    if dtype not in VALUE_DTYPES or tensor.numel() > 2**22:
        return Array(dtype, shape, None)
    return from_numpy(tensor.detach().cpu().numpy())


def describe_exception(error: BaseException, during: str, folder: Path) -> Raised:
    """Type, message and the frames that lie in the student's own files."""
    none: list[Frame] = []
    frames = safely(lambda: _frames(error, folder), none)
    message = safely(lambda: _message(error), "(its message cannot be shown)")
    return Raised(
        type=_type_name(error),
        message=_sendable(str(message).replace(str(folder), ".")[:MAX_MESSAGE]),
        frames=frames,
        during=during,
    )


def safely(look: Callable[[], T], otherwise: T) -> T:
    """`look()`, or `otherwise` when the thing looked at raises; time limits pass."""
    try:
        return look()
    except TimeLimit:
        raise
    except BaseException:
        return otherwise


def _message(error: BaseException) -> str:
    """What the exception says; a syntax error's place is told by its frame."""
    return str(error.msg) if isinstance(error, SyntaxError) else str(error)


def _sendable(text: str) -> str:
    """Lone surrogates, as in undecodable file names, do not cross the channel."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _type_name(thing: Any) -> str:
    kind = type(thing)
    module = safely(lambda: str(kind.__module__), "")
    name = safely(lambda: str(kind.__name__), "object")[:MAX_TEXT]
    return f"numpy.{name}" if module == "numpy" else name


def _number(thing: Any) -> float | None:
    """What `float()` makes of it; text is not a number here, although `float()` would read it."""
    if isinstance(thing, str | bytes | bytearray):
        return None
    return safely(lambda: float(thing), None)


def _frames(error: BaseException, folder: Path) -> list[Frame]:
    frames: list[Frame] = []
    trace = error.__traceback__
    while trace is not None:
        path = Path(trace.tb_frame.f_code.co_filename)
        if path.parent == folder:
            frames.append(_frame(path, trace.tb_lineno, trace.tb_frame.f_code.co_name))
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename is not None:
        path = Path(error.filename)
        if path.parent == folder:
            frames.append(_frame(path, error.lineno or 1, "<module>"))
    return frames[-MAX_FRAMES:]


def _frame(path: Path, line: int, function: str) -> Frame:
    source = linecache.getline(str(path), line).strip()[:MAX_TEXT]
    return Frame(file=path.name, line=line, function=function[:MAX_TEXT], source=source)

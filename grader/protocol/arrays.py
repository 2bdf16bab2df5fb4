"""Arrays on the channel: raw bytes with dtype and shape.

An `Array` is what was sent, valid or not; `to_numpy` checks it before anything is computed.
"""

from __future__ import annotations

import math
from typing import Annotated

import msgspec
import numpy as np
import numpy.typing as npt

from grader.protocol.errors import ProtocolError

#: dtypes whose values cross the channel; any other dtype crosses as a name without data.
VALUE_DTYPES = frozenset(
    {"float32", "float64", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"}
)
_DTYPES = {name: np.dtype(name).newbyteorder("<") for name in VALUE_DTYPES}
#: NumPy puts names together anew whenever they are asked for, which takes longer than the rest.
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
#: An array with more bytes than this crosses as dtype and shape only.
MAX_ARRAY_BYTES = 4 * 1024 * 1024
MAX_DIMENSIONS = 32
#: torch's limit, for an array that crosses without values.
MAX_SENT_DIMENSIONS = 64


class Array(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An array in C order, little-endian; `data` is None when its values were not sent."""

    dtype: Annotated[str, msgspec.Meta(max_length=200)]
    shape: Annotated[tuple[int, ...], msgspec.Meta(max_length=MAX_SENT_DIMENSIONS)]
    data: bytes | None

    def describe(self) -> str:
        """`float32 (64, 4)`, as shown to students."""
        inside = ", ".join(map(str, self.shape)) + ("," if len(self.shape) == 1 else "")
        return f"{self.dtype} ({inside})"


def from_numpy(values: npt.ArrayLike) -> Array:
    """Encode a NumPy array of one of `VALUE_DTYPES`; larger than the cap, only its shape."""
    array = np.asarray(values)
    dtype = array.dtype.newbyteorder("<") if array.dtype.byteorder == ">" else array.dtype
    name = _NAMES.get(array.dtype) or array.dtype.name
    sendable = name in VALUE_DTYPES and array.nbytes <= MAX_ARRAY_BYTES
    data = np.ascontiguousarray(array, dtype=dtype).tobytes() if sendable else None
    return Array(name, tuple(int(n) for n in array.shape), data)


def to_numpy(array: Array) -> npt.NDArray[np.generic]:
    """Decode, or raise `ProtocolError` when bytes, dtype and shape do not belong together."""
    if array.data is None:
        raise ProtocolError(f"array {array.dtype[:40]} was sent without its values")
    dtype = _DTYPES.get(array.dtype)
    if dtype is None:
        raise ProtocolError(f"dtype {array.dtype[:40]!r} does not cross the channel")
    if len(array.shape) > MAX_DIMENSIONS or any(n < 0 for n in array.shape):
        raise ProtocolError("array with an impossible shape")
    if math.prod(array.shape) * dtype.itemsize != len(array.data):
        raise ProtocolError("array whose bytes do not fill its shape")
    try:
        return np.frombuffer(array.data, dtype=dtype).reshape(array.shape)
    except ValueError:  # empty, with a dimension that NumPy cannot hold beside the zero
        raise ProtocolError("array with an impossible shape") from None

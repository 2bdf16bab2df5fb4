"""Strategies for every message of the channel."""

import types
import typing
from functools import cache

import msgspec
import numpy as np
from hypothesis import strategies as st

from grader.protocol.arrays import VALUE_DTYPES, Array, from_numpy

SCALARS = {
    int: st.integers(-(2**63), 2**64 - 1),
    float: st.floats(),
    str: st.text(max_size=20),
    bytes: st.binary(max_size=20),
    bool: st.booleans(),
    type(None): st.none(),
}


def _valid_array(shape, dtype):
    return from_numpy(np.arange(int(np.prod(shape))).reshape(shape).astype(dtype))


ARRAYS = st.builds(
    _valid_array,
    st.lists(st.integers(0, 3), max_size=3).map(tuple),
    st.sampled_from(sorted(VALUE_DTYPES)),
) | st.builds(
    Array,
    dtype=st.sampled_from(sorted(VALUE_DTYPES)) | st.text(max_size=8),
    shape=st.lists(st.integers(-(2**63), 2**64 - 1) | st.integers(0, 3), max_size=3).map(tuple),
    data=st.none() | st.binary(max_size=16),
)


@cache
def strategy_of(kind):
    """A strategy for a type as it stands in a message's annotation."""
    if kind in SCALARS:
        return SCALARS[kind]
    if kind is Array:
        return ARRAYS
    arguments = typing.get_args(kind)
    match typing.get_origin(kind):
        case typing.Literal:
            return st.sampled_from(arguments)
        case types.UnionType | typing.Union:
            return st.one_of(*(strategy_of(argument) for argument in arguments))
        case origin if origin is list:
            return st.lists(strategy_of(arguments[0]), max_size=2)
        case origin if origin is dict:
            return st.dictionaries(*(strategy_of(argument) for argument in arguments), max_size=2)
    assert issubclass(kind, msgspec.Struct), kind
    return st.deferred(lambda: st.builds(kind, **_fields(kind)))


def _fields(kind):
    hints = typing.get_type_hints(kind)
    return {name: strategy_of(hints[name]) for name in kind.__struct_fields__}

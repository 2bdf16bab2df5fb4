"""Arrays cross the channel unchanged, or are refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grader.protocol import arrays
from grader.protocol.arrays import MAX_ARRAY_BYTES, VALUE_DTYPES, Array, from_numpy, to_numpy
from grader.protocol.errors import ProtocolError

QUICK = settings(database=None, deadline=None, derandomize=True, max_examples=150)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4)


def any_array(byte_orders="<>"):
    dtypes = st.builds(
        lambda name, order: np.dtype(name).newbyteorder(order),
        st.sampled_from(sorted(VALUE_DTYPES)),
        st.sampled_from(byte_orders),
    )
    return dtypes.flatmap(lambda dtype: hnp.arrays(dtype, SHAPES))


@QUICK
@given(any_array())
def test_values_shape_and_dtype_survive(array):
    got = to_numpy(from_numpy(array))
    assert got.shape == array.shape
    assert got.dtype.name == array.dtype.name
    np.testing.assert_array_equal(got, array)


@QUICK
@given(any_array("<"))
def test_bytes_are_those_of_the_contiguous_little_endian_array(array):
    encoded = from_numpy(array)
    assert encoded.data == array.tobytes()
    assert from_numpy(array.astype(array.dtype.newbyteorder(">"))) == encoded
    assert from_numpy(np.array(array, order="F")) == encoded


@pytest.mark.parametrize(
    "view",
    [
        np.arange(24.0).reshape(4, 6).T,
        np.arange(24, dtype=np.int32)[::-3],
        np.arange(24, dtype=">i2").reshape(2, 3, 4)[:, ::2, 1],
        np.broadcast_to(np.float32(3), (2, 0, 5)),
        np.broadcast_to(np.float32(3), (3, 2)),
        np.array(True),
        np.float16(1.5),
        [[1, 2], [3, 4]],
    ],
    ids=["transposed", "strided", "sliced", "empty", "broadcast", "0-d", "scalar", "list"],
)
def test_any_memory_layout(view):
    got = to_numpy(from_numpy(view))
    assert got.shape == np.shape(view)
    assert got.tolist() == np.asarray(view).tolist()


def test_non_finite_values_cross_unchanged():
    values = np.array([np.nan, np.inf, -np.inf, -0.0], np.float32)
    assert to_numpy(from_numpy(values)).tobytes() == values.tobytes()


def test_what_was_decoded_cannot_be_written_to():
    array = to_numpy(from_numpy(np.zeros(3)))
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (np.zeros(2, np.complex64), "complex64"),
        (np.zeros(2, np.uint64), "uint64"),
        (np.array([None, {}]), "object"),
        (np.array(["a", "bc"]), "str64"),
        (np.zeros(2, [("a", "i4")]), "void32"),
        (np.zeros(2, "datetime64[s]"), "datetime64[s]"),
    ],
)
def test_other_dtypes_cross_as_names_without_values(values, dtype):
    encoded = from_numpy(values)
    assert encoded == Array(dtype, (2,), None)
    with pytest.raises(ProtocolError, match="without its values"):
        to_numpy(encoded)


def test_values_are_sent_up_to_the_cap(monkeypatch):
    monkeypatch.setattr(arrays, "MAX_ARRAY_BYTES", 80)
    assert from_numpy(np.zeros(10)).data is not None
    assert from_numpy(np.zeros(11)) == Array("float64", (11,), None)


def test_an_array_far_over_the_cap_is_not_copied():
    huge = np.broadcast_to(np.float64(0), (2**20, 2**20))
    assert huge.nbytes > MAX_ARRAY_BYTES
    assert from_numpy(huge) == Array("float64", (2**20, 2**20), None)


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (Array("float32", (3,), b"\0" * 11), "do not fill"),
        (Array("float32", (3,), b"\0" * 13), "do not fill"),
        (Array("float32", (3,), b"\0" * 16), "do not fill"),
        (Array("float32", (), b""), "do not fill"),
        (Array("float32", (2**40, 2**40), b"\0" * 4), "do not fill"),
        (Array("float32", (2**63,), b"\0" * 4), "do not fill"),
        (Array("float32", (-1,), b"\0" * 4), "impossible shape"),
        (Array("float32", (-1, -1), b"\0" * 4), "impossible shape"),
        (Array("float32", (0,) * 33, b""), "impossible shape"),
        (Array("float32", (1,) * 1_000_000, b"\0" * 4), "impossible shape"),
        (Array("float32", (3,), None), "without its values"),
        (Array("x" * 10_000, (3,), None), "without its values"),
        *(
            (Array(name, (1,), b"\0" * 8), "does not cross the channel")
            for name in ("O", "object", "float128", ">f8", "V8", "U2", "m8[s]", "f4,f4", "", "é")
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else value.describe()[:40],
)
def test_refused(array, reason):
    with pytest.raises(ProtocolError, match=reason) as caught:
        to_numpy(array)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "shape", [(0, 2**62), (2**63, 0), (0, 2**64 - 1), (2**40, 2**40, 0), (2**31, 2**31, 0, 2**31)]
)
def test_empty_with_an_absurd_dimension_is_refused(shape):
    with pytest.raises(ProtocolError):
        to_numpy(Array("float32", shape, b""))


@QUICK
@given(
    st.builds(
        Array,
        dtype=st.sampled_from([*sorted(VALUE_DTYPES), "object", "str"]),
        shape=st.lists(st.sampled_from([-1, 0, 1, 2, 3, 2**31, 2**62, 2**64 - 1]), max_size=4).map(
            tuple
        ),
        data=st.sampled_from([None, b"", b"12", b"1234", b"x" * 24]),
    )
)
def test_whatever_is_sent_is_an_array_or_refused(array):
    try:
        got = to_numpy(array)
    except ProtocolError:
        return
    assert got.shape == array.shape
    assert got.nbytes == len(array.data)


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (Array("float32", (64, 4), None), "float32 (64, 4)"),
        (Array("int64", (5,), None), "int64 (5,)"),
        (Array("bool", (), None), "bool ()"),
    ],
)
def test_described_as_numpy_writes_shapes(array, text):
    assert array.describe() == text

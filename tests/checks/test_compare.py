"""Comparisons and their words, on numbers worked out by hand."""

import warnings

import numpy as np
import pytest

from grader.checks.compare import (
    TOLERANCE,
    apart,
    close,
    doubles,
    list_of_doubles,
    show,
    shown,
    tensor_problem,
)
from grader.protocol.arrays import Array, from_numpy
from grader.protocol.messages import Value

NO_NUMBERS = Array("float32", (2,), None)


def value(array=None, kind="Tensor", text=""):
    return Value(type=kind, text=text, array=array)


FLOATS = Array("float32", (2, 3), None)


@pytest.mark.parametrize(
    ("got", "problem"),
    [
        (value(FLOATS), None),
        (value(text="7", kind="int"), "q must be a tensor float32 (2, 3), got 7."),
        (value(kind="Agent"), "q must be a tensor float32 (2, 3), got Agent."),
        (value(FLOATS, "numpy.float32", "0.5"), "q must be a tensor float32 (2, 3), got 0.5."),
        (value(FLOATS, "ndarray", "[…]"), "q must be a tensor float32 (2, 3), got a NumPy array."),
        (value(Array("float32", (3, 2), None)), "q must have shape (2, 3), got (3, 2)."),
        (value(Array("float64", (2, 3), None)), "q must be float32, got float64."),
    ],
    ids=["fits", "int", "no text", "NumPy scalar", "NumPy array", "shape", "dtype"],
)
def test_what_keeps_a_value_from_being_the_tensor(got, problem):
    assert tensor_problem(got, "q", (2, 3), "float32") == problem


def test_doubles_are_float64():
    values = doubles(from_numpy(np.array([1, -2], np.int32)))
    assert values.dtype == np.float64
    assert values.tolist() == [1.0, -2.0]


@pytest.mark.parametrize(
    "array",
    [
        None,
        NO_NUMBERS,
        Array("float32", (2,), b"123"),
        from_numpy(np.array([1.0, np.nan])),
        from_numpy(np.array([np.inf, 1.0])),
    ],
    ids=["none", "not sent", "broken", "NaN", "infinite"],
)
def test_what_is_not_made_of_finite_numbers_has_no_doubles(array):
    assert doubles(array) is None
    assert list_of_doubles([from_numpy(np.ones(2)), array]) is None


def test_lists_of_doubles():
    assert list_of_doubles(None) is None
    assert list_of_doubles([]) == []
    one, two = list_of_doubles([from_numpy(np.float32([1, 2])), from_numpy(np.int64(3))])
    assert one.tolist() == [1.0, 2.0]
    assert two.tolist() == 3.0


@pytest.mark.parametrize(
    ("got", "expected", "options", "verdict"),
    [
        # 1e-4 of the largest expected value, which is 10, and 1e-7 beside it.
        ([0.0, 10.001], [0.0, -10.0], {}, False),
        ([0.0, -10.001], [0.0, -10.0], {}, True),
        ([0.0, -10.00100005], [0.0, -10.0], {}, True),
        ([0.0, -10.0010002], [0.0, -10.0], {}, False),
        ([0.001, -10.0], [0.0, -10.0], {}, True),
        ([0.002, -10.0], [0.0, -10.0], {}, False),
        ([0.9e-7], [0.0], {}, True),
        ([-1.1e-7], [0.0], {}, False),
        # A scale or a share of its own.
        ([0.0499], [0.0], {"scale": 500.0}, True),
        ([0.0501], [0.0], {"scale": 500.0}, False),
        ([1.9], [1.0], {"rel": 0.9001}, True),
        ([1.9], [1.0], {"rel": 0.8999}, False),
        # The bound itself belongs to it: 0.25 · 4 + 1e-7.
        ([1 + 1e-7], [0.0], {"scale": 4.0, "rel": 0.25}, True),
        # Shapes.
        ([], [], {}, True),
        ([1.0], 1.0, {}, False),
        ([[1.0, 1.0]], [1.0, 1.0], {}, False),
        (np.float32(1), 1, {}, True),
        # What is not finite.
        ([np.nan], [1.0], {}, False),
        ([1.0], [np.nan], {}, False),
        ([np.inf], [1.0], {}, False),
        ([np.inf], [np.inf], {}, False),
        ([1e308], [-1e308], {}, False),
    ],
)
def test_close(got, expected, options, verdict):
    assert TOLERANCE == 1e-4
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert close(got, expected, **options) is verdict


@pytest.mark.parametrize(
    ("got", "expected", "words"),
    [
        (None, [1.0, 2.0], "got something that is not all finite numbers, expected [1, 2]"),
        ([1.0], [1.0, 2.0], "got shape (1,), expected (2,)"),
        ([[1.0, 2.0], [3.5, 4.0]], [[1.0, 2.5], [0.5, 4.0]], "got 3.5, expected 0.5"),
        ([1.0, -7.0], [1.0, 2.0], "got -7, expected 2"),
        # Four digits, or as many as tell the two apart, up to twelve.
        ([1.2344], [1.2366], "got 1.234, expected 1.237"),
        ([1.00001], [1.0], "got 1.00001, expected 1"),
        ([1.0000000001], [1.0], "got 1.0000000001, expected 1"),
        ([1.000000000041], [1.0], "got 1.00000000004, expected 1"),
        ([1.0], [1.0], "got 1, expected 1"),
    ],
)
def test_apart(got, expected, words):
    assert apart(None if got is None else np.array(got), np.array(expected)) == words


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        (1.23456, "1.235"),
        ([[1.23456]], "1.235"),
        (np.int64(7), "7"),
        (np.array([True, False]), "[1, 0]"),
        ([1, 2.5], "[1, 2.5]"),
        (np.arange(6), "[0, 1, 2, 3, 4, 5]"),
        (np.arange(7), "[0, 1, 2, 3, 4, 5, …]"),
        ([[1, 2], [3, 123456]], "[1, 2, 3, 1.235e+05]"),
        ([], "[]"),
    ],
)
def test_show(numbers, words):
    assert show(numbers) == words


def test_show_with_other_digits():
    assert show(1.23456, 2) == "1.2"
    assert show([1.23456, 2.0], digits=3) == "[1.23, 2]"


def test_shown():
    assert shown(np.array([1.0, 2.0])) == "[1, 2]"
    assert shown(None) == "something that is not all finite numbers"

"""Which shapes of parameters a layout can read."""

import pytest

from grader.oracle.network import Layout

STATE, ACTION, HIDDEN = 5, 3, 7
PLAIN = Layout((0, 1, 2, 3, 4, 5), (False,) * 6)
SHAPES = [(7, 5), (7,), (7, 7), (7,), (3, 7), (3,)]
#: Other orders, the first and last matrices the other way round, biases as rows.
TURNED = Layout((4, 0, 5, 1, 3, 2), (True, False, False, False, True, False))
TURNED_SHAPES = [(1, 7), (1, 7), (1, 3), (7, 3), (5, 7), (7, 7)]


@pytest.mark.parametrize(("layout", "shapes"), [(PLAIN, SHAPES), (TURNED, TURNED_SHAPES)])
def test_its_own_shapes_fit(layout, shapes):
    assert layout.fits(shapes, STATE, ACTION, HIDDEN) is True
    for n in range(6):
        wrong = list(shapes)
        wrong[n] = (*shapes[n], 2)
        assert layout.fits(wrong, STATE, ACTION, HIDDEN) is False


@pytest.mark.parametrize(("layout", "shapes"), [(PLAIN, TURNED_SHAPES), (TURNED, SHAPES)])
def test_those_of_another_layout_do_not(layout, shapes):
    assert layout.fits(shapes, STATE, ACTION, HIDDEN) is False


@pytest.mark.parametrize("dimensions", [(6, 3, 7), (5, 4, 7), (5, 3, 8)])
def test_other_dimensions_do_not(dimensions):
    assert PLAIN.fits(SHAPES, *dimensions) is False
    assert TURNED.fits(TURNED_SHAPES, *dimensions) is False


@pytest.mark.parametrize("shapes", [SHAPES[:5], [*SHAPES, (3,)], []])
def test_six_parameters_or_none(shapes):
    assert PLAIN.fits(shapes, STATE, ACTION, HIDDEN) is False

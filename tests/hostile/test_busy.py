"""Reports are compared in all that is not measured in time."""

import pytest

from tests.hostile.busy import SUBMISSIONS, WHOLE, difference
from tests.hostile.corpus import BASES


def test_equal_reports_do_not_differ():
    report = {"score": 1, "checks": [{"id": "a", "observed": None}]}
    assert difference(report, {"score": 1, "checks": [{"id": "a", "observed": None}]}) is None


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ({"score": 1}, {"score": 2}, "report.score: 1 alone, 2 beside others"),
        ({"a": [1, 2]}, {"a": [1, 3]}, "report.a[1]: 2 alone, 3 beside others"),
        ({"a": [1]}, {"a": [1, 3]}, "report.a: [1] alone, [1, 3] beside others"),
        ({"a": 1}, {"b": 1}, "report: {'a': 1} alone, {'b': 1} beside others"),
        ({"a": None}, {"a": {}}, "report.a: None alone, {} beside others"),
    ],
)
def test_what_differs_is_told_by_its_place(one, other, told):
    assert difference(one, other) == told


def test_what_is_graded_beside_others_is_python():
    assert SUBMISSIONS[WHOLE] == {}
    for additions in SUBMISSIONS.values():
        for name, text in additions.items():
            compile((BASES / "textbook" / name).read_text("utf-8") + text, name, "exec")

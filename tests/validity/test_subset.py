"""The first case of every file of the corpus; `make validity` grades the rest as well."""

from tests.validity.claims import broken, departures, judge


def test_points_and_remarks_are_as_they_should_be(verdicts):
    assert [line for v in verdicts.values() for line in departures(judge(v))] == []


def test_names_are_right(verdicts):
    # A subtle fault may be named or not.
    judged = [judge(v) for v in verdicts.values() if v.case.kind in ("wrong", "double")]
    assert [one.verdict.case.id for one in judged if one.misnamed or one.silent] == []
    assert broken(judged) == []

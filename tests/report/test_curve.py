"""The picture of the CartPole run: all is named, and it depends on the report alone."""

import re
import xml.etree.ElementTree as ElementTree

import pytest

from grader.report.curve import curve_svg
from grader.report.model import AttemptEntry, AuditEntry, SolveEntry


def run(*attempts):
    audit = AuditEntry(status="passed", audited_updates=1, against="contract")
    return SolveEntry(
        status="passed",
        threshold=475.0,
        episodes=100,
        max_q_bound=50.0,
        attempts=list(attempts),
        audit=audit,
    )


def attempt(curve, max_q, solved=False):
    return AttemptEntry(
        solved=solved,
        updates=curve[-1][0] if curve else 7,
        environment_steps=900,
        mean_return=curve[-1][1] if curve else None,
        curve=curve,
        max_q=max_q,
    )


def words(svg):
    ElementTree.fromstring(svg)  # well-formed
    return [found.strip() for found in re.findall(r">([^<>]+)<", svg.decode()) if found.strip()]


def paths(svg):
    """Lines drawn, by the number of points in each."""
    return [len(re.findall("[ML]", d)) for d in re.findall(r' d="([^"]*)"', svg.decode())]


def test_threshold_bound_and_attempts_are_named():
    one = attempt([(25, 10.0), (50, 300.0)], [(25, 3.0), (50, 70.0)])
    two = attempt([(25, 20.0), (1250, 490.0)], [(25, 1.0), (1250, 40.0)], solved=True)
    told = words(curve_svg(run(one, two)))
    for text in (
        "threshold 475",
        "1/(1 − γ) = 50",
        "attempt 1: best 300.0 in 50 updates",
        "attempt 2: confirmed at 490.0 after 1,250 updates",
        "greedy return, mean",
        "max Q(s, ·), mean",
        "updates",
    ):
        assert text in told


def test_every_screening_is_a_point_of_both_lines():
    points = [(25 * n, float(n)) for n in range(1, 14)]
    assert paths(curve_svg(run(attempt(points, points)))).count(13) == 2


def test_values_that_overflowed_are_left_out_and_huge_ones_do_not_flatten_the_rest():
    curve = [(25 * n, 10.0) for n in range(1, 6)]
    values = [(25, 10.0), (50, 1e30), (75, None), (100, 40.0), (125, 45.0)]
    svg = curve_svg(run(attempt(curve, values)))
    numbers = [float(w.replace("−", "-")) for w in words(svg) if re.fullmatch(r"−?\d+(\.\d+)?", w)]
    assert max(numbers) <= 500
    assert paths(svg).count(5) >= 1


@pytest.mark.parametrize("attempts", [(), (attempt([], []),)])
def test_a_run_without_a_curve_says_so(attempts):
    told = words(curve_svg(run(*attempts)))
    assert "The agent was not trained, or not for long enough to be looked at." in told


def test_the_same_run_gives_the_same_picture():
    one = run(attempt([(25, 10.0), (50, 300.0)], [(25, 3.0), (50, 70.0)]))
    assert curve_svg(one) == curve_svg(one)

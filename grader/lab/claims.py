"""The course's claims, each as something that the rows can bear out or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from grader.lab.chance import sign_p
from grader.lab.experiments import BASELINE
from grader.lab.rows import Row
from grader.lab.summary import LEVEL, Comparison, Difference, compare, value_error
from grader.lab.text import number, p_value

Verdict = Literal["holds here", "does not show here", "the opposite shows here"]
HOLDS: Verdict = "holds here"
HIDDEN: Verdict = "does not show here"
OPPOSITE: Verdict = "the opposite shows here"


@dataclass(frozen=True)
class Claim:
    """A claim about one quantity of one experiment.

    quantity : `late`, the late return, or `error`, the value error
    expected : the sign of the difference from the baseline that the claim leads to; 0 for "not
        smaller"
    """

    text: str
    experiment: str
    quantity: Literal["late", "error"]
    expected: Literal[-1, 0, 1]


@dataclass(frozen=True)
class Judgement:
    """What the rows say of a claim, and by which numbers."""

    text: str
    experiment: str
    verdict: Verdict
    evidence: str


CLAIMS = (
    Claim(
        "Learning from the newest transition alone is worse: replay helps",
        "newest-transition",
        "late",
        -1,
    ),
    Claim(
        "Consecutive transitions teach less than a random batch from the past",
        "newest-batch",
        "late",
        -1,
    ),
    Claim("Without a target network the agent learns worse", "no-target-network", "late", -1),
    Claim("Without a target network values run away upwards", "no-target-network", "error", 1),
    Claim("Too frequent copies undo what the target network does", "copy-every-update", "late", -1),
    Claim(
        "A copy every 800 steps, well within the usual 100 to 1,000, serves as well",
        "copy-every-100",
        "late",
        0,
    ),
    Claim("Copies that are too rare slow learning down", "copy-every-1000", "late", -1),
    Claim("Rarer copies keep values lower", "copy-every-100", "error", -1),
    Claim(
        "Without the terminal mask the agent does not learn what a fall costs",
        "no-terminal-mask",
        "late",
        -1,
    ),
    Claim("Without the terminal mask values are too high", "no-terminal-mask", "error", 1),
    Claim(
        "An agent that takes truncation for termination learns worse", "truncation-ends", "late", -1
    ),
)
_OVERESTIMATES = "Values are too high in the baseline too"
_SAME = "A copy at every update is the same as no target network"
_TWINS = ("no-target-network", "copy-every-update")


def judge(rows: Mapping[str, Sequence[Row]]) -> list[Judgement]:
    """Every claim whose experiments are there, in the order of `CLAIMS`."""
    found = compare(rows)
    judged = [
        _judge(claim, found[claim.experiment]) for claim in CLAIMS if claim.experiment in found
    ]
    if all(name in rows for name in _TWINS):
        judged.append(_twins(*(rows[name] for name in _TWINS)))
    return [*judged, _overestimates(rows[BASELINE.id])]


def _judge(claim: Claim, found: Comparison) -> Judgement:
    difference: Difference = getattr(found, claim.quantity)
    sign = difference.sign
    if claim.expected == 0:
        verdict = HOLDS if sign >= 0 else OPPOSITE
    elif sign == 0:
        verdict = HIDDEN
    else:
        verdict = HOLDS if sign == claim.expected else OPPOSITE
    name = {"late": "late return", "error": "value error"}[claim.quantity]
    evidence = (
        f"{name} {number(difference.shift, '+')}, larger than the baseline's in "
        f"{difference.larger:.0%} of pairs, p {p_value(difference.p)}"
    )
    return Judgement(claim.text, claim.experiment, verdict, evidence)


def _twins(first: Sequence[Row], second: Sequence[Row]) -> Judgement:
    """Equal seeds must give equal numbers, to the last digit."""
    by_seed = {row.seed: row.result.evaluations for row in second}
    pairs = [(row.result.evaluations, by_seed[row.seed]) for row in first if row.seed in by_seed]
    equal = sum(a == b for a, b in pairs)
    verdict = HOLDS if equal == len(pairs) else OPPOSITE
    evidence = f"equal numbers at all evaluations with {equal} of {len(pairs)} seeds"
    return Judgement(_SAME, _TWINS[1], verdict, evidence)


def _overestimates(baseline: Sequence[Row]) -> Judgement:
    errors = [value_error(row.result) for row in baseline]
    above = sum(error > 0 for error in errors)
    p = sign_p(above, len(errors))
    verdict = HIDDEN if p >= LEVEL else HOLDS if 2 * above > len(errors) else OPPOSITE
    evidence = f"value error above 0 in {above} of {len(errors)} runs, p {p_value(p)} (sign test)"
    return Judgement(_OVERESTIMATES, BASELINE.id, verdict, evidence)

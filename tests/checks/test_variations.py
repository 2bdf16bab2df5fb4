"""Submissions that behave like a variation of the oracle: what fails, and what it is called."""

import itertools
import random

import numpy as np
import pytest

from grader.checks import diagnosis
from grader.checks.agents import Agents, Scenario
from grader.checks.diagnosis import battery, diagnose
from grader.checks.feedback import Blocked, Failure
from grader.checks.part import Part, Siblings
from grader.explanations import load_explanations
from grader.keys import PUBLIC_KEY
from grader.oracle.catalogue import pairs, variations
from grader.oracle.dqn import Learner
from grader.rubric import load_rubric

KINDS = variations()
#: One constant of each class goes through all checks; the others are told by the battery.
REPRESENTATIVES = list({kind.__name__: kind for kind in reversed(KINDS)}.values())
PAIRS = 60


def named(kind):
    constants = [
        str(v) for n, v in vars(kind).items() if n[0] != "_" and isinstance(v, int | float)
    ]
    return "-".join((kind.__name__, *constants))


@pytest.fixture(scope="module")
def graded():
    return [check.id for check in load_rubric().checks_of("update") if check.points]


@pytest.fixture(scope="module")
def scenarios():
    """The battery; what a learner makes of a scenario is worked out once."""
    known = {}
    work_out = Scenario.expected

    def expected(scenario, kind=Learner):
        if (id(scenario), kind) not in known:
            known[id(scenario), kind] = work_out(scenario, kind)
        return known[id(scenario), kind]

    every_pair = list(pairs())
    with pytest.MonkeyPatch.context() as patch:
        found = battery(PUBLIC_KEY)
        patch.setattr(Scenario, "expected", expected)
        patch.setattr(diagnosis, "variations", lambda: KINDS)
        patch.setattr(diagnosis, "pairs", lambda: every_pair)
        yield found


def played(worker, scenarios):
    agents = Agents(Part(worker, "dqn_agent", True, PUBLIC_KEY, Siblings()))
    return [agents.play(scenario) for scenario in scenarios]


def test_contract_passes_everything_and_gets_no_advice(learner_worker, runner):
    checks = runner(learner_worker(), "update")
    assert set(checks.run_all().values()) == {None}
    assert checks.part.advice == []
    assert checks.view("updates").diagnosis.learner is Learner


@pytest.mark.usefixtures("few_examples")
@pytest.mark.parametrize("kind", REPRESENTATIVES, ids=named)
def test_variation_fails_its_checks_and_no_others(kind, learner_worker, runner, graded):
    checks = runner(learner_worker(kind), "update")
    outcomes = checks.run_all()
    failed = {check for check in graded if outcomes[check] is not None}
    assert set(kind.checks) <= failed
    # What cannot even be asked, since the code raises on an ordinary batch or learns nothing, is
    # blocked and no failure of its own.
    blocked = {check for check in failed if isinstance(outcomes[check], Blocked)}
    assert failed - blocked <= {*kind.checks, "update.learns"}
    if blocked or "update.learns" in failed - set(kind.checks):
        assert isinstance(outcomes["update.learns"], Failure)
    for check in failed - blocked:
        assert outcomes[check].code == kind.code
        assert outcomes[check].observed
    found = checks.view("updates").diagnosis
    assert found.codes == [kind.code]
    assert found.checks == set(kind.checks)


@pytest.mark.parametrize("kind", [k for k in KINDS if k not in REPRESENTATIVES], ids=named)
def test_other_constants_are_named(kind, learner_worker, scenarios):
    found = diagnose(scenarios, played(learner_worker(kind), scenarios))
    assert found.codes == [kind.code]
    assert found.checks == set(kind.checks)
    for check in kind.checks:
        assert found.code_for(check) == kind.code


def test_pairs_are_named_or_left_unnamed(learner_worker, scenarios):
    rng = random.Random(20)
    silent = 0
    for pair in rng.sample(list(diagnosis.pairs()), PAIRS):
        with np.errstate(all="ignore"):
            found = diagnose(scenarios, played(learner_worker(pair), scenarios))
        if not found.codes:
            # Not the contract's learner either: that would be a verdict, and a wrong one.
            assert found.learner is None, pair.code
            silent += 1
            continue
        wanted = set(pair.code.split("+"))
        assert set(found.codes) <= wanted, f"{pair.code} is taken for {found.codes}"
        if set(found.codes) != wanted:
            assert one_hides_the_other(pair, found.learner, scenarios), pair.code
        for check in found.checks:
            assert found.code_for(check) in wanted
    # Silence is allowed, and must not be the rule.
    assert silent <= PAIRS // 2


def one_hides_the_other(pair, single, scenarios):
    """The pair leaves behind what one of its two does, but for a loss rounded in its digits."""

    def same(a, b):
        if a is None or b is None:
            return a is b
        arrays = zip([*a.q, *a.target], [*b.q, *b.target], strict=True)
        return np.isclose(a.returned, b.returned, rtol=1e-3) and all(
            np.allclose(x, y, rtol=1e-4, atol=1e-6) for x, y in arrays
        )

    return all(
        same(a, b)
        for scenario in scenarios
        for a, b in itertools.zip_longest(scenario.expected(pair), scenario.expected(single))
    )


@pytest.mark.parametrize("code", sorted({kind.code for kind in KINDS}))
def test_code_is_explained(code):
    explanation = load_explanations()[code]
    assert explanation.severity == "fails"
    assert explanation.part == ("given" if code.startswith("GIVEN_") else "update")

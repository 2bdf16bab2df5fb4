"""Nobody who explains a trace is kept back, and few others pass."""

import numpy as np
import pytest

from grader.checks.agents import Agents
from grader.checks.diagnosis import battery, diagnose
from grader.checks.outcomes import EVERYTHING, GRADIENTS, RETURNED, difference
from grader.checks.part import Part, Siblings
from grader.checks.sieve import Sieve
from grader.keys import PUBLIC_KEY
from grader.oracle.catalogue import combine, variations
from grader.oracle.dqn import Learner
from grader.oracle.wrong_loss import Huber, LossSum
from grader.oracle.wrong_prediction import GatherWrongDimRow, PredictsMax
from grader.oracle.wrong_step import NoClip, NoStep
from grader.oracle.wrong_target import GammaMissing, NoTerminalMask
from grader.recall import Memory

KINDS = variations()
BOTH = combine(NoTerminalMask, LossSum)
#: The first of the battery, and others: square, mild, steep.
SCENARIOS = (0, 2, 4, 5)


@pytest.fixture(scope="module")
def scenarios():
    return battery(PUBLIC_KEY)


@pytest.fixture(scope="module")
def played(learner_worker):
    def play(kind, scenario):
        agents = Agents(Part(learner_worker(kind), "dqn_agent", True, PUBLIC_KEY, Siblings()))
        with np.errstate(all="ignore"):
            return agents.play(scenario)

    return play


@pytest.fixture(scope="module")
def sieves(scenarios):
    return {n: Sieve([*KINDS, BOTH], scenarios[n]) for n in SCENARIOS}


@pytest.mark.parametrize("number", SCENARIOS)
@pytest.mark.parametrize(
    "kind",
    [Learner, Huber, PredictsMax, NoClip, NoStep, GammaMissing, GatherWrongDimRow, BOTH],
    ids=lambda kind: kind.__name__,
)
def test_those_pass_whose_first_call_is_the_traces(number, kind, scenarios, sieves, played):
    scenario = scenarios[number]
    trace = played(kind, scenario)
    for aspects in ((RETURNED,), (GRADIENTS,), (RETURNED, GRADIENTS)):
        passing = sieves[number].passing(trace, aspects)
        alike = [k for k in [*KINDS, BOTH] if difference(scenario, trace, k, aspects) is None]
        assert passing == alike
    explained = [k for k in [*KINDS, BOTH] if difference(scenario, trace, k) is None]
    assert set(explained) <= set(sieves[number].passing(trace, EVERYTHING))


def test_a_learner_that_raises_passes_where_the_trace_does(scenarios, played):
    class Raises(Huber):
        def update(self, batch, other=None):
            raise ValueError("shapes")

    scenario = scenarios[0]
    sieve = Sieve([Huber, Raises], scenario)
    assert sieve.passing(played(Raises, scenario), EVERYTHING) == [Raises]
    assert sieve.passing(played(Huber, scenario), EVERYTHING) == [Huber]


@pytest.mark.parametrize("kind", [Huber, BOTH], ids=lambda kind: kind.__name__)
def test_a_diagnosis_is_the_same_with_what_an_earlier_one_has_left(kind, scenarios, played):
    recall = Memory().of(PUBLIC_KEY)
    traces = {k: [played(k, scenario) for scenario in scenarios] for k in (kind, BOTH)}
    alone = diagnose(scenarios, traces[kind])
    diagnose(scenarios, traces[BOTH], recall)
    again = diagnose(scenarios, traces[kind], recall)
    assert (again.codes, again.checks, again.evidence) == (
        alone.codes,
        alone.checks,
        alone.evidence,
    )
    assert again.codes == kind.code.split("+")

"""On the diagnosis battery, what the known misconceptions leave behind tells them apart."""

import numpy as np
import pytest

from grader.checks.agents import Scenario
from grader.checks.diagnosis import battery, diagnose
from grader.checks.outcomes import difference
from grader.keys import PUBLIC_KEY
from grader.oracle.catalogue import variations
from grader.oracle.dqn import Learner
from tests.validity.names import same_effect

KINDS = variations()


def named(kind):
    constants = [
        str(v) for n, v in vars(kind).items() if n[0] != "_" and isinstance(v, int | float)
    ]
    return "-".join((kind.__name__, *constants))


@pytest.fixture(scope="module")
def scenarios():
    """The battery; what each kind of learner makes of a scenario is worked out once."""
    known = {}
    work_out = Scenario.expected

    def expected(scenario, kind=Learner):
        if (id(scenario), kind) not in known:
            known[id(scenario), kind] = work_out(scenario, kind)
        return known[id(scenario), kind]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Scenario, "expected", expected)
        yield battery(PUBLIC_KEY)


@pytest.fixture(scope="module")
def traces(scenarios, trace_of):
    """For each kind of learner, its traces of the battery."""
    with np.errstate(all="ignore"):
        return {kind: [trace_of(s, kind) for s in scenarios] for kind in (Learner, *KINDS)}


def explains(scenarios, traces, kind):
    return all(difference(s, t, kind) is None for s, t in zip(scenarios, traces, strict=True))


def test_contract_explains_itself(scenarios, traces):
    assert explains(scenarios, traces[Learner], Learner)
    assert diagnose(scenarios, traces[Learner]).learner is Learner


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_variation_differs_from_the_contract(kind, scenarios, traces):
    assert explains(scenarios, traces[kind], kind)
    assert not explains(scenarios, traces[kind], Learner)
    assert not explains(scenarios, traces[Learner], kind)


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_only_variations_of_the_same_effect_explain_a_variation(kind, scenarios, traces):
    mistaken = {
        named(other)
        for other in KINDS
        if not same_effect(kind.code, other.code) and explains(scenarios, traces[kind], other)
    }
    assert not mistaken

"""Which misconception is named where numbers are alike, and the number that is told as evidence."""

from types import SimpleNamespace

import numpy as np
import pytest

from grader.checks import diagnosis
from grader.checks.agents import Agents, Learning, Scenario, random_pool, random_weights
from grader.checks.diagnosis import battery, diagnose
from grader.checks.outcomes import updates_of
from grader.checks.part import Part, Siblings
from grader.keys import PUBLIC_KEY
from grader.oracle.dqn import Learner
from grader.oracle.wrong_loss import Huber, LossSum
from grader.oracle.wrong_report import SamplesTwice
from grader.oracle.wrong_step import NoStep
from grader.oracle.wrong_target import GammaHardcoded, NoTerminalMask

STEP = "        self.optimizer.step()\n"
BACKWARD = "        loss.backward()\n"
ZERO = "        self.optimizer.zero_grad()\n"
LOSS = "        loss = nn.functional.mse_loss(predictions, targets)\n"


@pytest.fixture(autouse=True)
def no_pairs(monkeypatch):
    """There is one misconception at a time here."""
    monkeypatch.setattr(diagnosis, "pairs", lambda: iter(()))


@pytest.fixture
def played():
    """`played(worker, scenarios)` are the traces."""

    def play(worker, scenarios):
        agents = Agents(Part(worker, "dqn_agent", True, PUBLIC_KEY, Siblings()))
        return [agents.play(scenario) for scenario in scenarios]

    return play


# --- what moves nothing ---


@pytest.fixture
def blamed(monkeypatch):
    """`blamed(kind, backward, reached, steps)` names a call of `update` that was seen to do so."""
    monkeypatch.setattr(diagnosis, "updates_of", lambda trace: [trace])

    def blame(kind, backward, reached, steps, sample_calls=(6,)):
        seen = SimpleNamespace(
            backward=backward, reached=reached, steps=steps, sample_calls=list(sample_calls)
        )
        return diagnosis._blame_calls(kind, [seen])

    return blame


@pytest.mark.parametrize(
    ("seen", "code"),
    [
        ((False, False, 0), "UPDATE_NO_BACKWARD"),
        ((False, False, 1), "UPDATE_NO_BACKWARD"),
        ((True, False, 1), "UPDATE_PREDICTION_DETACHED"),
        ((True, False, 0), "UPDATE_PREDICTION_DETACHED"),
        ((True, True, 1), "UPDATE_ZERO_GRAD_LATE"),
        ((True, True, 0), "UPDATE_NO_STEP"),
    ],
)
def test_passes_and_steps_tell_apart_what_moves_nothing(blamed, seen, code):
    found = blamed(NoStep, *seen)
    assert found.code == code
    # It fails what it failed before, under the other name.
    told = diagnosis.Diagnosis(found)
    assert told.codes == [code]
    assert told.checks == {"update.learns"}
    assert told.code_for("update.learns") == code


@pytest.mark.parametrize("code", ["UPDATE_NO_STEP", "UPDATE_NO_STEP+UPDATE_HUBER"])
def test_a_call_that_looked_at_no_batch_has_no_name(blamed, code):
    kind = type("Still", (NoStep,), {"code": code})
    assert blamed(kind, False, False, 0, sample_calls=()) is None
    assert blamed(kind, True, True, 0).code == code


def test_other_misconceptions_keep_their_names(blamed):
    assert blamed(Huber, False, False, 0) is Huber
    assert blamed(Huber, False, False, 0, sample_calls=()) is Huber
    assert blamed(None, False, False, 0) is None


#: What is replaced in the solution's update, by what, and the name.
STILL = [
    (BACKWARD, "", "UPDATE_NO_BACKWARD"),
    (STEP, "", "UPDATE_NO_STEP"),
    (STEP, ZERO + STEP, "UPDATE_ZERO_GRAD_LATE"),
    (STEP, "        self.optimizer.zero_grad(set_to_none=False)\n" + STEP, "UPDATE_ZERO_GRAD_LATE"),
    (
        LOSS,
        LOSS + "        loss = loss.detach().requires_grad_()\n",
        "UPDATE_PREDICTION_DETACHED",
    ),
    (
        LOSS,
        LOSS.replace("predictions,", "predictions.data.requires_grad_(),"),
        "UPDATE_PREDICTION_DETACHED",
    ),
    (
        BACKWARD,
        "        torch.autograd.grad(loss, list(self.q_net.parameters()))\n",
        "UPDATE_ZERO_GRAD_LATE",
    ),
]


@pytest.mark.parametrize(("old", "new", "code"), STILL)
def test_code_that_moves_nothing_is_named(old, new, code, source_worker, runner, solution):
    assert old in solution["dqn_agent"]
    source = solution["dqn_agent"].replace(old, new)
    outcome = runner(source_worker(dqn_agent=source), "update").run("update.learns")
    assert outcome.code == code


def test_a_loss_without_a_graph_is_named(source_worker, runner, solution):
    source = solution["dqn_agent"].replace("[:, 0]\n", "[:, 0].detach()\n", 1)
    outcome = runner(source_worker(dqn_agent=source), "update").run("update.learns")
    assert outcome.code == "UPDATE_PREDICTION_DETACHED"


# --- the evidence ---


def scenario(seed, *updates, actions=3, gamma=0.75):
    """Updates on batches of (rows, share of terminal transitions)."""
    rng = np.random.default_rng(seed)
    return Scenario(
        q=random_weights(rng, 3, actions, 0.5),
        target=random_weights(rng, 3, actions, 0.5),
        lr=0.02,
        gamma=gamma,
        steps=[
            Learning(random_pool(rng, rows, 3, actions, terminal=terminal), rows)
            for rows, terminal in updates
        ],
    )


def test_the_evidence_is_the_first_number_that_differs(learner_worker, played):
    scenarios = [
        scenario(1, (4, 0.0)),
        scenario(2, (6, 0.0), (5, 0.4), (8, 0.5), actions=2, gamma=0.6),
        scenario(3, (7, 0.5)),
    ]
    traces = played(learner_worker(NoTerminalMask), scenarios)
    found = diagnose(scenarios, traces)
    assert found.codes == ["UPDATE_NO_TERMINAL_MASK"]
    got = updates_of(traces[1])[1].returned.number
    due = scenarios[1].expected()[1].returned
    assert found.evidence == (
        "On a random batch (call 2, 5 rows, 2 actions, γ = 0.6) "
        f"it returned {got:.6g}, expected {due:.6g}"
    )


def test_the_evidence_of_a_single_call_names_no_call(learner_worker, played):
    scenarios = [scenario(1, (6, 0.3)), scenario(2, (3, 0.0), (4, 0.0))]
    traces = played(learner_worker(LossSum), scenarios)
    found = diagnose(scenarios, traces)
    assert found.codes == ["UPDATE_LOSS_SUM"]
    assert found.evidence.startswith("On a random batch (6 rows, 3 actions, γ = 0.75) it returned ")


def test_every_variation_of_the_battery_has_evidence(learner_worker, played):
    scenarios = battery(PUBLIC_KEY)
    for kind in (Huber, GammaHardcoded, SamplesTwice, NoStep):
        found = diagnose(scenarios, played(learner_worker(kind), scenarios))
        assert found.codes == [kind.code]
        assert found.evidence.startswith("On a random batch (")
        told = ("no optimizer step", "expected ")[kind is not NoStep]
        assert found.evidence.count(told) == 1


@pytest.mark.parametrize("kind", [Learner, type("Odd", (Learner,), {"discount": lambda s: 0.123})])
def test_neither_the_contract_nor_the_unknown_has_evidence(kind, learner_worker, played):
    scenarios = [scenario(1, (6, 0.3)), scenario(2, (4, 0.0))]
    found = diagnose(scenarios, played(learner_worker(kind), scenarios))
    assert found.learner is (Learner if kind is Learner else None)
    assert (found.evidence, found.codes, found.checks) == ("", [], frozenset())
    assert found.code_for("update.loss") is None

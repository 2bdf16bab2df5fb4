"""What was not learned by the course's algorithm earns nothing, and says why.

The cheats are in `cheats/*.toml`: code added to the solution, which earns all other points. Each
dies at the first update or action that is not honest, or as soon as chance cannot explain it.
"""

import re
import tomllib
from pathlib import Path

import pytest

from grader.oracle.wrong_report import SamplesTwice, SamplesTwiceUsesSecond

MODULES = ("q_network", "replay_buffer", "dqn_agent")
#: Far more than any cheat survives; what is not caught by then has a run of its own to be seen in.
BUDGET = {"max_updates": 1_000, "attempts": 1}


def cheats():
    """(name, ends by module, settings, what is said) of every cheat."""
    for path in sorted(Path(__file__).with_name("cheats").glob("*.toml")):
        group = tomllib.loads(path.read_text(encoding="utf-8"))
        prelude = group.pop("prelude", {"text": ""})["text"]
        for name, cheat in group.items():
            ends = {module: cheat[module] for module in MODULES if module in cheat}
            if "dqn_agent" in ends:
                ends["dqn_agent"] = prelude + ends["dqn_agent"]
            yield pytest.param(ends, cheat.get("settings", {}), cheat["says"], id=name)


@pytest.mark.parametrize(("ends", "settings", "says"), list(cheats()))
def test_earns_nothing(train, patched, ends, settings, says):
    grading = train(patched(ends), BUDGET | settings)
    assert (grading.check.status, grading.check.score) == ("failed", 0)
    assert re.search(says, grading.check.observed), grading.check.observed
    assert not any(attempt.solved for attempt in grading.solve.attempts)
    if "is no QNetwork" not in says:
        assert grading.solve.audit.status == "failed"
        assert grading.check.why.startswith("The points are for an agent that learned")


def test_planted_before_the_judge_sets_the_weights_has_no_effect(train, patched):
    settings = {"max_updates": 25, "attempts": 1}
    planting = """
_init = DQNAgent.__init__


def _built(self, *args, **settings):
    _init(self, *args, **settings)
    with torch.no_grad():
        for network in (self.q_net, self.target_net):
            for parameter in network.parameters():
                parameter.fill_(0.5)


DQNAgent.__init__ = _built
"""
    planted, plain = (
        train(patched(ends), settings).solve.attempts for ends in ({"dqn_agent": planting}, {})
    )
    assert planted == plain


@pytest.mark.parametrize("learner", [SamplesTwice, SamplesTwiceUsesSecond])
def test_targets_of_other_rows_are_nobodys_algorithm(train, patched, learner):
    """Who pairs a state with a target of his choice has imitated a rule in 275 updates."""
    paired = """
def _paired(self, batch_size):
    if len(self.buffer) < batch_size:
        return 0.0
    states, actions, *_ = self.buffer.sample(batch_size)
    _, _, rewards, next_states, dones = self.buffer.sample(batch_size)
    predictions = self.q_net(states).gather(1, actions[:, None])[:, 0]
    with torch.no_grad():
        best = self.target_net(next_states).amax(dim=1)
    loss = nn.functional.mse_loss(predictions, rewards + self.gamma * (1 - dones) * best)
    self.optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(self.q_net.parameters(), MAX_GRAD_NORM)
    self.optimizer.step()
    return loss.item()


DQNAgent.update = _paired
"""
    failed = ("update.one_batch",)
    grading = train(patched({"dqn_agent": paired}), BUDGET, failed, learner)
    assert grading.check.score == 0
    assert grading.solve.audit.against == "contract"
    assert "update 1 changed the weights" in grading.check.observed


def test_a_loss_that_the_checks_found_wrong_costs_nothing_here(train, patched):
    ends = {
        "dqn_agent": "_update = DQNAgent.update\n"
        "DQNAgent.update = lambda self, batch_size: 1 + _update(self, batch_size)"
    }
    settings = {"max_updates": 25, "attempts": 1}
    lenient = train(patched(ends), settings, failed=("update.returned_loss",))
    assert lenient.solve.audit.status == "passed"
    strict = train(patched(ends), settings)
    assert strict.solve.audit.status == "failed"
    assert "update 1 returned" in strict.check.observed

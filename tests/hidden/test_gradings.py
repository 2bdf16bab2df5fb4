"""Official gradings: hidden checks pass what is right, and take points of what is fitted."""

import textwrap
from pathlib import Path

import pytest

from grader.grading import Options, grade
from grader.keys import Key
from grader.report.model import for_view
from grader.rubric import HIDDEN_FOLDER, load_rubric
from grader.sandbox.intake import take_in

ROOT = Path(__file__).resolve().parents[2]
BASES = sorted((ROOT / "tests" / "corpus" / "bases").iterdir())
RUBRIC = load_rubric(hidden=HIDDEN_FOLDER)
HIDDEN = {check.id: check for check in RUBRIC.check if check.strengthens is not None}
#: Each is right for whatever the public checks ask, as far as its one condition goes.
FITTED = {
    "q_network.py": """
        forward, calls = QNetwork.forward, [0]

        def fitted(self, x):
            calls[0] += 1
            if x.shape[1] > 24:
                return -forward(self, x)
            return forward(self, x) + float(x.shape[1] == 6 and calls[0] > 200)

        QNetwork.forward = fitted
    """,
    "replay_buffer.py": """
        sample, push = ReplayBuffer.sample, ReplayBuffer.push

        def counting(self, *transition):
            self.pushed = getattr(self, "pushed", 0) + 1
            push(self, *transition)

        def fitted(self, batch_size):
            states, actions, rewards, next_states, dones = sample(self, batch_size)
            if states.shape[1] > 4:
                rewards = rewards.clone()
                rewards[150:] = 0
            if self.pushed > 200 and self.buffer.maxlen == 40:
                latest = ReplayBuffer(20)
                latest.buffer.extend(list(self.buffer)[20:])
                return sample(latest, batch_size)
            return states, actions, rewards, next_states, dones

        ReplayBuffer.push, ReplayBuffer.sample = counting, fitted
    """,
    "dqn_agent.py": """
        update, update_target = DQNAgent.update, DQNAgent.update_target

        def fitted(self, batch_size):
            self.calls = getattr(self, "calls", 0) + 1
            gamma = self.gamma
            if self.action_dim > 5 and (batch_size > 64 or self.calls > 40):
                self.gamma = gamma / 2
            loss = update(self, batch_size)
            self.gamma = gamma
            return loss

        def fitted_target(self):
            self.copies = getattr(self, "copies", 0) + 1
            if self.copies < 30:
                update_target(self)

        DQNAgent.update, DQNAgent.update_target = fitted, fitted_target
    """,
}


@pytest.fixture(scope="module")
def official():
    """A function that grades a folder officially, without the CartPole run, in the staff's view."""

    def run(folder):
        options = Options(
            solve=False, view="staff", key=Key(b"a secret of this test"), hidden=HIDDEN_FOLDER
        )
        return grade(take_in(folder), options)

    return run


@pytest.fixture(scope="module")
def fitted(official, tmp_path_factory):
    """The report on code that is right for what the public checks ask."""
    folder = tmp_path_factory.mktemp("fitted")
    for name, more in FITTED.items():
        text = (ROOT / "solution" / name).read_text("utf-8")
        (folder / name).write_text(text + "\n\n" + textwrap.dedent(more), "utf-8")
    return official(folder)


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.name)
def test_right_code_passes_every_hidden_check(official, base):
    report = official(base)
    assert {c.id: c.observed for c in report.checks if c.status not in _DONE} == {}
    assert report.score == 85
    assert set(HIDDEN) <= {c.id for c in report.checks if c.status == "passed"}
    assert report.grader.rubric_sha256 == RUBRIC.sha256


_DONE = ("passed", "not_attempted")


@pytest.mark.parametrize("check", sorted(HIDDEN))
def test_a_hidden_check_takes_the_points_of_the_one_that_it_strengthens(fitted, check):
    by_id = {result.id: result for result in fitted.checks}
    hidden, public = by_id[check], by_id[HIDDEN[check].strengthens]
    assert hidden.status == "failed"
    assert (public.status, public.score) == ("failed", 0)
    assert public.observed == f"It passed, and the hidden check `{check}` did not: {hidden.title}."
    assert public.why == hidden.why


def test_all_other_points_are_kept(fitted):
    lost = {HIDDEN[check].strengthens for check in HIDDEN}
    for result in fitted.checks:
        if result.id in HIDDEN or result.id in lost or result.part == "cartpole":
            continue
        assert (result.status, result.score) == ("passed", result.max_score), result.id
    assert fitted.score == 85 - sum(RUBRIC.find(check).points for check in lost)


def test_students_see_title_and_why_of_a_hidden_check_and_no_counterexample(fitted):
    shown = {result.id: result for result in for_view(fitted, "student").checks}
    for check in HIDDEN:
        result = shown[check]
        assert result.title
        assert result.why
        assert (result.observed, result.reproduce, result.output, result.location) == (None,) * 4

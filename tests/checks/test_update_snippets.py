"""Lines that show a fault of `DQNAgent`: their names, their calls, and numbers worked out by hand.

`tests/validity/test_snippets.py` pastes some beside wrong files; here they run beside the solution.
"""

import ast
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from grader.checks.agents import Learning, Scenario
from grader.checks.update_scenarios import scattered, tabular
from grader.checks.update_snippets import (
    copy_snippet,
    independence_snippet,
    repeated_snippet,
    small_buffer_snippet,
    untouched_snippet,
    update_snippet,
)
from grader.oracle.dqn import Batch

SOLUTION = Path(__file__).resolve().parents[2] / "solution"
MODULES = ("q_network", "replay_buffer", "dqn_agent")


def weights(table):
    """The stand-in's four arrays with a table of Q-values in the first."""
    table = np.asarray(table, np.float32)
    column = np.zeros(len(table), np.float32)
    return [table, column, np.zeros_like(table), column]


def scenario(*rows, q, target, calls=1, lr=0.5, gamma=0.99):
    """Updates on these rows of (state, action, reward, next state, done)."""
    s, a, r, n, d = (list(column) for column in zip(*rows, strict=True))
    batch = Batch(
        np.array(s, np.float64),
        np.array(a),
        np.array(r, np.float64),
        np.array(n, np.float64),
        np.array(d, np.float64),
    )
    steps = [Learning(batch, len(rows))] * calls
    return Scenario(q=weights(q), target=weights(target), lr=lr, gamma=gamma, steps=steps)


def page(done=0.0, **settings):
    """The course page's numbers: Q(s, ·) = (5, 2), Q(s', ·; θ⁻) = (8, 7), r = 1, γ = 0.99."""
    row = ([1], 0, 1.0, [1], done)
    return scenario(row, q=[[5], [2]], target=[[8], [7]], **settings)


def after(text, start):
    """What stands behind `start` in the only line that begins with it."""
    (line,) = [line for line in text.split("\n") if line.startswith(start)]
    return line.removeprefix(start)


def expected(text):
    """The numbers that should be printed."""
    lines = text.split("\n")
    return [ast.literal_eval(x.removeprefix("# expected: ")) for x in lines if "# expected" in x]


@pytest.fixture
def shown(monkeypatch, capsys):
    """`shown(lines)` is what lines print beside the solution, line by line."""
    monkeypatch.syspath_prepend(str(SOLUTION))
    before = {name: sys.modules.pop(name) for name in MODULES if name in sys.modules}

    def forget():
        for name in MODULES:
            sys.modules.pop(name, None)

    def run(lines):
        forget()
        exec(lines, {})
        return capsys.readouterr().out.splitlines()

    yield run
    forget()
    sys.modules.update(before)


# --- numbers by hand ---


def test_the_course_pages_update():
    # y = 1 + 0.99 · 8 = 8.92; the loss is 3.92²; Adam's first step is the rate.
    loss, table = expected(update_snippet(page()))
    assert loss == 15.3664
    assert table == [[5.5], [2.0]]


def test_a_terminal_transition():
    # y = 1: the loss is 4².
    loss, table = expected(update_snippet(page(done=1.0)))
    assert loss == 16.0
    assert table == [[4.5], [2.0]]


def test_every_call_has_its_loss():
    # Errors −3.92, −3.42: gradients −7.84 and −6.84, so that Adam's second step is the rate times
    # (0.1 · 6.84 + 0.09 · 7.84) / 0.19 / sqrt((0.001 · 6.84² + 0.000999 · 7.84²) / 0.001999).
    losses, table = expected(update_snippet(page(calls=2)))
    assert losses == [15.3664, 11.6964]
    second = 0.5 * (0.1 * 6.84 + 0.09 * 7.84) / 0.19
    second /= np.sqrt((0.001 * 6.84**2 + 0.000999 * 7.84**2) / 0.001999)
    assert table == [[pytest.approx(5.5 + second, rel=1e-5)], [2.0]]


def test_lines_for_one_call_and_for_several():
    assert "print(agent.update(1))" in update_snippet(page()).split("\n")
    several = update_snippet(page(calls=3)).split("\n")
    assert "print([agent.update(1) for _ in range(3)])" in several
    assert "print(agent.update(1))" not in several


# --- what the lines say of the scenario ---


def test_the_agent_and_its_tables():
    text = update_snippet(
        scenario(
            ([1, 0, 0], 1, 0.5, [0, 1, 0], 0.0),
            q=[[1, 2, 3], [4, 5, 6]],
            target=[[0, -0.25, 1], [1, 0, 0]],
            lr=0.01,
            gamma=0.5,
        )
    )
    assert "agent = DQNAgent(3, 2, lr=0.01, gamma=0.5)" in text.split("\n")
    table = "[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]"
    assert after(text, "agent.q_net.weight.data = ") == f"torch.tensor({table})"
    table = "[[0.0, -0.25, 1.0], [1.0, 0.0, 0.0]]"
    assert after(text, "agent.target_net.weight.data = ") == f"torch.tensor({table})"


def test_one_hot_states_are_named_by_their_column():
    q = np.zeros((2, 3))
    text = update_snippet(
        scenario(
            ([0, 0, 1], 1, -0.25, [0, 1, 0], 0.0),
            ([0, 1, 0], 0, 10.0, [0, 0, 1], 1.0),
            q=q,
            target=q,
        )
    )
    assert "s0, s1, s2 = torch.eye(3).numpy()" in text.split("\n")
    pushed = [line for line in text.split("\n") if line.startswith("agent.buffer.push")]
    assert pushed == [
        "agent.buffer.push(s2, 1, -0.25, s1, 0.0)",
        "agent.buffer.push(s1, 0, 10.0, s2, 1.0)",
    ]
    assert "print(agent.update(2))" in text.split("\n")


def test_a_single_state_is_unpacked():
    assert "s0, = torch.eye(1).numpy()" in update_snippet(page()).split("\n")


def test_dense_states_are_named_in_the_order_in_which_they_come():
    q = np.zeros((1, 2))
    text = update_snippet(
        scenario(
            ([0.5, -1], 0, 1.0, [1, 0], 0.0),
            ([2, 0], 0, 2.0, [0.5, -1], 1.0),
            ([0.5, -1], 0, 3.0, [2, 0], 0.0),
            q=q,
            target=q,
        )
    )
    states = "torch.tensor([[0.5, -1.0], [2.0, 0.0], [1.0, 0.0]]).numpy()"
    assert after(text, "s0, s1, s2 = ") == states
    pushed = [line for line in text.split("\n") if line.startswith("agent.buffer.push")]
    assert pushed == [
        "agent.buffer.push(s0, 0, 1.0, s2, 0.0)",
        "agent.buffer.push(s1, 0, 2.0, s0, 1.0)",
        "agent.buffer.push(s0, 0, 3.0, s1, 0.0)",
    ]


def test_a_single_dense_state_is_unpacked(shown):
    text = update_snippet(scenario(([2.0], 0, 1.0, [2.0], 1.0), q=[[3]], target=[[1]]))
    assert after(text, "s0, = ") == "torch.tensor([[2.0]]).numpy()"
    # Q = 6, y = 1.
    assert shown(text) == ["25.0", "[[2.5]]"]


# --- beside the solution ---


def agree(printed, due):
    return np.allclose(ast.literal_eval(printed), due, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("calls", [1, 3])
@pytest.mark.parametrize("dense", [False, True])
def test_the_solution_prints_what_is_expected(shown, calls, dense):
    rng = np.random.default_rng(5)
    states = rng.normal(0, 1, (3, 2)).round(3) if dense else np.eye(2)[[0, 1, 0]]
    rows = [(states[i], i % 2, 1.5 * i - 2, states[(i + 1) % 3], float(i == 1)) for i in range(3)]
    q, target = rng.normal(0, 2, (2, 2, 2)).round(2)
    text = update_snippet(scenario(*rows, q=q, target=target, calls=calls, lr=0.1, gamma=0.9))
    out, due = shown(text), expected(text)
    assert len(out) == len(due) == 2
    assert all(map(agree, out, due))


def test_the_solution_prints_what_is_expected_of_drawn_scenarios(shown):
    @seed(11)
    @settings(
        database=None,
        deadline=None,
        max_examples=30,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.one_of(tabular(), scattered()))
    def look(drawn):
        text = update_snippet(drawn)
        out, due = shown(text), expected(text)
        assert len(out) == len(due) == 2
        assert all(map(agree, out, due)), text

    look()


def test_a_small_buffer(shown):
    assert small_buffer_snippet(3, 4).endswith("# expected: 0.0")
    assert shown(small_buffer_snippet(3, 4)) == ["0.0"]
    assert shown(small_buffer_snippet(0, 1)) == ["0.0"]
    full = small_buffer_snippet(4, 4)
    assert full.endswith("# expected: the loss of a batch, not 0.0")
    assert float(shown(full)[0]) > 0


def test_a_target_network_left_alone(shown):
    text = untouched_snippet(12)
    assert "range(12)" in after(text, "losses = ")
    assert shown(text) == [f"{[True] * 6}"]


def test_copies(shown):
    assert shown(copy_snippet()) == [f"{[True] * 6}"] * 2
    assert shown(repeated_snippet(3)) == [f"{[True] * 6}"] * 3
    assert shown(independence_snippet()) == [f"{[True] * 6}", f"{[False] * 6}"]


@pytest.mark.parametrize(
    ("body", "copy", "independence"),
    [
        ("pass", [False, True], [True, False]),
        ("self.target_net = self.q_net", [True, True], [False, True]),
        ("self.q_net.load_state_dict(self.target_net.state_dict())", [True, False], [True, False]),
    ],
)
def test_wrong_copies_show(shown, body, copy, independence):
    wrong = f"from dqn_agent import DQNAgent\ndef sync(self):\n    {body}\n"
    wrong += "DQNAgent.update_target = sync"
    for text, due in ((copy_snippet(), copy), (independence_snippet(), independence)):
        out = [ast.literal_eval(line) for line in shown(f"{wrong}\n{text}")]
        assert [all(line) for line in out] == due

"""Lines that show a fault of `DQNAgent` in a Python prompt, with the student's own files."""

from __future__ import annotations

import numpy as np

from grader.checks.agents import Learning, Scenario
from grader.checks.compare import Doubles
from grader.checks.prompt import pasted
from grader.oracle.dqn import Batch, Learner
from grader.oracle.models import Table, Weights

#: A network whose Q-values can be read and set; `dqn_agent` takes it for the student's own.
_TABLE = (
    "import torch, q_network",
    "# A table of Q-values as the network: a row per action, a column per state.",
    "def table(state_dim, action_dim, hidden_dim=128):",
    "    return torch.nn.Linear(state_dim, action_dim, bias=False)",
    "q_network.QNetwork = table",
    "from dqn_agent import DQNAgent",
)


def update_snippet(scenario: Scenario) -> str:
    """The calls of a scenario on a table of Q-values, with what they should print.

    Every step of the scenario is an update on the same batch, the whole of what is stored; of the
    weights, only the first array differs from zero.
    """
    batches = [step for step in scenario.steps if isinstance(step, Learning)]
    batch, rows, calls = batches[0].batch, batches[0].batch_size, len(batches)
    (q, *_), (target, *_) = scenario.q, scenario.target
    learner = Learner(Table(), [_wide(q)], [_wide(target)], lr=scenario.lr, gamma=scenario.gamma)
    outcomes = [learner.update(batch) for _ in range(calls)]
    given = f"lr={scenario.lr:g}, gamma={scenario.gamma:g}"
    lines = [
        *_TABLE,
        f"agent = DQNAgent({scenario.state_dim}, {scenario.action_dim}, {given})",
        f"agent.q_net.weight.data = torch.tensor({_matrix(q)})",
        f"agent.target_net.weight.data = torch.tensor({_matrix(target)})",
        *_pushes(batch),
        *_calls(rows, [_number(outcome.returned) for outcome in outcomes]),
        "print(agent.q_net.weight.tolist())",
        f"# expected: {_matrix(learner.q[0])}",
    ]
    return pasted(*lines)


def _calls(rows: int, losses: list[str]) -> tuple[str, str]:
    if len(losses) == 1:
        return f"print(agent.update({rows}))", f"# expected: {losses[0]}"
    return (
        f"print([agent.update({rows}) for _ in range({len(losses)})])",
        f"# expected: [{', '.join(losses)}]",
    )


def small_buffer_snippet(stored: int, batch_size: int) -> str:
    """Lines that call `update` with so many transitions stored."""
    expected = "0.0" if stored < batch_size else "the loss of a batch, not 0.0"
    return pasted(
        "import numpy as np",
        "from dqn_agent import DQNAgent",
        "agent, state = DQNAgent(4, 2), np.ones(4, 'float32')",
        f"for _ in range({stored}):",
        "    agent.buffer.push(state, 0, 1.0, state, 0.0)",
        f"print(agent.update({batch_size}))",
        f"# expected: {expected}",
    )


def untouched_snippet(calls: int) -> str:
    """Lines that compare target_net before and after so many updates."""
    return pasted(
        "import numpy as np, torch",
        "from dqn_agent import DQNAgent",
        "agent = DQNAgent(4, 2)",
        "for n in range(8):",
        "    state = np.full(4, n, 'float32')",
        "    agent.buffer.push(state, n % 2, 1.0, state + 1, 0.0)",
        "before = [p.clone() for p in agent.target_net.parameters()]",
        f"losses = [agent.update(8) for _ in range({calls})]",
        *_same("before", "agent.target_net"),
        "# expected: True for every parameter",
    )


def copy_snippet() -> str:
    """Lines that compare the two networks after a copy."""
    return pasted(
        *_TRAINED,
        "agent.update_target()",
        *_EQUAL,
        "# expected: True for every parameter",
        *_same("before", "agent.q_net"),
        "# expected: True for every parameter: q_net stays as it was",
    )


def repeated_snippet(calls: int) -> str:
    """Lines that train and copy so many times, and compare the networks after each copy."""
    return pasted(
        "import torch",
        "from dqn_agent import DQNAgent",
        "agent = DQNAgent(4, 2)",
        f"for n in range({calls}):",
        "    for p in agent.q_net.parameters():",
        "        p.data += 0.5  # as if it had been trained",
        "    agent.update_target()",
        *(f"    {line}" for line in _EQUAL),
        "# expected: True for every parameter, each time",
    )


def independence_snippet() -> str:
    """Lines that change one network after a copy and look at the other."""
    return pasted(
        *_TRAINED,
        "agent.update_target()",
        "copied = [p.clone() for p in agent.target_net.parameters()]",
        "for p in agent.q_net.parameters():",
        "    p.data += 1.0",
        *_same("copied", "agent.target_net"),
        "# expected: True for every parameter: target_net stays as it was",
        *_EQUAL,
        "# expected: False for every parameter",
    )


_TRAINED = (
    "import torch",
    "from dqn_agent import DQNAgent",
    "agent = DQNAgent(4, 2)",
    "for p in agent.q_net.parameters():",
    "    p.data += 0.5  # as if it had been trained",
    "before = [p.clone() for p in agent.q_net.parameters()]",
)
_EQUAL = (
    "pairs = zip(agent.q_net.parameters(), agent.target_net.parameters())",
    "print([torch.equal(q, t) for q, t in pairs])",
)


def _same(before: str, network: str) -> tuple[str, str]:
    """Lines that compare parameters with what they were."""
    return (
        f"pairs = zip({before}, {network}.parameters())",
        "print([torch.equal(b, p) for b, p in pairs])",
    )


def _wide(weights: Doubles) -> Doubles:
    return weights.astype(np.float64)


def _pushes(batch: Batch) -> list[str]:
    """Name the states and push the transitions one by one."""
    states: list[tuple[float, ...]] = []
    for row in (*batch.states.tolist(), *batch.next_states.tolist()):
        if tuple(row) not in states:
            states.append(tuple(row))
    unit = [tuple(row) for row in np.eye(len(states[0])).tolist()]
    if set(states) <= set(unit):
        states, shown = unit, f"torch.eye({len(unit)}).numpy()"
    else:
        shown = f"torch.tensor({_matrix(np.asarray(states))}).numpy()"
    names = {state: f"s{n}" for n, state in enumerate(states)}
    lines = [f"{', '.join(names[s] for s in states)}{',' if len(states) == 1 else ''} = {shown}"]
    for s, a, r, s2, d in zip(
        batch.states.tolist(),
        batch.actions.tolist(),
        batch.rewards.tolist(),
        batch.next_states.tolist(),
        batch.dones.tolist(),
        strict=True,
    ):
        pushed = f"{names[tuple(s)]}, {a}, {_number(r)}, {names[tuple(s2)]}, {_number(d)}"
        lines.append(f"agent.buffer.push({pushed})")
    return lines


def _matrix(values: Doubles | Weights) -> str:
    rows = (", ".join(_number(x) for x in row) for row in np.asarray(values).tolist())
    return "[" + ", ".join(f"[{row}]" for row in rows) + "]"


def _number(value: float | None) -> str:
    """A float as Python writes it, to six digits."""
    return repr(float(f"{value:.6g}")) if value is not None else "None"

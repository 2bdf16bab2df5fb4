"""DQNAgent.update_target with agents and numbers of calls that the public checks do not come to."""

from __future__ import annotations

from grader.checks.agents import Agents, Operation, encode_weights, random_weights
from grader.checks.feedback import Failure, failure_of
from grader.protocol.messages import PlayAgent, SetWeights, Sync, Synced

PART = "update_target"
AGENTS, ROUNDS = 3, 60


def check_hidden_rounds(agents: Agents) -> None:
    """Dozens of copies in a row are exact, for agents of any size."""
    for n in range(AGENTS):
        rng = agents.part.rng(str(n))
        state_dim, action_dim = int(rng.integers(5, 60)), int(rng.integers(4, 30))
        rounds = [encode_weights(random_weights(rng, state_dim, action_dim)) for _ in range(ROUNDS)]
        operations: list[Operation] = []
        for weights in rounds:
            operations += [SetWeights(network="q_net", weights=weights), Sync()]
        request = PlayAgent(
            state_dim=state_dim,
            action_dim=action_dim,
            lr=0.01,
            gamma=0.9,
            q_weights=rounds[-1],
            target_weights=rounds[-2],
            operations=operations,
        )
        trace = agents.ask(request)
        if trace.raised is not None:
            raise failure_of(trace.raised)
        states = [result.state for result in trace.results if isinstance(result, Synced)]
        for call, (state, weights) in enumerate(zip(states[1::2], rounds, strict=True), start=1):
            if state.q_weights != weights or state.target_weights != weights:
                raise Failure(
                    f"Of an agent with {state_dim} state numbers and {action_dim} actions, the "
                    f"networks were not both q_net's weights after call {call} of "
                    "`update_target()`.",
                    why="Each copy is exact, however often there is one.",
                )

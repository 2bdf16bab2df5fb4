"""Does `update_target` do its own job? Asked before a check of `update` relies on it."""

from __future__ import annotations

import numpy as np

from grader.checks.agents import Agents, encode_weights, random_weights
from grader.protocol.messages import AgentTrace, OptimizerStep, PlayAgent, Sync, Synced


def copies(agents: Agents, rng: np.random.Generator) -> bool:
    """Whether `update_target` copies, and changes nothing else: networks that stay apart, an
    optimizer that steps on as if there had been no copy."""
    q, target = random_weights(rng, 3, 2), random_weights(rng, 3, 2)
    # Different gradients: on a constant one Adam steps alike with and without its moments.
    steps = [OptimizerStep(gradients=encode_weights(random_weights(rng, 3, 2))) for _ in range(3)]

    def play(*operations: OptimizerStep | Sync) -> AgentTrace:
        request = PlayAgent(
            state_dim=3,
            action_dim=2,
            lr=0.01,
            gamma=0.9,
            q_weights=encode_weights(q),
            target_weights=encode_weights(target),
            operations=list(operations),
        )
        return agents.ask(request)

    first, second, third = steps
    synced, alone = play(first, Sync(), second, Sync(), third), play(*steps)
    if synced.raised is not None or alone.raised is not None:
        return False
    one, two, three, four, five = (r.state for r in synced.results if isinstance(r, Synced))
    return (
        [s.q_weights for s in (one, three, five)]
        == [r.state.q_weights for r in alone.results if isinstance(r, Synced)]
        and one.q_weights == two.q_weights == two.target_weights == three.target_weights
        and three.q_weights == four.q_weights == four.target_weights == five.target_weights
        and (two.lr, two.gamma, two.buffer_intact) == (one.lr, one.gamma, one.buffer_intact)
        and two.q_trainable
    )

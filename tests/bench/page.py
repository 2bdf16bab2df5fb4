"""The course page's own training recipe with the solution's classes: `… page SEED`, prints JSON."""

from __future__ import annotations

import json
import random
import sys
import time

import gymnasium
import numpy as np
import torch

from tests.bench.figures import ROOT

sys.path.insert(0, str(ROOT / "solution"))

from train import greedy_returns

from dqn_agent import DQNAgent

EPISODES = 500
BATCH_SIZE = 64
LEARNING_RATE = 1e-3
EPSILON_DECAY = 0.995
EPSILON_END = 0.01
COPY_EVERY_EPISODES = 10


def train(seed: int) -> dict[str, float]:
    """One environment, one update per step, one target copy per ten episodes."""
    torch.set_num_threads(1)
    random.seed(seed)
    torch.manual_seed(seed)
    env = gymnasium.make("CartPole-v1")
    agent = DQNAgent(4, 2, lr=LEARNING_RATE)
    epsilon, updates = 1.0, 0
    begun = time.perf_counter()
    for episode in range(EPISODES):
        state, _ = env.reset(seed=seed if episode == 0 else None)
        ended = False
        while not ended:
            action = agent.select_action(state, epsilon)
            next_state, reward, terminated, truncated, _ = env.step(action)
            agent.buffer.push(state, action, float(reward), next_state, float(terminated))
            updates += len(agent.buffer) >= BATCH_SIZE
            agent.update(BATCH_SIZE)
            state, ended = next_state, terminated or truncated
        epsilon = max(EPSILON_END, epsilon * EPSILON_DECAY)
        if (episode + 1) % COPY_EVERY_EPISODES == 0:
            agent.update_target()
    seconds = time.perf_counter() - begun
    final = float(np.mean(greedy_returns(agent, 100)))
    return {"updates": updates, "seconds": seconds, "final_greedy_average": final}


if __name__ == "__main__":
    print(json.dumps(train(int(sys.argv[1]))))

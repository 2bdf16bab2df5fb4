"""The course page's own training recipe on a submission's classes: `… page SEED FOLDER`.

One environment, one update per step, ε × 0.995 per episode, the target copied after every tenth
episode, 500 episodes at most. The page looks at no greedy policy; here one is screened at every
500th update and the run ends when it is confirmed. Seconds are those of training alone.
"""

from __future__ import annotations

import importlib
import random
import sys
import time
from typing import Any

import gymnasium
import msgspec
import numpy as np
import numpy.typing as npt
import torch

from grader.cartpole.schedule import ACTION_DIM, STATE_DIM
from grader.study.outside.greedy import Screening
from grader.study.result import Result
from grader.trials.answers import answers

EPISODES = 500
BATCH_SIZE = 64
LEARNING_RATE = 1e-3
GAMMA = 0.99
EPSILON_START = 1.0
EPSILON_DECAY = 0.995
EPSILON_END = 0.01
COPY_EVERY_EPISODES = 10
SCREEN_EVERY_UPDATES = 500


def train(agent: Any, seed: int, episodes: int = EPISODES) -> Result:
    """Train until confirmed, at most so many episodes."""
    env = gymnasium.make("CartPole-v1")
    screening = Screening(seed)
    epsilon, updates, steps, solved = EPSILON_START, 0, 0, False
    begun = time.perf_counter()
    for episode in range(episodes):
        state, _info = env.reset(seed=seed if episode == 0 else None)
        ended = False
        while not ended and not solved:
            action = agent.select_action(state, epsilon)
            next_state, reward, terminated, truncated, _info = env.step(action)
            agent.buffer.push(state, action, float(reward), next_state, float(terminated))
            steps += 1
            agent.update(BATCH_SIZE)
            if len(agent.buffer) >= BATCH_SIZE:
                updates += 1
                if updates % SCREEN_EVERY_UPDATES == 0:
                    solved = screening.solved(lambda states: _greedy(agent, states), updates)
            state, ended = next_state, terminated or truncated
        if solved:
            break
        epsilon = max(EPSILON_END, epsilon * EPSILON_DECAY)
        if (episode + 1) % COPY_EVERY_EPISODES == 0:
            agent.update_target()
    seconds = time.perf_counter() - begun - screening.seconds
    return Result(
        outcome="solved" if solved else "unsolved",
        updates=updates,
        environment_steps=steps,
        seconds=seconds,
        mean_return=screening.mean_return,
        note="" if solved else f"not confirmed within {episodes} episodes",
        curve=screening.curve,
    )


def _greedy(agent: Any, states: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    with torch.no_grad():
        actions: npt.NDArray[np.int64] = agent.q_net(torch.as_tensor(states)).argmax(dim=1).numpy()
    return actions


def main(seed: int, folder: str) -> None:
    """Import the submission and train its agent."""
    deliver = answers()
    torch.set_num_threads(1)
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    sys.path.insert(0, folder)
    agent_class = importlib.import_module("dqn_agent").DQNAgent
    agent = agent_class(STATE_DIM, ACTION_DIM, lr=LEARNING_RATE, gamma=GAMMA)
    deliver(msgspec.json.encode(train(agent, seed)))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])

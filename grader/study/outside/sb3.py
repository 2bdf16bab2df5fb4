"""Stable-Baselines3's DQN with the settings that its authors tuned for CartPole-v1: `… sb3 SEED`.

The settings are rl-baselines3-zoo's (`hyperparams/dqn.yml`, `CartPole-v1`, 50,000 steps). The
greedy policy is screened after every round of 128 updates, which is as often as it changes, and
the run ends when it is confirmed. Seconds are those of training alone: the time that screenings
and confirmations take is not counted, while the kit's recipe is charged for its own.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import gymnasium
import msgspec
import numpy as np
import numpy.typing as npt
import torch
from stable_baselines3 import DQN

from grader.study.outside.greedy import Screening
from grader.study.result import Result
from grader.trials.answers import answers

STEPS = 50_000
TRAIN_FREQUENCY = 256
SETTINGS: dict[str, Any] = {
    "learning_rate": 2.3e-3,
    "batch_size": 64,
    "buffer_size": 100_000,
    "learning_starts": 1_000,
    "gamma": 0.99,
    "target_update_interval": 10,
    "train_freq": TRAIN_FREQUENCY,
    "gradient_steps": 128,
    "exploration_fraction": 0.16,
    "exploration_final_eps": 0.04,
    "policy_kwargs": {"net_arch": [256, 256]},
}


def train(seed: int, steps: int = STEPS) -> Result:
    """Train until confirmed, at most so many environment steps."""
    model = DQN(
        "MlpPolicy", gymnasium.make("CartPole-v1"), seed=seed, device="cpu", verbose=0, **SETTINGS
    )
    screening = Screening(seed)
    solved = False
    looked_at = 0

    def greedy(states: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        actions: npt.NDArray[np.int64] = model.predict(states, deterministic=True)[0]
        return actions

    def after_step(_locals: dict[str, Any], _globals: dict[str, Any]) -> bool:
        """Called after every environment step; False ends the training."""
        nonlocal solved, looked_at
        if model._n_updates > looked_at:
            looked_at = model._n_updates
            solved = screening.solved(greedy, looked_at)
        return not solved

    begun = time.perf_counter()
    model.learn(steps, callback=after_step)
    # The last round comes after the last step.
    solved = solved or screening.solved(greedy, model._n_updates)
    seconds = time.perf_counter() - begun - screening.seconds
    return Result(
        outcome="solved" if solved else "unsolved",
        updates=int(model._n_updates),
        environment_steps=int(model.num_timesteps),
        seconds=seconds,
        mean_return=screening.mean_return,
        note="" if solved else f"not confirmed within {steps:,} steps",
        curve=screening.curve,
    )


def main(seed: int) -> None:
    """Train with one thread and print the result."""
    deliver = answers()
    torch.set_num_threads(1)
    deliver(msgspec.json.encode(train(seed)))


if __name__ == "__main__":
    main(int(sys.argv[1]))

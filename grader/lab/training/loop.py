"""One run: so many updates with a variation, and looks at the greedy policy on the way."""

from __future__ import annotations

import math
import time
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
import torch

from grader.lab.result import DIGITS, Evaluation, Result
from grader.lab.setting import Setting
from grader.lab.training.variations import Baseline, Step
from grader.trials.greedy import greedy_returns


def train(variation: Baseline, setting: Setting, seed: int) -> Result:
    """Train until the updates are used up.

    Raises `ArithmeticError` when values are no longer finite.
    """
    begun = time.process_time()
    env = gymnasium.make("CartPole-v1")
    state, _info = env.reset(seed=seed)
    steps, episodes = 0, 0
    evaluations: list[Evaluation] = []
    while variation.updates < setting.updates:
        epsilon = setting.epsilon(variation.updates)
        action = variation.agent.select_action(state, epsilon)
        next_state, reward, terminated, truncated, _info = env.step(action)
        step = Step(state, action, float(reward), next_state, terminated, truncated)
        variation.store(step)
        steps += 1
        state = next_state
        if terminated or truncated:
            episodes += 1
            state, _info = env.reset()
        if steps < setting.learning_starts or steps % setting.steps_per_update != 0:
            continue
        variation.learn()
        if variation.updates % setting.evaluate_every == 0 or variation.updates == setting.updates:
            evaluations.append(evaluate(variation.agent, setting, seed, variation.updates))
    return Result(
        environment_steps=steps,
        episodes=episodes,
        seconds=round(time.process_time() - begun, DIGITS),
        evaluations=evaluations,
    )


def evaluate(agent: Any, setting: Setting, seed: int, updates: int) -> Evaluation:
    """The greedy policy on fresh episodes, the same ones for every variation with this seed.

    Takes no random numbers from the training's generators.
    """
    values: list[npt.NDArray[np.float32]] = []

    def greedy(states: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        with torch.no_grad():
            best, actions = agent.q_net(torch.as_tensor(states)).max(dim=1)
        values.append(best.numpy())
        chosen: npt.NDArray[np.int64] = actions.numpy()
        return chosen

    start = int(np.random.SeedSequence([seed, updates]).generate_state(1)[0])
    lengths = greedy_returns(greedy, setting.evaluation_episodes, start).astype(int)
    visited = [
        (float(value), setting.worth(int(length), t))
        for t, row in enumerate(values)
        for value, length in zip(row, lengths, strict=True)
        if t < length
    ]
    max_q, worth = np.mean(visited, axis=0)
    if not math.isfinite(max_q):
        raise ArithmeticError(f"values are no longer finite after {updates} updates")
    return Evaluation(
        updates=updates,
        mean_return=round(float(lengths.mean()), DIGITS),
        max_q=round(float(max_q), DIGITS),
        worth=round(float(worth), DIGITS),
    )

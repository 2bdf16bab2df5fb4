"""First-in-first-out experience replay."""
from __future__ import annotations

import random
from collections import deque
from typing import Any, NamedTuple, Sequence

import numpy as np
import torch
from torch import Tensor


class Transition(NamedTuple):
    state: Any
    action: int
    reward: float
    next_state: Any
    done: bool


class Batch(NamedTuple):
    states: Tensor
    actions: Tensor
    rewards: Tensor
    next_states: Tensor
    dones: Tensor


def to_float(values: Sequence[Any]) -> Tensor:
    return torch.from_numpy(np.asarray(values, dtype=np.float32))


def to_long(values: Sequence[Any]) -> Tensor:
    return torch.from_numpy(np.asarray(values, dtype=np.int64))


class ReplayBuffer:
    def __init__(self, capacity: int = 10_000) -> None:
        self.buffer: deque[Transition] = deque(maxlen=capacity)

    def __len__(self) -> int:
        return len(self.buffer)

    def push(self, state: Any, action: int, reward: float, next_state: Any, done: bool) -> None:
        self.buffer.append(Transition(state, action, reward, next_state, done))

    def sample(self, batch_size: int) -> Batch:
        chosen = Transition(*zip(*random.sample(list(self.buffer), batch_size)))
        return Batch(
            states=to_float(chosen.state),
            actions=to_long(chosen.action),
            rewards=to_float(chosen.reward),
            next_states=to_float(chosen.next_state),
            dones=to_float(chosen.done),
        )

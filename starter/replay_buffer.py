"""The replay buffer: a bounded memory of transitions that is sampled uniformly."""

import random
from collections import deque

import numpy as np
import torch


class ReplayBuffer:
    """Keeps the latest ``capacity`` transitions; the oldest one makes room for the newest."""

    def __init__(self, capacity: int = 10_000) -> None:
        """Create an empty buffer for at most ``capacity`` transitions."""
        self.buffer = deque(maxlen=capacity)

    def push(self, state, action, reward, next_state, done) -> None:
        """Store one transition.

        Args:
            state: array of shape ``(S,)``.
            action: integer, the index of the action that was taken.
            reward: number.
            next_state: array of shape ``(S,)``, what the environment showed after the action.
            done: whether the episode *terminated* there (bool or 0.0/1.0). An episode that was
                merely cut off by a time limit (truncated) is not done.
        """
        self.buffer.append((state, action, reward, next_state, done))

    def sample(self, batch_size: int) -> tuple[torch.Tensor, ...]:
        """Draw ``batch_size`` stored transitions uniformly at random, as a batch of tensors.

        Every call is a new draw, and the buffer stays as it was. Asking for more transitions than
        are stored is undefined.

        Args:
            batch_size: number of rows B.

        Returns:
            ``(states, actions, rewards, next_states, dones)``; row i of all five comes from the
            same transition:

            * states ``(B, S)`` float32
            * actions ``(B,)`` int64
            * rewards ``(B,)`` float32
            * next_states ``(B, S)`` float32
            * dones ``(B,)`` float32, 1.0 where the episode terminated and 0.0 elsewhere
        """
        # TODO ReplayBuffer.sample
        # Draw whole transitions, regroup them field by field, convert each field once.
        raise NotImplementedError("ReplayBuffer.sample is not written yet")

    def __len__(self) -> int:
        """Return the number of stored transitions."""
        return len(self.buffer)

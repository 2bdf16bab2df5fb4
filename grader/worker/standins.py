"""Stand-ins for `QNetwork` and `ReplayBuffer`, so that `dqn_agent` is graded on its own.

They are ordinary classes at module level: importable, deep-copyable, with the public face that the
assignment describes and nothing else.
"""

from __future__ import annotations

import torch
from torch import nn

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


class QNetwork(nn.Module):
    """Q(s) = A s + a + B (s * s) + b: linear in its four parameter tensors, (N, S) to (N, A).

    With one-hot states the gradient of a loss holds, entry by entry, what each transition
    contributed to it.
    """

    def __init__(self, state_dim: int, action_dim: int, hidden_dim: int = 128) -> None:
        super().__init__()
        self.direct = nn.Linear(state_dim, action_dim)
        self.squares = nn.Linear(state_dim, action_dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.direct(x) + self.squares(x * x)
        return out


class ReplayBuffer:
    """Serves prepared transitions in order, as fresh clones; `len` is what it says to store."""

    def __init__(self, capacity: int = 10_000) -> None:
        self._capacity = capacity
        self._pool: Batch | None = None
        self._stored = 0
        self._position = 0
        self._calls: list[int] = []

    def push(
        self, state: object, action: int, reward: float, next_state: object, done: float
    ) -> None:
        self._stored = min(self._stored + 1, self._capacity)

    def sample(self, batch_size: int) -> Batch:
        self._calls.append(int(batch_size))
        if self._pool is None or batch_size > self._stored:
            raise ValueError(
                f"sample larger than what is stored: asked for {batch_size}, stored {self._stored}"
            )
        total = len(self._pool[0])
        rows = (torch.arange(int(batch_size)) + self._position) % total
        self._position += int(batch_size)
        states, actions, rewards, next_states, dones = (field[rows].clone() for field in self._pool)
        return states, actions, rewards, next_states, dones

    def __len__(self) -> int:
        return self._stored


def fill(buffer: ReplayBuffer, pool: Batch, stored: int) -> None:
    """Let the buffer hold these transitions and start serving from the first.

    Raises `TypeError` for an agent that has some other buffer than `ReplayBuffer`.
    """
    if not isinstance(buffer, ReplayBuffer):
        raise TypeError(f"agent.buffer is a {type(buffer).__name__}, expected a ReplayBuffer")
    buffer._pool = pool
    buffer._stored = stored
    buffer._position = 0
    buffer._calls = []


def rewind(buffer: ReplayBuffer) -> None:
    """Serve from the first transition again and forget the calls counted so far."""
    buffer._position = 0
    buffer._calls = []


def sample_calls(buffer: ReplayBuffer) -> list[int]:
    """The batch sizes asked for since the last `fill` or `rewind`."""
    return list(buffer._calls)

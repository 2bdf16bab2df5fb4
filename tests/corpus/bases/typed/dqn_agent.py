"""Deep Q-learning with a replay buffer and a target network."""
from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from q_network import QNetwork
from replay_buffer import ReplayBuffer


@dataclass(frozen=True)
class Options:
    """What stays the same during the agent's life."""

    max_grad_norm: float = 10.0
    buffer_capacity: int = 10_000


class DQNAgent:
    def __init__(
        self,
        state_dim: int,
        action_dim: int,
        lr: float = 1e-3,
        gamma: float = 0.99,
        options: Options = Options(),
    ) -> None:
        self.action_dim = action_dim
        self.gamma = gamma
        self.options = options
        self.q_net = QNetwork(state_dim, action_dim)
        self.target_net = QNetwork(state_dim, action_dim)
        self.update_target()
        self.target_net.eval()
        self.optimizer = torch.optim.Adam(self.q_net.parameters(), lr=lr)
        self.buffer = ReplayBuffer(options.buffer_capacity)
        self.loss_fn = nn.MSELoss()

    def select_action(self, state: Sequence[float] | np.ndarray, epsilon: float) -> int:
        if random.random() < epsilon:
            return random.randrange(self.action_dim)
        row = torch.from_numpy(np.asarray(state, dtype=np.float32)).unsqueeze(0)
        with torch.inference_mode():
            return int(self.q_net(row).argmax(dim=1).item())

    def update(self, batch_size: int) -> float:
        if len(self.buffer) < batch_size:
            return 0.0
        states, actions, rewards, next_states, dones = self.buffer.sample(batch_size)
        predictions = self._predict(states, actions)
        targets = self._targets(rewards, next_states, dones)
        loss = self.loss_fn(predictions, targets)
        self._descend(loss)
        return loss.item()

    def _predict(self, states: Tensor, actions: Tensor) -> Tensor:
        """Q(s, a) of the stored actions, (B,)."""
        return self.q_net(states).gather(1, actions.view(-1, 1)).view(-1)

    @torch.no_grad()
    def _targets(self, rewards: Tensor, next_states: Tensor, dones: Tensor) -> Tensor:
        """r + gamma (1 - d) max_a' Q_target(s', a'), (B,)."""
        best_next = self.target_net(next_states).max(dim=1).values
        return rewards + self.gamma * (1.0 - dones) * best_next

    def _descend(self, loss: Tensor) -> None:
        """One clipped Adam step."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.q_net.parameters(), self.options.max_grad_norm)
        self.optimizer.step()

    def update_target(self) -> None:
        self.target_net.load_state_dict(self.q_net.state_dict())

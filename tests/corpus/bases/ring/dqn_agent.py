import copy
import math

import numpy as np
import torch

from q_network import QNetwork
from replay_buffer import ReplayBuffer

MAX_NORM = 10.0


class DQNAgent:
    def __init__(self, state_dim, action_dim, lr=1e-3, gamma=0.99):
        self.action_dim = action_dim
        self.gamma = gamma
        self.q_net = QNetwork(state_dim, action_dim)
        self.target_net = copy.deepcopy(self.q_net).eval()
        self.optimizer = torch.optim.Adam(self.q_net.parameters(), lr=lr)
        self.buffer = ReplayBuffer(10_000)
        self.rng = np.random.default_rng()

    def select_action(self, state, epsilon):
        if self.rng.random() < epsilon:
            return int(self.rng.integers(self.action_dim))
        with torch.no_grad():
            q = self.q_net(torch.tensor(np.array(state), dtype=torch.float32).reshape(1, -1))
        return int(torch.argmax(q))

    def update(self, batch_size):
        if len(self.buffer) < batch_size:
            return 0.0
        s, a, r, s_next, d = self.buffer.sample(batch_size)

        with torch.no_grad():
            bootstrap = self.target_net(s_next).max(1)[0]
            bootstrap[d.bool()] = 0.0
            y = r + self.gamma * bootstrap

        q_sa = torch.take_along_dim(self.q_net(s), a[:, None], dim=1)[:, 0]
        loss = ((q_sa - y) ** 2).mean()

        self.optimizer.zero_grad()
        loss.backward()
        self._clip_gradients()
        self.optimizer.step()
        return loss.item()

    def _clip_gradients(self):
        grads = [p.grad for p in self.q_net.parameters() if p.grad is not None]
        total = math.sqrt(sum(float((g.double() ** 2).sum()) for g in grads))
        if total > MAX_NORM:
            for g in grads:
                g.mul_(MAX_NORM / total)

    def update_target(self):
        self.target_net = copy.deepcopy(self.q_net).eval()

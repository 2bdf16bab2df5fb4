import random

import torch
from torch import nn
from torch.nn import functional as F

from q_network import QNetwork
from replay_buffer import ReplayBuffer


class DQNAgent:
    def __init__(self, state_dim, action_dim, lr=1e-3, gamma=0.99):
        self.action_dim = action_dim
        self.gamma = gamma
        self.q_net = QNetwork(state_dim, action_dim)
        self.target_net = QNetwork(state_dim, action_dim)
        self.target_net.load_state_dict(self.q_net.state_dict())
        self.target_net.eval()
        for p in self.target_net.parameters():
            p.requires_grad_(False)
        self.optimizer = torch.optim.Adam(self.q_net.parameters(), lr=lr)
        self.buffer = ReplayBuffer()

    @torch.no_grad()
    def select_action(self, state, epsilon):
        if random.random() < epsilon:
            return random.randrange(self.action_dim)
        x = torch.as_tensor(state, dtype=torch.float32)
        return int(self.q_net(x[None]).argmax())

    def update(self, batch_size):
        if len(self.buffer) < batch_size:
            return 0.0
        s, a, r, s2, d = self.buffer.sample(batch_size)

        q = self.q_net(s)
        q_sa = q[torch.arange(len(a)), a]
        y = r + self.gamma * (1.0 - d) * self.target_net(s2).amax(dim=1)
        loss = F.mse_loss(q_sa, y)

        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.q_net.parameters(), 10.0)
        self.optimizer.step()
        return float(loss)

    def update_target(self):
        with torch.no_grad():
            for p_t, p in zip(self.target_net.parameters(), self.q_net.parameters()):
                p_t.copy_(p)

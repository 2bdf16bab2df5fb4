"""Q-network of the DQN assignment."""
import torch
import torch.nn as nn


class QNetwork(nn.Module):
    """Q-network: input a state, output Q-values for all actions."""

    def __init__(self, state_dim, action_dim, hidden_dim=128):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(state_dim, hidden_dim),   # input -> hidden
            nn.ReLU(),                          # activation
            nn.Linear(hidden_dim, hidden_dim),  # hidden -> hidden
            nn.ReLU(),
            nn.Linear(hidden_dim, action_dim),  # hidden -> output
        )

    def forward(self, x):
        """(B, state_dim) -> (B, action_dim)"""
        return self.net(x)

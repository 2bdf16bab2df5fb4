import torch.nn as nn


class QNetwork(nn.Module):
    """Body of two hidden layers, then a linear head."""

    def __init__(self, state_dim, action_dim, hidden_dim=128):
        super().__init__()
        relu = nn.ReLU()
        self.body = nn.Sequential(
            nn.Linear(state_dim, hidden_dim),
            relu,
            nn.Linear(hidden_dim, hidden_dim),
            relu,
        )
        self.head = nn.Linear(hidden_dim, action_dim)

    def forward(self, x):
        return self.head(self.body(x))

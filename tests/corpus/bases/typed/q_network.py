"""The action-value function as a multilayer perceptron."""
from __future__ import annotations

import torch
from torch import Tensor, nn


def mlp(sizes: list[int]) -> nn.ModuleList:
    """The Linear layers of a perceptron with the given widths."""
    return nn.ModuleList(nn.Linear(n_in, n_out) for n_in, n_out in zip(sizes, sizes[1:]))


class QNetwork(nn.Module):
    """Two hidden ReLU layers; one output per discrete action."""

    def __init__(self, state_dim: int, action_dim: int, hidden_dim: int = 128) -> None:
        super().__init__()
        self.layers = mlp([state_dim, hidden_dim, hidden_dim, action_dim])

    def forward(self, x: Tensor) -> Tensor:
        *hidden, output = self.layers
        for layer in hidden:
            x = torch.relu(layer(x))
        return output(x)

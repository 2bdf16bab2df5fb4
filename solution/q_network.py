"""The Q-network: one forward pass values every action of a state."""

import torch
from torch import nn


class QNetwork(nn.Module):
    """Approximates Q(s, ·) by a multilayer perceptron with two hidden layers.

    Each hidden layer has ``hidden_dim`` units and is followed by a ReLU. The output layer has one
    unit per action and is followed by nothing: a Q-value is a return and may be any real number.
    With biases everywhere, 4 → 128 → 128 → 2 has 17,410 trainable parameters.
    """

    def __init__(self, state_dim: int, action_dim: int, hidden_dim: int = 128) -> None:
        """Create the three linear layers.

        Args:
            state_dim: length of a state vector, 4 for CartPole.
            action_dim: number of discrete actions, 2 for CartPole.
            hidden_dim: width of both hidden layers.
        """
        # >>> student: QNetwork.__init__
        # todo: Create the layers as attributes, so that `parameters()` finds all of them.
        super().__init__()
        self.hidden_1 = nn.Linear(state_dim, hidden_dim)
        self.hidden_2 = nn.Linear(hidden_dim, hidden_dim)
        self.output = nn.Linear(hidden_dim, action_dim)
        # <<< student

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Value all actions of a batch of states.

        Args:
            x: states, ``(B, state_dim)`` float32; B may be 1.

        Returns:
            Q-values, ``(B, action_dim)`` float32: row i depends on state i alone, and column a is
            the estimate of Q(state i, action a). Nothing here is random.
        """
        # >>> student: QNetwork.forward
        # todo: Pass the batch through the layers and return the Q-values of all actions.
        x = torch.relu(self.hidden_1(x))
        x = torch.relu(self.hidden_2(x))
        return self.output(x)
        # <<< student

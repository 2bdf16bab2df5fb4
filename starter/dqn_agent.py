"""The DQN agent: acts ε-greedily and learns from replayed transitions.

Notation: θ are the parameters of ``q_net``, θ⁻ those of ``target_net``; a transition is
(s, a, r, s', d), where d is 1 if the episode terminated in s'.
"""

import random

import torch
from torch import nn, optim

from q_network import QNetwork
from replay_buffer import ReplayBuffer

MAX_GRAD_NORM = 10.0


class DQNAgent:
    """Two Q-networks, an optimizer for the first of them, and a replay buffer."""

    def __init__(
        self, state_dim: int, action_dim: int, lr: float = 1e-3, gamma: float = 0.99
    ) -> None:
        """Create the networks with equal weights, Adam for ``q_net``, and an empty buffer.

        Args:
            state_dim: length of a state vector.
            action_dim: number of discrete actions.
            lr: learning rate of Adam.
            gamma: discount factor.
        """
        self.action_dim = action_dim
        self.gamma = gamma

        self.q_net = QNetwork(state_dim, action_dim)
        self.target_net = QNetwork(state_dim, action_dim)
        self.target_net.load_state_dict(self.q_net.state_dict())
        self.target_net.eval()

        self.optimizer = optim.Adam(self.q_net.parameters(), lr=lr)
        self.buffer = ReplayBuffer(capacity=10_000)

    def select_action(self, state, epsilon: float) -> int:
        """Pick a random action with probability ``epsilon``, else the one ``q_net`` values most.

        Args:
            state: array of shape ``(S,)``.
            epsilon: probability of exploring; 0.0 is purely greedy.

        Returns:
            The action's index as a Python int.
        """
        if random.random() < epsilon:
            return random.randrange(self.action_dim)
        batch_of_one = torch.as_tensor(state, dtype=torch.float32).unsqueeze(0)
        with torch.no_grad():
            return int(self.q_net(batch_of_one).argmax(dim=1).item())

    def update(self, batch_size: int) -> float:
        """Take one gradient step on one batch from the buffer.

        * With fewer than ``batch_size`` transitions stored, do nothing and return 0.0.
        * Prediction: Q(s, a; θ) of the action a that was taken, shape ``(B,)``.
        * Target: r + gamma * (1 - d) * max over a' of Q(s', a'; θ⁻), shape ``(B,)``; a constant
          that no gradient flows through.
        * Loss: mean over the batch of the squared difference.
        * The norm of the gradient of all of ``q_net``'s parameters together is clipped to
          ``MAX_GRAD_NORM`` before the optimizer's one step.

        ``target_net``, the buffer, ``gamma`` and the learning rate stay as they were.

        Args:
            batch_size: number of transitions B, drawn by one call of ``self.buffer.sample``.

        Returns:
            This batch's loss before the step, as a plain number.
        """
        # TODO DQNAgent.update
        # Guard, sample, predict, build the target, compute the loss, step, return the loss.
        raise NotImplementedError("DQNAgent.update is not written yet")

    def update_target(self) -> None:
        """Make ``target_net`` an exact copy of ``q_net`` (hard update, θ⁻ ← θ).

        Afterwards the two networks compute the same and remain independent: training one of them
        leaves the other as it is.
        """
        # TODO DQNAgent.update_target
        # Copy the values of all parameters, not the network itself.
        raise NotImplementedError("DQNAgent.update_target is not written yet")

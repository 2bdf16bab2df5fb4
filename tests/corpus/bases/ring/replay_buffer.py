import numpy as np
import torch


class ReplayBuffer:
    """Ring of preallocated arrays; the slot of the oldest row is written next."""

    def __init__(self, capacity=10_000):
        self.capacity = capacity
        self.position = 0
        self.size = 0
        self.rng = np.random.default_rng()
        self.states = None        # allocated at the first push, when the width is known
        self.next_states = None
        self.actions = np.zeros(capacity, dtype=np.int64)
        self.rewards = np.zeros(capacity, dtype=np.float32)
        self.dones = np.zeros(capacity, dtype=np.float32)

    def push(self, state, action, reward, next_state, done):
        if self.states is None:
            shape = (self.capacity,) + np.shape(state)
            self.states = np.zeros(shape, dtype=np.float32)
            self.next_states = np.zeros(shape, dtype=np.float32)
        i = self.position
        self.states[i] = state
        self.actions[i] = action
        self.rewards[i] = reward
        self.next_states[i] = next_state
        self.dones[i] = done
        self.position = (i + 1) % self.capacity
        self.size = min(self.size + 1, self.capacity)

    def sample(self, batch_size):
        index = self.rng.choice(self.size, size=batch_size, replace=False)
        return (
            torch.from_numpy(self.states[index]),
            torch.from_numpy(self.actions[index]),
            torch.from_numpy(self.rewards[index]),
            torch.from_numpy(self.next_states[index]),
            torch.from_numpy(self.dones[index]),
        )

    def __len__(self):
        return self.size

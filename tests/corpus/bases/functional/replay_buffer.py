from collections import deque

import numpy as np
import torch


class ReplayBuffer:
    def __init__(self, capacity=10_000):
        self.buffer = deque(maxlen=capacity)

    def push(self, state, action, reward, next_state, done):
        self.buffer.append((state, action, reward, next_state, done))

    def __len__(self):
        return len(self.buffer)

    def sample(self, batch_size):
        idx = np.random.choice(len(self.buffer), batch_size, replace=False)
        rows = [self.buffer[i] for i in idx]
        s = np.stack([row[0] for row in rows])
        a = np.array([row[1] for row in rows])
        r = np.array([row[2] for row in rows])
        s2 = np.stack([row[3] for row in rows])
        d = np.array([row[4] for row in rows])
        return (
            torch.as_tensor(s, dtype=torch.float32),
            torch.as_tensor(a, dtype=torch.int64),
            torch.as_tensor(r, dtype=torch.float32),
            torch.as_tensor(s2, dtype=torch.float32),
            torch.as_tensor(d, dtype=torch.float32),
        )

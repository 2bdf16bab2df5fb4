"""A process that trains: `python -m grader.lab.training FOLDER`, orders in and results out.

Runs of one process do not know of each other: the submission is imported afresh for each, and all
generators are seeded.
"""

from __future__ import annotations

import importlib
import random
import sys
from typing import Any

import msgspec
import numpy as np
import torch

from grader.cartpole.schedule import ACTION_DIM, STATE_DIM
from grader.lab.result import Order, Refusal, Result
from grader.lab.training.loop import train
from grader.lab.training.variations import VARIATIONS
from grader.protocol.messages import MODULES
from grader.trials.answers import answers


def play(order: Order) -> Result | Refusal:
    """Train as ordered; a refusal when the submission's code cannot be trained."""
    setting = order.setting
    random.seed(order.seed)
    np.random.seed(order.seed)
    torch.manual_seed(order.seed)
    try:
        agent = _new_agent(setting.lr, setting.gamma)
        return train(VARIATIONS[order.experiment](agent, setting), setting, order.seed)
    except Exception as error:
        return Refusal(reason=f"{type(error).__name__}: {error}")


def _new_agent(lr: float, gamma: float) -> Any:
    """An agent of the submission's own class, from modules without a past."""
    for name in MODULES:
        sys.modules.pop(name, None)
    return importlib.import_module("dqn_agent").DQNAgent(STATE_DIM, ACTION_DIM, lr=lr, gamma=gamma)


def main(folder: str) -> None:
    """Answer orders until there are no more."""
    deliver = answers()
    torch.set_num_threads(1)
    sys.path.insert(0, folder)
    for line in sys.stdin.buffer:
        answer = play(msgspec.json.decode(line, type=Order))
        deliver(msgspec.json.encode(answer) + b"\n")


if __name__ == "__main__":
    main(sys.argv[1])

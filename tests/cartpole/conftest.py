"""One thread: on a busy machine a second one makes small matrices slow."""

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    torch.set_num_threads(1)

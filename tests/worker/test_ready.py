"""What a worker has imported when it says that it is ready."""

import subprocess
import sys

ASKED = """
import sys
from grader.worker.torch_setup import prepare_torch
prepare_torch()
import grader.worker.player
ready = set(sys.modules)
import numpy, torch
numpy.random.seed(0)
torch.manual_seed(0)
torch.optim.Adam(torch.nn.Linear(4, 2).parameters())
print(sorted(name for name in set(sys.modules) - ready if name.startswith("numpy")))
"""


def test_nothing_of_numpy_is_left_to_import_beside_a_submission():
    """Else want of memory would show there, and cost the submission its points."""
    done = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, encoding="utf-8")
    assert done.stdout == "[]\n", done.stderr

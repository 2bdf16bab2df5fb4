"""`python -m grader`."""

import os
import sys

# One thread, before NumPy is imported: the matrices are small, and threads that wait for one
# another make the arithmetic several times slower on a busy machine.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

from grader.cli import main  # noqa: E402

sys.exit(main(sys.argv[1:]))

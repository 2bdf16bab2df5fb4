"""`python -m grader`."""

import os
import signal
import sys

# One thread, before NumPy is imported: the matrices are small, and threads that wait for one
# another make the arithmetic several times slower on a busy machine.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"


def _open_standard_streams() -> None:
    """Whoever started this may have closed some: no channel may come to lie on their numbers."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - stays open


def _end_tidily(_signal: int, _frame: object) -> None:
    """A closed terminal or a cancelled job ends like Ctrl-C: processes killed, folder removed."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    _open_standard_streams()
    for _name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, _name):
            signal.signal(getattr(signal, _name), _end_tidily)
    from grader.cli import main

    sys.exit(main(sys.argv[1:]))

"""Measure the grader: `python -m tests.bench [--only a|…|i] [--seeds N] …`. Asserts nothing.

a  wall time of `grade --no-solve solution` against importing torch and building an optimizer
b  the CartPole verdict over many keys, beside the course page's own recipe
c  peak memory of the judge and its workers
d  negative control: with terminal flags at random, the solution must not solve
e  what the audit costs: the run with it and without it
f  what an isolation tier costs: its start over that of `plain`, and requests per second
g  a class: fixed cost per submission, two slots against one, what the class adds to its gradings
h  a journal of 10,000 students: memory of the class process, seconds of `status` and `compare`
i  50 kills at random moments, each followed by resuming, against an undisturbed class of the size
   of g; takes the better part of an hour, so only when asked for
"""

from __future__ import annotations

import argparse
import os
import sys

# One thread for the judge's BLAS, as `python -m grader` sets it; before NumPy is loaded.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main() -> int:
    """Print the figures asked for."""
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    from tests.bench import audit, cartpole, classes, control, grading, journals, tiers
    from tests.bench.figures import say
    from tests.classroom import kills

    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--only", choices=tuple("abcdefghi"), action="append", help="one measurement"
    )
    parser.add_argument(
        "--repeats", type=int, default=9, metavar="N", help="runs for a, e and f (9)"
    )
    parser.add_argument("--seeds", type=int, default=20, metavar="N", help="keys for b (20)")
    parser.add_argument("--control-keys", type=int, default=3, metavar="N", help="keys for d (3)")
    parser.add_argument(
        "--page-seeds", type=int, default=1, metavar="N", help="seeds of the page's recipe (1)"
    )
    parser.add_argument(
        "--students", type=int, default=300, metavar="N", help="students for g, i (300)"
    )
    parser.add_argument(
        "--one-core",
        action="store_true",
        help="measure b, d and e on one core, where possible",
    )
    options = parser.parse_args()
    wanted = options.only or list("abcdefgh")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}" if os.name != "nt" else "")
    if "a" in wanted:
        grading.measure_time(options.repeats)
    if "c" in wanted:
        grading.measure_memory()
    if options.one_core and not cartpole.keep_to_one_core():
        print("one core cannot be asked for on this platform", file=sys.stderr)
    if "b" in wanted:
        cartpole.measure(options.seeds, options.page_seeds)
    if "d" in wanted:
        control.measure(options.control_keys)
    if "e" in wanted:
        audit.measure(options.repeats)
    if "f" in wanted:
        tiers.measure(options.repeats)
    if "g" in wanted:
        classes.measure(options.students)
    if "h" in wanted:
        journals.measure(10_000)
    if "i" in wanted:
        say("\n(i) a class whose judges, command, workers and scheduler are killed on the way")
        kills.survives(options.students, 50, 8.0, ["--no-solve"])
    return 0


if __name__ == "__main__":
    sys.exit(main())

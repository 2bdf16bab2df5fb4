"""Try the hostile corpus: `python -m tests.hostile`.

Ends with exit status 1 when a promise is broken that the tier makes.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections import Counter

# One thread for the judge's BLAS, as `python -m grader` sets it; before NumPy is loaded.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")


def main() -> int:
    """Try every case that matches; 1 when a promise is broken, 2 for wrong usage."""
    options = _arguments()
    if sys.platform != "linux":
        print("error: what a deed leaves behind is looked for in /proc: Linux only")
        return 2
    from tests.hostile.corpus import read_cases
    from tests.hostile.tiers import available
    from tests.hostile.trial import Bench

    cases = [c for c in read_cases() if re.search(options.match, f"{c.group} {c.id}")]
    tiers = [tier for tier in available() if options.tier in (None, tier)]
    if not cases or not tiers:
        print(f"error: nothing matches; the tiers here are {', '.join(available())}")
        return 2
    begun, wrong, done = time.monotonic(), [], Counter()
    for tier in tiers:
        with Bench(tier) as bench:
            for case in cases:
                trial = bench.trial(case)
                wrong += trial.wrong
                done[case.group] += 1
                opened = sorted(set(trial.broken) & set(case.open.get(tier, ())))
                note = f"  (not promised by {tier}: {', '.join(opened)})" if opened else ""
                mark = "FAIL" if trial.wrong else "ok"
                print(f"{mark:5}{case.group}/{case.id}  {trial.seconds:.1f} s{note}", flush=True)
                for line in trial.wrong:
                    print(f"     {line}", flush=True)
    counts = ", ".join(f"{group} {count}" for group, count in sorted(done.items()))
    verdict = f"{len(wrong)} promises are broken" if wrong else "every promise holds"
    minutes = (time.monotonic() - begun) / 60
    print(f"{sum(done.values())} trials in {minutes:.1f} min ({counts}): {verdict}")
    return 1 if wrong else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--match", default="", metavar="REGEX", help="only cases whose `group id` matches"
    )
    parser.add_argument("--tier", metavar="TIER", help="only this isolation tier")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""A million frames, and lies to the checks: `python -m tests.fuzz`.

Ends with exit status 1 when anything else than a `ProtocolError` came of a frame, when a lie ended
a check as the grader's own fault, or when the judge's memory grew.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections import Counter

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

#: The judge may grow by so much, whatever is sent: a frame of the greatest length takes 32 MB.
MAX_GROWTH_MB = 300


def main() -> int:
    """Fuzz; 1 when something broke."""
    options = _arguments()
    from tests.fuzz.campaign import fuzz
    from tests.fuzz.judge import Broken
    from tests.fuzz.lies import put_lies_before_the_checks

    begun, before = time.monotonic(), _peak_mb()
    try:
        seen = fuzz(options.frames, options.seed)
        frames_s = time.monotonic() - begun
        grown = _peak_mb() - before
        ended: Counter[str] = Counter()
        for number in range(options.lies):
            ended += put_lies_before_the_checks(options.seed * 1_000_003 + number)
    except Broken as broken:
        print(f"broken: {broken}")
        return 1
    print(f"{sum(seen.values()):,} frames in {frames_s / 60:.1f} min: {_told(seen)}")
    print(f"{sum(ended.values()):,} checks were lied to: {_told(ended)}")
    print(f"the judge grew by {grown:.0f} MB")
    return int(grown > MAX_GROWTH_MB)


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))


def _peak_mb() -> float:
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes / (1024**2 if sys.platform == "darwin" else 1024)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--frames", type=int, default=1_000_000, metavar="N")
    parser.add_argument(
        "--lies", type=int, default=500, metavar="N", help="parts graded with untrue replies"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

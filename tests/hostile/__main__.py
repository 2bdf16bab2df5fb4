"""Try the hostile corpus: `python -m tests.hostile`.

Ends with exit status 1 when a promise is broken that the tier makes.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.hostile.corpus import Case
    from tests.hostile.trial import Trial

# One thread for the judge's BLAS, as `python -m grader` sets it; before NumPy is loaded.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")


#: What `--match` calls the comparison of gradings alone and beside others.
BUSY = "busy"


def main() -> int:
    """Try every case that matches; 1 when a promise is broken, 2 for wrong usage."""
    options = _arguments()
    if sys.platform != "linux":
        print("error: what a deed leaves behind is looked for in /proc: Linux only")
        return 2
    from tests.hostile.corpus import read_cases
    from tests.hostile.tiers import TIERS, why_not

    cases = [c for c in read_cases() if re.search(options.match, f"{c.group} {c.id}")]
    tiers = [tier for tier in TIERS if options.tier in (None, tier)]
    busy = options.tier is None and re.search(options.match, BUSY)
    if not tiers or not (cases or busy):
        print(f"error: nothing matches; the tiers are {', '.join(TIERS)}")
        return 2
    begun, broken = time.monotonic(), 0
    if busy:
        broken += _beside_others()
    for tier in tiers if cases else ():
        reason = why_not(tier)
        if reason is not None:
            print(f"\n{tier}: not tried, {reason}\n", flush=True)
            continue
        trials = _try(tier, cases)
        broken += sum(len(trial.wrong) for trial in trials)
        print(f"\n{_table(tier, trials)}\n", flush=True)
    verdict = f"{broken} promises are broken" if broken else "every promise holds"
    print(f"{(time.monotonic() - begun) / 60:.1f} min: {verdict}")
    return 1 if broken else 0


def _beside_others() -> int:
    """How many reports are others beside seven busy gradings, in the tier that `auto` takes."""
    from tests.hostile.busy import NEIGHBOURS, SUBMISSIONS, compare

    different = 0
    for name in SUBMISSIONS:
        told, alone_s, beside_s = compare(name)
        different += told is not None
        mark = "ok" if told is None else "FAIL"
        print(f"{BUSY}  {mark:4} {name}  {alone_s:.1f} s alone, {beside_s:.1f} s", end="")
        print(f" beside {NEIGHBOURS} others{f': {told}' if told else ''}", flush=True)
    return different


def _try(tier: str, cases: list[Case]) -> list[Trial]:
    """What came of the cases in one tier, told one by one."""
    from tests.hostile.trial import Bench

    trials = []
    with Bench(tier) as bench:
        for number, case in enumerate(cases, 1):
            trial = bench.trial(case)
            trials.append(trial)
            note = f"  (not promised: {', '.join(trial.opened)})" if trial.opened else ""
            mark = "FAIL" if trial.wrong else "ok"
            print(f"{tier} {number:3}/{len(cases)}  {mark:4} {case.group}/{case.id}", end="")
            print(f"  {trial.seconds:.1f} s{note}", flush=True)
            for line in trial.wrong:
                print(f"     {line}", flush=True)
    return trials


def _table(tier: str, trials: list[Trial]) -> str:
    """One line per group, and one for all."""
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(trial.case.group, []).append(trial)
    rows = [*groups.items(), ("all", trials)]
    lines = [f"{tier:12} {'cases':>6} {'as due':>7} {'open':>5} {'broken':>7} {'minutes':>8}"]
    for name, some in rows:
        opened = sum(bool(trial.opened) for trial in some)
        broken = sum(bool(trial.wrong) for trial in some)
        minutes = sum(trial.seconds for trial in some) / 60
        counts = f"{len(some):6} {len(some) - opened - broken:7} {opened:5} {broken:7}"
        lines.append(f"{name:12} {counts} {minutes:8.1f}")
    return "\n".join(lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--match",
        default="",
        metavar="REGEX",
        help="only cases whose `group id` matches; `busy` is a grading beside seven others",
    )
    parser.add_argument("--tier", metavar="TIER", help="only this isolation tier")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""Mutation-test the oracle and the comparison code: `python -m tests.mutation [--help]`.

mutmut changes one thing at a time in the modules that `[tool.mutmut]` in `pyproject.toml` names,
and runs the tests that reach it. A change that no test notices must stand in `survivors.toml` with
a reason; any other is printed, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.survivors import Mutant, Survivors, load_survivors

ROOT = Path(__file__).resolve().parents[2]
#: A copy to work in: mutmut writes beside what it changes.
WORK = ROOT / "build" / "mutation"
COPIED = ("grader", "tests", "pyproject.toml")
#: On a busy machine a second thread makes NumPy's small matrices slow.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
#: How mutmut writes down a run of the tests that passed, and that there were none to run.
SURVIVED, NO_TESTS, NOT_RUN = 0, 33, None


@dataclass
class Result:
    """The mutants of one module."""

    module: str
    total: int
    alive: list[Mutant]


def main() -> int:
    """Run mutmut and judge what it leaves."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("names", nargs="*", metavar="NAME", help="mutants, as `*compare*` (all)")
    parser.add_argument("--cores", type=int, default=1, metavar="N", help="processes (1)")
    options = parser.parse_args()
    started = time.monotonic()
    prepare()
    # mutmut keeps to itself which test failed.
    if run("pytest", "-q", "-x", *selection()) != 0:
        print("the tests must pass before anything is changed", file=sys.stderr)
        return 1
    if run("mutmut", "run", "--max-children", str(options.cores), *options.names) != 0:
        return 1
    results = [result for result in read_results() if result.total]
    print(f"\n{time.monotonic() - started:.0f} s in all")
    return report(results, load_survivors())


def prepare() -> None:
    """A fresh copy: mutmut would keep the verdicts of tests that have changed since."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, WORK / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, WORK / name)


def selection() -> list[str]:
    """The tests that mutmut runs."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mutmut"]
    tests: list[str] = settings["pytest_add_cli_args_test_selection"]
    return tests


def run(module: str, *arguments: str) -> int:
    """The exit status of a tool in the copy, its output shown."""
    environ = os.environ | dict.fromkeys(THREADS, "1")
    return subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=WORK, env=environ
    ).returncode


def read_results() -> Iterator[Result]:
    """What became of the mutants, module by module; those that were not asked for are left out."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    with contextlib.chdir(WORK):
        for meta in sorted(Path("mutants").rglob("*.py.meta")):
            path = meta.relative_to("mutants").with_suffix("")
            codes = json.loads(meta.read_text("utf-8"))["exit_code_by_key"]
            codes = {name: code for name, code in codes.items() if code is not NOT_RUN}
            alive = [
                Mutant.of(name, get_diff_for_mutant(name, path=path))
                for name, code in codes.items()
                if code in (SURVIVED, NO_TESTS)
            ]
            yield Result(".".join(path.with_suffix("").parts), len(codes), alive)


def report(results: list[Result], survivors: Survivors) -> int:
    """Print the figures and the survivors that nothing explains; 1 when there are such."""
    print(f"\n{'module':34}{'mutants':>8}{'killed':>8}{'explained':>10}{'open':>6}")
    open_mutants: list[Mutant] = []
    sums: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for result in results:
        explained = 0
        for mutant in result.alive:
            reason = survivors.reason(mutant)
            if reason is None:
                open_mutants.append(mutant)
            else:
                explained += 1
                reasons[reason] += 1
        row = Counter(
            mutants=result.total,
            killed=result.total - len(result.alive),
            explained=explained,
            open=len(result.alive) - explained,
        )
        sums += row
        print(line(result.module, row))
    print(line("all", sums))
    for reason, count in reasons.most_common():
        print(f"\n{count} explained: {reason.strip()}")
    for mutant in open_mutants:
        print(f"\nnot explained: {mutant.function}")
        print("\n".join(f"- {text}" for text in mutant.was.splitlines()))
        print("\n".join(f"+ {text}" for text in mutant.now.splitlines()))
    return 1 if open_mutants else 0


def line(name: str, row: Counter[str]) -> str:
    """One row of the table."""
    return f"{name:34}{row['mutants']:8}{row['killed']:8}{row['explained']:10}{row['open']:6}"


if __name__ == "__main__":
    sys.exit(main())

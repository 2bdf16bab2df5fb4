"""A class of any size, of submissions as they come: right in many styles, wrong in many, hostile,
empty, not written, handed in twice.

The same size and seed make the same class.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from tests.hostile.corpus import build as build_hostile
from tests.hostile.corpus import read_cases
from tests.validity.corpus import build, read_corpus

ROOT = Path(__file__).resolve().parents[2]
#: Deeds that need neither a machine of their own nor minutes.
HOSTILE = ("exits", "forging", "lying", "output", "patching", "results", "values")
#: Shares of the class.
SHARES = {"right": 0.45, "wrong": 0.35, "hostile": 0.08, "starter": 0.04, "empty": 0.03}
FILES = ("q_network.py", "replay_buffer.py", "dqn_agent.py")


def generate(folder: Path, students: int, seed: int = 0) -> dict[str, str]:
    """Write the class; what each student handed in, by name."""
    generator = random.Random(seed)
    right = [case for case in read_corpus() if case.kind == "correct"]
    wrong = [case for case in read_corpus() if case.kind != "correct"]
    hostile = [
        case
        for case in read_cases()
        if case.group in HOSTILE and case.archive is None and not (case.alone or case.hurried)
    ]
    kinds = {}
    for number, kind in enumerate(_kinds(students)):
        name = f"student-{number:04d}"
        place = folder / name
        place.mkdir(parents=True)
        files: dict[str, bytes] = {}
        if kind in ("right", "again"):
            # The corpus is smaller than a large class: some hand in what others do.
            files = build(right[0] if kind == "again" else generator.choice(right))
        elif kind == "wrong":
            files = build(generator.choice(wrong))
        elif kind == "hostile":
            files = build_hostile(generator.choice(hostile))
        elif kind == "starter":
            files = {file: (ROOT / "starter" / file).read_bytes() for file in FILES}
        if kind in ("right", "wrong", "hostile"):
            files["q_network.py"] += f"\n# {name}\n".encode()
        for file, data in files.items():
            (place / file).write_bytes(data)
        kinds[name] = kind
    return kinds


def _kinds(students: int) -> Iterator[str]:
    """In an order in which every kind comes early and often."""
    owed = dict.fromkeys([*SHARES, "again"], 0.0)
    shares = SHARES | {"again": 1 - sum(SHARES.values())}
    for _ in range(students):
        for kind, share in shares.items():
            owed[kind] += share
        kind = max(owed, key=lambda each: owed[each])
        owed[kind] -= 1
        yield kind

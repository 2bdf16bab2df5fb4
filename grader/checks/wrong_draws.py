"""What drawn values give away about a wrong `sample`, and how to show it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from grader.checks.compare import Doubles, show
from grader.checks.draws import FIELDS, Identified, Indices, identify, read_field
from grader.checks.feedback import Failure
from grader.checks.prompt import pasted
from grader.oracle.dqn import Batch
from grader.protocol.messages import Sampled, Value

Fields = dict[str, Doubles | None]
Blame = Callable[[str, str | None], str | None]


def rows_of(stored: Batch, sampled: Sampled, batch_size: int) -> Indices | None:
    """Which stored transitions a result consists of, by the first field that tells."""
    if sampled.stacked is None:
        return None
    times = sampled.stacked[0].shape[0] if sampled.stacked[0].shape else 0
    fields = {
        name: read_field(array, getattr(stored, name), times, batch_size)
        for name, array in zip(FIELDS, sampled.stacked, strict=True)
    }
    return identify(stored, fields).rows


def dtype_code(name: str, item: Value) -> str | None:
    """The misconception behind a wrong dtype."""
    if item.array is None or item.type != "Tensor":
        return "SAMPLE_NOT_TENSORS"
    dtype = item.array.dtype
    if name == "actions":
        return "SAMPLE_ACTION_DTYPE"
    if dtype == "float64":
        return "SAMPLE_FLOAT64"
    if name == "dones" and dtype == "bool":
        return "SAMPLE_DONE_BOOL"
    if dtype.startswith(("int", "uint")):
        if name == "rewards":
            return "SAMPLE_REWARD_INTEGER"
        if name in ("states", "next_states"):
            return "SAMPLE_STATE_INTEGER"
    return None


def require_values(stored: Batch, fields: Fields, found: Identified, blame: Blame) -> None:
    """`Failure` when a field holds values that were never pushed there.

    `blame` has the last word on the misconception behind a field.
    """
    rows = found.rows
    for name in ("states", "next_states", "rewards", "actions"):
        if found.by_field[name] is not None:
            continue
        values = fields[name]
        code = _value_code(stored, name, values, rows)
        raise Failure(
            _strange_row(stored, name, values, rows),
            why="A batch gives back what was stored, each field in its place.",
            code=blame(name, code),
            reproduce=values_snippet(),
        )
    _require_dones(stored, fields["dones"], rows, blame)


def require_alignment(stored: Batch, fields: Fields, found: Identified, blame: Blame) -> None:
    """`Failure` when the fields of a row come from different transitions."""
    rows = found.rows
    if rows is None:
        raise Failure("No field holds only what was pushed, so rows cannot be compared.")
    known = [
        n for n in ("states", "next_states", "rewards", "actions") if found.by_field[n] is not None
    ]
    for name in known[1:]:
        other = found.by_field[name]
        assert other is not None
        if not np.array_equal(other, rows):
            draw, row = np.argwhere(other != rows)[0]
            raise Failure(
                f"Row {row + 1} of a batch has the {known[0]} of transition {rows[draw, row] + 1} "
                f"and the {name} of transition {other[draw, row] + 1}.",
                why="Row i of every field must come from the same transition.",
                code=blame(name, "SAMPLE_ROWS_MISALIGNED" if _spread_alike(other, rows) else None),
                reproduce=values_snippet(),
            )
    dones = fields["dones"]
    if dones is None:
        return
    expected = stored.dones[rows]
    if np.array_equal(dones, expected) or _explained_dones(dones, expected):
        return
    draw, row = np.argwhere(dones != expected)[0]
    raise Failure(
        f"Row {row + 1} of a batch is transition {rows[draw, row] + 1}, pushed with done "
        f"{expected[draw, row]:g}, and has done {dones[draw, row]:g}.",
        why="Row i of every field must come from the same transition.",
        code=blame("dones", "SAMPLE_ROWS_MISALIGNED"),
        reproduce=values_snippet(),
    )


def _spread_alike(one: Indices, two: Indices) -> bool:
    """Both fields come from about as many transitions: a field with few values left over was
    changed, not moved."""
    return len(np.unique(one)) >= 0.5 * len(np.unique(two))


def _explained_dones(dones: Doubles, expected: Doubles) -> bool:
    """The flags are wrong as such, not out of line with the rows."""
    inverted = np.array_equal(dones, 1 - expected)
    return inverted or float(np.ptp(dones)) == 0 or not set(np.unique(dones)) <= {0.0, 1.0}


def _require_dones(
    stored: Batch, dones: Doubles | None, rows: Indices | None, blame: Blame
) -> None:
    told = "dones tells terminal transitions (1) from others (0)."
    if dones is None:
        raise Failure("dones cannot be read as numbers.", why=told)
    strange = set(np.unique(dones).tolist()) - {0.0, 1.0}
    if strange:
        raise Failure(f"dones holds {show(sorted(strange))}, expected only 0 and 1.", why=told)
    if rows is not None and np.array_equal(dones, stored.dones[rows]):
        return
    if float(np.ptp(dones)) == 0:
        raise Failure(
            f"dones is {dones.flat[0]:g} in every row of {dones.size}, although "
            f"{int(stored.dones.sum())} of {len(stored)} stored transitions are terminal.",
            why=told,
            code=blame("dones", "SAMPLE_DONE_CONSTANT"),
            reproduce=values_snippet(),
        )
    if rows is not None and np.array_equal(dones, 1 - stored.dones[rows]):
        raise Failure(
            "dones is 0 for the transitions pushed with done 1, and 1 for the others.",
            why=told,
            code=blame("dones", "SAMPLE_DONE_INVERTED"),
            reproduce=values_snippet(),
        )


def _strange_row(stored: Batch, name: str, values: Doubles | None, rows: Indices | None) -> str:
    """The first value of a field that was never pushed, and of which transition it should be."""
    if values is None:
        return f"{name} holds nothing that can be read as numbers."
    pushed = getattr(stored, name)
    known = np.asarray(pushed, np.float64).reshape(len(stored), -1)
    drawn = values.reshape(*values.shape[:2], -1)
    with np.errstate(invalid="ignore"):
        distance = np.abs(drawn[:, :, None, :] - known).max(axis=3).min(axis=2)
    draw, row = np.argwhere(~(distance <= 1e-4))[0]
    got = values[draw, row]
    text = show(got) if np.isfinite(got).all() else str(got[~np.isfinite(got)].flat[0])
    if rows is None:
        return f"{name} holds {text}, which was never pushed; stored there is {show(pushed)}."
    which = rows[draw, row]
    return (
        f"Row {row + 1} of a batch is transition {which + 1}, pushed with {name} "
        f"{show(pushed[which])}, and has {text}."
    )


def _value_code(
    stored: Batch, name: str, values: Doubles | None, rows: Indices | None
) -> str | None:
    if values is None or not np.isfinite(values).all():
        return None
    others = {"states": "next_states", "next_states": "states", "rewards": "actions"}
    other = others.get(name, "rewards")
    if identify(stored, {**dict.fromkeys(FIELDS), other: values}).by_field[other] is not None:
        return "SAMPLE_NEXT_STATE_IS_STATE" if name == "next_states" else "SAMPLE_FIELDS_SWAPPED"
    if name == "rewards" and set(np.unique(values).tolist()) <= {0.0, 1.0}:
        return "SAMPLE_FIELDS_SWAPPED"
    if rows is None:
        return None
    expected = getattr(stored, name)[rows]
    if any(np.array_equal(values, cast(expected)) for cast in (np.trunc, np.round, np.floor)):
        return "SAMPLE_REWARD_INTEGER" if name == "rewards" else "SAMPLE_STATE_INTEGER"
    if np.allclose(values, expected, rtol=2e-2) or np.allclose(values, np.round(expected, 1)):
        return None  # rounded, not rescaled
    if name == "rewards" and _monotone(values, expected):
        return "SAMPLE_REWARD_RESCALED"
    # What leaves some numbers as they are cuts or replaces others.
    kept = float(np.isclose(values, expected).mean())
    if name in ("states", "next_states") and kept < 0.05 and _rescaled(values, expected):
        return "SAMPLE_STATE_NORMALISED"
    return None


def _rescaled(values: Doubles, expected: Doubles) -> bool:
    """Component by component they grow together, or row by row they have one direction."""
    components = range(values.shape[-1])
    if all(_monotone(values[..., i], expected[..., i]) for i in components):
        return True
    lengths = np.linalg.norm(values, axis=-1) * np.linalg.norm(expected, axis=-1)
    along = np.allclose((values * expected).sum(axis=-1), lengths, rtol=1e-4)
    return along and bool((lengths > 0).all())


def is_list_of_rows(value: Value) -> bool:
    """A list of transitions in the place of five fields."""
    return value.items is not None and any(item.items is not None for item in value.items)


def _monotone(values: Doubles, expected: Any) -> bool:
    """Within each draw, values grow with what was expected: rescaled, clipped or normalised."""
    order = np.argsort(expected, axis=-1)
    sorted_values = np.take_along_axis(values, order, axis=-1)
    return bool((np.diff(sorted_values, axis=-1) >= -1e-6).all())


def uniform_code(rows: Indices, stored: int) -> str | None:
    """The misconception behind draws (draws, B) that are not uniform over `stored` rows."""
    size = rows.shape[1]
    sets = {tuple(sorted(draw)) for draw in rows.tolist()}
    if size > 1 and all(len(set(s)) == 1 for s in sets):
        return "SAMPLE_ROW_REPEATED"
    seen = set(np.unique(rows).tolist())
    newest = set(range(stored - len(seen), stored))
    if seen == newest and len(seen) < stored - 1:
        return "SAMPLE_LATEST_ONLY"
    if len(sets) == 1:
        return "SAMPLE_DETERMINISTIC"
    if all(_consecutive(s, stored) for s in sets):
        return "SAMPLE_CONSECUTIVE"
    missing = set(range(stored)) - seen
    # An end that never came in few draws may yet come.
    if missing and missing <= {0, stored - 1} and rows.size >= 30 * stored:
        return "SAMPLE_EXCLUDES_END"
    return None


def _consecutive(members: tuple[int, ...], stored: int) -> bool:
    wanted = len(members)
    return any(
        set(members) == {(start + i) % stored for i in range(wanted)} for start in range(stored)
    )


# --- snippets --------------------------------------------------------------------------------

_FILL = (
    "from replay_buffer import ReplayBuffer",
    "buffer = ReplayBuffer(capacity={capacity})",
    "for i in range({pushes}):",
    "    buffer.push([i, i + 0.5], i, i / 4, [i + 1, i + 1.5], float(i % 3 == 0))",
)


def _filled(capacity: int, pushes: int, *lines: str) -> str:
    fill = [line.format(capacity=capacity, pushes=pushes) for line in _FILL]
    return pasted(*fill, *lines)


def snippet(batch_size: int) -> str:
    """Lines that show type, dtype and shape of the five fields."""
    return _filled(
        100,
        70,
        f"for field in buffer.sample({batch_size}):",
        "    print(type(field).__name__, *(getattr(field, x, '') for x in ('dtype', 'shape')))",
    )


def values_snippet() -> str:
    """Lines that print a batch whose rows can be checked by eye."""
    return _filled(
        100,
        20,
        "for row in zip(*(field.tolist() for field in buffer.sample(5))):",
        "    print(row)",
        "# row i of what was pushed: [i, i + 0.5], i, i / 4, [i + 1, i + 1.5], 1.0 if i % 3 == 0",
    )


def count_snippet(stored: int, batch_size: int) -> str:
    """Lines that count how often each transition is drawn."""
    return _filled(
        stored,
        stored,
        "from collections import Counter",
        f"draws = [buffer.sample({batch_size})[1].tolist() for _ in range(2000)]",
        "print(Counter(i for draw in draws for i in draw))",
        "print(Counter(tuple(sorted(draw)) for draw in draws).most_common(5))",
    )


def length_snippet() -> str:
    """Lines that show `len` before and after sampling."""
    return _filled(20, 9, "print(len(buffer)); buffer.sample(4); print(len(buffer))")


def eviction_snippet(capacity: int, pushes: int, batch_size: int) -> str:
    """Lines that show which transitions are left."""
    return _filled(
        capacity,
        pushes,
        f"draws = [buffer.sample({batch_size})[1].tolist() for _ in range(200)]",
        "print(sorted({i for draw in draws for i in draw}))",
        f"# expected: {list(range(max(0, pushes - capacity), pushes))}",
    )

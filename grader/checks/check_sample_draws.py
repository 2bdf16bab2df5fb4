"""ReplayBuffer.sample: uniform fresh draws from exactly what is stored."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from grader.checks import wrong_draws
from grader.checks.chance import count_bounds, reseeded
from grader.checks.draws import Draws, Indices, distinct_transitions, encode, identify
from grader.checks.explore import explore
from grader.checks.feedback import Failure
from grader.oracle.dqn import Batch
from grader.protocol.messages import Counted, Length, Push, Sample, Sampled

PART = "sample"

STORED, DRAWN, TIMES = 7, 3, 1500
CAPACITY = 10
#: Each count gets this part of `FALSE_FAILURE`.
CELLS = 2 * (35 + STORED + 2)


def check_uniform(draws: Draws) -> None:
    """Every stored transition, and every combination of them, is equally likely.

    1,500 draws of 3 from 7, in a buffer for 10. Without replacement each of the 35 sets has
    probability 1/35, each row 3/7, and two calls in a row have nothing in common with 4/35. With
    replacement, 1 − 210/343 of the draws repeat a row; given how many do not, these follow the same
    law. So 35 + 7 + 1 counts are judged either way, each at 1/88 of 1e-9 (`count_bounds`): correct
    code fails with probability below 43/88 · 1e-9 < 4.9e-10.

    Power: what always fails is a row that never comes (the newest, the oldest), one row repeated
    and, without replacement, a set that never comes (slices, the latest) and calls 2, 4, … that
    repeat calls 1, 3, …, or avoid their rows. Above 1 − 1e-9: 80 % of the batches from the newest
    four; weights that grow linearly from row to row, or are |reward|. Above 0.999: a row 30 % too
    often, a set three times as often. A row 20 % too often is found with 0.43 only.
    """
    stored = distinct_transitions(STORED, draws.part.rng())
    # Partly filled, by more than half: indices over the capacity show, folded or cut off.
    rows = draws.identified(stored, DRAWN, TIMES, CAPACITY).rows
    if rows is None:
        raise Failure(
            "The draws cannot be told apart: no field holds only what was pushed.",
            why="Whether draws are uniform can be judged once the fields hold stored values.",
        )
    sets = [tuple(sorted(draw)) for draw in rows.tolist()]
    single = [s for s in sets if len(set(s)) == DRAWN]
    repeated = TIMES - len(single)
    if repeated:
        # With replacement, 1 − 7·6·5 / 7³ of the draws repeat a row.
        low, high = count_bounds(TIMES, 1 - 210 / 343, CELLS)
        if not low <= repeated <= high:
            raise Failure(
                f"{repeated:,} of {TIMES:,} batches of {DRAWN} (from {STORED} stored) hold a "
                "transition twice.",
                why="Each of the stored transitions is equally likely, in each batch.",
                code=_sure_code(draws, rows),
            )
        draws.part.advise("SAMPLE_WITH_REPLACEMENT")
    counts = Counter(itertools.chain.from_iterable(single))
    low, high = count_bounds(len(single), DRAWN / STORED, CELLS)
    for row in range(STORED):
        if not low <= counts[row] <= high:
            raise Failure(
                f"Of {STORED} stored transitions, number {row + 1} was in {counts[row]:,} of "
                f"{len(single):,} batches of {DRAWN}; expected {low:,} to {high:,}.",
                why="Each of the stored transitions is equally likely, in each batch.",
                code=_sure_code(draws, rows),
                reproduce=wrong_draws.count_snippet(STORED, DRAWN),
            )
    together = Counter(single)
    low, high = count_bounds(len(single), 1 / 35, CELLS)
    for combination in itertools.combinations(range(STORED), DRAWN):
        if not low <= together[combination] <= high:
            told = ", ".join(str(i + 1) for i in combination)
            raise Failure(
                f"Of {STORED} stored transitions, the numbers {told} came together in "
                f"{together[combination]:,} of {len(single):,} batches; expected {low:,} to "
                f"{high:,}.",
                why="Replay breaks correlation only when any transitions may meet in a batch.",
                code=_sure_code(draws, rows),
                reproduce=wrong_draws.count_snippet(STORED, DRAWN),
            )
    _require_independent_calls(rows, bool(repeated))


FRESH_STORED, FRESH_DRAWN, FRESH_TIMES = 100, 10, 6


def check_fresh(draws: Draws) -> None:
    """Every call draws anew.

    10 of 100: two correct draws hold the same rows with probability 1 / C(100, 10) < 6e-14, with
    replacement even less (10! / 100^10 at most). 15 pairs of calls: below 9e-13.
    Power: the same batch at every call, every second call repeated and a cycle of up to 5 batches
    always fail; calls that repeat the one before with probability 1/2 fail with 1 − 2^-5 > 0.96.
    """
    stored = distinct_transitions(FRESH_STORED, draws.part.rng())
    if draws.draw(stored, FRESH_DRAWN, FRESH_TIMES).first_changed:
        raise Failure(
            "The batch that the first call returned changed its values in a later call.",
            why="A batch belongs to its caller; the next one must not be written over it.",
        )
    rows = draws.identified(stored, FRESH_DRAWN, FRESH_TIMES).rows
    if rows is None:
        raise Failure("The draws cannot be told apart: no field holds only what was pushed.")
    sets = {tuple(sorted(draw)) for draw in rows.tolist()}
    if len(sets) < len(rows):
        raise Failure(
            f"Several calls of `sample({FRESH_DRAWN})` on {FRESH_STORED} stored transitions gave "
            "the very same rows.",
            why="Each update learns from a new random batch.",
            code=wrong_draws.uniform_code(rows, FRESH_STORED),
            reproduce=wrong_draws.count_snippet(FRESH_STORED, FRESH_DRAWN),
        )


KEPT_DRAWN, KEPT_TIMES = 3, 120


def check_not_consumed(draws: Draws) -> None:
    """Sampling takes nothing out of the buffer and changes nothing in it.

    One of 9 rows stays away from 120 draws of 3 with probability 9 · (2/3)^120 < 1e-20, with
    replacement 9 · (8/9)^360 < 4e-18; generators: below 4e-15 (`reseeded`). Together below 4e-15.
    Power: taking out what is drawn, leaving out a row and seeding a generator always fail.
    """
    stored = distinct_transitions(9, draws.part.rng())
    results = draws.play(
        20,
        [
            Push(transitions=encode(stored)),
            Length(),
            Sample(batch_size=4, times=40),
            Length(),
            Sample(batch_size=9, times=40),
            Length(),
        ],
    )
    counts = [r.length for r in results if isinstance(r, Counted)]
    if counts[0] != 9:
        raise Failure(
            f"9 transitions were pushed; `len(buffer)` is {counts[0]}.",
            why="Whoever calls `sample` asks `len` first how much is stored.",
            code="GIVEN_LEN_CHANGED",
        )
    if counts != [9, 9, 9]:
        raise Failure(
            f"9 transitions were stored; after calls of `sample`, `len(buffer)` was {counts[1]} "
            f"and {counts[2]}.",
            why="A stored transition can be drawn many times until it is evicted.",
            code="SAMPLE_CONSUMES",
            reproduce=wrong_draws.length_snippet(),
        )
    _require_free_generators(draws)
    fields = draws.fields(stored, KEPT_DRAWN, KEPT_TIMES)
    seen = identify(stored, fields).rows
    if seen is not None and len(np.unique(seen)) < 9:
        missing = sorted(set(range(9)) - set(np.unique(seen).tolist()))
        raise Failure(
            f"Of 9 stored transitions, number {missing[0] + 1} never came in {KEPT_TIMES} batches "
            f"of {KEPT_DRAWN}.",
            why="Everything stored can be drawn.",
            code=wrong_draws.uniform_code(seen, 9),
        )


def _require_free_generators(draws: Draws) -> None:
    """After `sample`, the global generators depend on what they were seeded with before it."""
    stored = distinct_transitions(9, draws.part.rng("generators"))

    def draws_after(seed: int) -> list[float]:
        result = draws.play(
            20, [Push(transitions=encode(stored)), Sample(batch_size=4, reseed=seed)]
        )[0]
        assert isinstance(result, Sampled)
        return result.draws

    name = reseeded(draws_after)
    if name is not None:
        raise Failure(
            f"`sample` re-seeds the global generator of {name}.",
            why="Whoever calls it would draw the same 'random' numbers after every batch.",
        )


EXAMPLES = 14
MAX_CAPACITY, MAX_PUSHES, EVICTION_TIMES = 6, 3, 50


def check_eviction(draws: Draws) -> None:
    """After eviction, exactly the newest transitions can be drawn.

    50 draws of half of what is stored, looked at 1 + 14 · 3 times. One of 6 rows stays away with
    probability 6 · 2^-50 at most, with replacement 6 · (5/6)^150, and one of fewer rows with less.
    As many draws of 3 of 6 alike are looked at twice more. Together: 45 · 6 · (5/6)^150 < 3.7e-10.
    Power: a row that cannot be drawn, wherever the storage begins, always fails. One row too many,
    a sixth after 13 pushes with capacity 5, is found with 1 − (5/6)^150 > 1 − 1e-11.
    """

    def judge(case: tuple[int, list[int]]) -> None:
        capacity, pushes = case
        _judge_eviction(draws, capacity, pushes)

    judge((5, [13]))
    _require_alike_kept(draws)
    pushes = st.lists(st.integers(1, 8), min_size=1, max_size=MAX_PUSHES)
    strategy = st.tuples(st.integers(1, MAX_CAPACITY), pushes)
    explore(strategy, judge, seeded=draws.part.seed(), examples=EXAMPLES, recall=draws.part.recall)


def _judge_eviction(draws: Draws, capacity: int, pushes: list[int]) -> None:
    """Play pushes and draws beside a list as the model."""
    everything = distinct_transitions(sum(pushes), draws.part.rng("eviction"))
    operations: list[Push | Sample | Length] = []
    model: list[list[int]] = []
    pushed = 0
    for count in pushes:
        chunk = everything.rows(slice(pushed, pushed + count))
        pushed += count
        kept = list(range(max(0, pushed - capacity), pushed))
        model.append(kept)
        half = (len(kept) + 1) // 2
        operations += [
            Push(transitions=encode(chunk)),
            Sample(batch_size=half, times=EVICTION_TIMES),
            Sample(batch_size=len(kept)),
            Length(),
        ]
    played = draws.play(capacity, operations)
    results = [r for r in played if isinstance(r, Sampled)]
    counts = [r.length for r in played if isinstance(r, Counted)]
    done = 0
    for count, kept, many, whole in zip(pushes, model, results[::2], results[1::2], strict=True):
        done += count
        for sampled, rows in ((many, (len(kept) + 1) // 2), (whole, len(kept))):
            seen = wrong_draws.rows_of(everything, sampled, rows)
            told = f"With capacity {capacity} and {done} transitions pushed"
            if seen is None:
                raise Failure(f"{told}, `sample({rows})` gave something that was never pushed.")
            gone = sorted(set(seen.ravel().tolist()) - set(kept))
            if gone:
                raise Failure(
                    f"{told}, `sample({rows})` gave number {gone[0] + 1}, which is no longer (or "
                    f"not yet) stored: that is {kept[0] + 1} to {kept[-1] + 1}.",
                    why="The oldest transitions go first; everything else stays.",
                    code=_eviction_code(draws, everything.rows(slice(0, done)), capacity),
                    reproduce=wrong_draws.eviction_snippet(capacity, done, rows),
                )
        seen = wrong_draws.rows_of(everything, many, (len(kept) + 1) // 2)
        missing = sorted(set(kept) - set(np.unique(seen).tolist())) if seen is not None else []
        if missing:
            raise Failure(
                f"With capacity {capacity} and {done} transitions pushed, number {missing[0] + 1} "
                f"of {kept[0] + 1} to {kept[-1] + 1} never came in {EVICTION_TIMES} draws.",
                why="Everything stored can be drawn, wherever the storage begins.",
                code=_end_code(draws, everything.rows(slice(0, done)), capacity, missing),
                reproduce=wrong_draws.eviction_snippet(capacity, done, (len(kept) + 1) // 2),
            )

    _require_counts(capacity, pushes, counts)


def _end_code(draws: Draws, pushed: Batch, capacity: int, missing: list[int]) -> str | None:
    """The misconception behind a row that never came, looked for in many more draws."""
    kept = min(len(pushed), capacity)
    rows = wrong_draws.rows_of(pushed, draws.draw(pushed, kept // 2, 600, capacity), kept // 2)
    if kept < 4 or rows is None:
        return None
    ends = {len(pushed) - kept, len(pushed) - 1}
    return "SAMPLE_EXCLUDES_END" if set(missing) <= ends - set(np.unique(rows).tolist()) else None


def _eviction_code(draws: Draws, pushed: Batch, capacity: int) -> str | None:
    """The capacity is to blame where pushing alone leaves the wrong transitions; otherwise it is
    sampling that disturbs their order."""
    seen = wrong_draws.rows_of(pushed, draws.draw(pushed, 1, 200, capacity), 1)
    wrong = seen is not None and int(seen.min()) < len(pushed) - capacity
    return "GIVEN_CAPACITY_IGNORED" if wrong else None


def _require_counts(capacity: int, pushes: list[int], counts: list[int]) -> None:
    """`Failure` unless `len` followed what can be drawn."""
    for done, count in zip(itertools.accumulate(pushes), counts, strict=True):
        if count != min(done, capacity):
            raise Failure(
                f"With capacity {capacity} and {done} transitions pushed, `len(buffer)` is "
                f"{count}, expected {min(done, capacity)}.",
                why="Whoever calls `sample` asks `len` first how much is stored.",
                code="GIVEN_LEN_CHANGED",
            )


def _sure_code(draws: Draws, rows: Indices) -> str | None:
    """The misconception behind draws that are not uniform. Among few transitions, what depends on
    their contents may look like one that depends on their age: then more of them must agree."""
    code = wrong_draws.uniform_code(rows, STORED)
    if code not in ("SAMPLE_DETERMINISTIC", "SAMPLE_LATEST_ONLY"):
        return code
    stored = distinct_transitions(FRESH_STORED, draws.part.rng("more"))
    more = draws.identified(stored, FRESH_DRAWN, FRESH_TIMES).rows
    if more is None:
        return None
    same = wrong_draws.uniform_code(more, FRESH_STORED) == code
    recent = code == "SAMPLE_LATEST_ONLY" and int(more.min()) >= FRESH_STORED // 2
    return code if same or recent else None


def _require_independent_calls(rows: Indices, replaced: bool) -> None:
    """Two calls in a row share rows as often as independent draws do.

    Drawing with replacement is left to `check_fresh`.
    """
    if replaced:
        return
    pairs = [(set(a), set(b)) for a, b in zip(rows[::2].tolist(), rows[1::2].tolist(), strict=True)]
    apart = sum(not (a & b) for a, b in pairs)
    # Disjoint with probability C(4, 3) / C(7, 3).
    low, high = count_bounds(len(pairs), 4 / 35, CELLS)
    if not low <= apart <= high:
        raise Failure(
            f"Of {len(pairs)} times two calls in a row, {apart} had no transition in common; "
            f"expected {low} to {high}.",
            why="Each call draws from everything stored, whatever the call before has drawn.",
        )


def _require_alike_kept(draws: Draws) -> None:
    """Transitions that are alike in some fields are stored one by one: those of CartPole have the
    same reward throughout, and a state may come twice."""
    plain = distinct_transitions(6, draws.part.rng("alike"))
    same_reward = replace(
        plain, actions=np.zeros(6, np.int64), rewards=np.ones(6), dones=np.zeros(6)
    )
    same_state = replace(plain, states=np.repeat(plain.states[:1], 6, axis=0))
    for stored, name, told in (
        (same_reward, "states", "action, reward and done"),
        (same_state, "next_states", "state"),
    ):
        seen = identify(stored, draws.fields(stored, 3, EVICTION_TIMES)).by_field[name]
        if seen is None or len(np.unique(seen)) == 6:
            continue
        stays = draws.counts(20, stored)[1] == 6
        raise Failure(
            f"6 transitions with the same {told} were pushed, and only {len(np.unique(seen))} of "
            "them are ever drawn.",
            why="Everything pushed is stored, also what looks like the transition before.",
            code=None if stays else "GIVEN_PUSH_CHANGED",
        )

"""What the random checks promise: at most 1e-9 for correct code, and their power, in exact counts.

The sums here are of whole numbers (`math.comb`, `Fraction`), those of `grader.checks.chance` of
floats. "Either way" means drawing without and with replacement, since both earn the points.
"""

import itertools
import math
import random
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from grader.checks import chance, check_given, check_sample_draws
from grader.checks.agents import Agents
from grader.checks.chance import FALSE_FAILURE, count_bounds, reseeded
from grader.checks.draws import Draws, distinct_transitions
from grader.checks.feedback import Failure
from grader.checks.part import Part, Siblings
from grader.checks.shapes import PROBE
from grader.keys import PUBLIC_KEY
from grader.oracle.models import LinearSquares
from grader.protocol.arrays import from_numpy, to_numpy
from grader.protocol.messages import (
    AgentState,
    AgentTrace,
    Counted,
    Length,
    Push,
    Sample,
    Sampled,
    Selected,
    Value,
)

ALMOST = 1 - Fraction(1, 10**9)


def outside(trials, p, bounds):
    """P(a count of `trials` with probability `p` lies outside the bounds), exactly."""
    (low, high), p = bounds, Fraction(p)
    if p in (0, 1):
        return Fraction(not low <= p * trials <= high)
    hit, miss, total = p.numerator, p.denominator - p.numerator, 0
    term = math.comb(trials, low) * hit**low * miss ** (trials - low)
    for k in range(low, high + 1):
        total += term
        term = term * (trials - k) * hit // ((k + 1) * miss)
    return 1 - Fraction(total, p.denominator**trials)


def point(trials, p, k):
    return math.comb(trials, k) * p**k * (1 - p) ** (trials - k)


# --- uniformity ---

STORED, DRAWN, TIMES, CELLS = (
    check_sample_draws.STORED,
    check_sample_draws.DRAWN,
    check_sample_draws.TIMES,
    check_sample_draws.CELLS,
)
ROWS = range(STORED)
SETS = list(itertools.combinations(ROWS, DRAWN))
ROW, SET = Fraction(DRAWN, STORED), Fraction(1, len(SETS))
APART = Fraction(math.comb(STORED - DRAWN, DRAWN), len(SETS))
REPEATED = 1 - Fraction(math.perm(STORED, DRAWN), STORED**DRAWN)


def bounds(trials, p):
    return count_bounds(trials, float(p), CELLS)


def counts_outside(single):
    """P(a row or a set among so many draws without repetition comes too often or too seldom)."""
    rows = STORED * outside(single, ROW, bounds(single, ROW))
    return rows + len(SETS) * outside(single, SET, bounds(single, SET))


def admitted():
    """The numbers of draws without repetition that drawing with replacement may have."""
    low, high = bounds(TIMES, REPEATED)
    return range(TIMES - high, TIMES - low + 1)


def uniform_false_failure():
    """Without replacement, with replacement."""
    pairs = TIMES // 2
    without = counts_outside(TIMES) + outside(pairs, APART, bounds(pairs, APART))
    repeated = outside(TIMES, REPEATED, bounds(TIMES, REPEATED))
    return without, repeated + max(map(counts_outside, admitted()))


def test_uniform_rarely_fails_correct_code():
    without, with_replacement = uniform_false_failure()
    assert without < 2.7e-10
    assert with_replacement < 4.9e-10
    compared = len(SETS) + STORED + 1
    assert compared / CELLS * FALSE_FAILURE < 4.9e-10 <= FALSE_FAILURE


@pytest.mark.parametrize(("p", "every"), [(ROW, 7), (SET, 1)])
def test_uniform_bounds_are_tight_for_any_number_of_draws(p, every):
    """The share of a side is kept, and one count further in it would not be."""
    share = Fraction(FALSE_FAILURE) / (2 * CELLS)
    for trials in [*admitted()[::every], TIMES]:
        low, high = bounds(trials, p)
        below = sum(point(trials, p, k) for k in range(low))
        within = 1 - outside(trials, p, (low, high))
        above = 1 - below - within
        assert max(below, above) <= share
        assert min(below + point(trials, p, low), above + point(trials, p, high)) > share


def test_rounding_is_a_small_part_of_the_promise():
    for trials, p, k in itertools.product((1, 40, 789, TIMES), (ROW, SET, APART), (0, 1, 30, 400)):
        exact = point(trials, p, k) if k <= trials else 0
        if exact > 1e-200:
            assert chance._probability(k, trials, float(p)) == pytest.approx(exact, rel=1e-10)


def weighted(weights):
    """The probabilities of the sets when rows are drawn one by one with these weights."""
    weights = [Fraction(weight) for weight in weights]
    found = dict.fromkeys(SETS, Fraction(0))
    for rows in itertools.permutations(ROWS, DRAWN):
        p, left = Fraction(1), sum(weights)
        for row in rows:
            p *= weights[row] / left
            left -= weights[row]
        found[tuple(sorted(rows))] += p
    # To nine digits, with which the sums below are quick.
    return {rows: Fraction(round(p * 10**9), 10**9) for rows, p in found.items()}


def only(wanted, share=1):
    """So much of the probability on the wanted sets, the rest on all of them."""
    chosen = [s for s in SETS if wanted(s)]
    rest = (1 - Fraction(share)) * SET
    return {s: rest + (Fraction(share) / len(chosen) if s in chosen else 0) for s in SETS}


def times(factor, wanted):
    """A row's or a set's probability multiplied, at the cost of all others."""
    before = sum(SET for s in SETS if wanted(s))
    others = (1 - before * factor) / (1 - before)
    return {s: SET * (factor if wanted(s) else others) for s in SETS}


def uniform_power(sets):
    """At least so probable is it that one of the counts gives these draws away."""
    found = [outside(TIMES, p, bounds(TIMES, SET)) for p in sets.values()]
    for row in ROWS:
        p = sum(p for s, p in sets.items() if row in s)
        found.append(outside(TIMES, p, bounds(TIMES, ROW)))
    return max(found)


REWARDS = distinct_transitions(STORED, np.random.default_rng(0)).rewards
UNEQUAL = {
    "the newest left out": (only(lambda s: STORED - 1 not in s), 1),
    "the oldest left out": (only(lambda s: 0 not in s), 1),
    "a slice": (only(lambda s: s[-1] - s[0] == DRAWN - 1), 1),
    "a slice, counted round": (
        only(lambda s: any(set(s) == {(i + k) % STORED for k in range(DRAWN)} for i in ROWS)),
        1,
    ),
    "the latest": (only(lambda s: s == SETS[-1]), 1),
    "never a slice": (only(lambda s: s[-1] - s[0] > DRAWN - 1), 1),
    "80 % from the newest four": (only(lambda s: s[0] >= STORED - 4, Fraction(4, 5)), ALMOST),
    "linear weights": (weighted([i + 1 for i in ROWS]), ALMOST),
    "|reward| as weight": (weighted(np.abs(REWARDS).tolist()), ALMOST),
    "a row 30 % too often": (times(Fraction(13, 10), lambda s: 0 in s), 0.999),
    "a row 30 % too seldom": (times(Fraction(7, 10), lambda s: 0 in s), 0.999),
    "a row 20 % too often": (times(Fraction(12, 10), lambda s: 0 in s), 0.43),
    "a set three times as often": (times(3, lambda s: s == SETS[0]), 0.999),
}


@pytest.mark.parametrize(("sets", "stated"), UNEQUAL.values(), ids=UNEQUAL)
def test_power_of_uniform(sets, stated):
    assert float(sum(sets.values())) == pytest.approx(1, abs=1e-7)
    assert uniform_power(sets) >= stated


@pytest.mark.parametrize(("disjoint", "told"), [(0, "repeat"), (TIMES // 2, "avoid")])
def test_power_of_uniform_against_calls_that_know_of_each_other(disjoint, told):
    low, high = bounds(TIMES // 2, APART)
    assert not low <= disjoint <= high, told


WEIGHTS = {
    "the newest left out": ([1] * (STORED - 1) + [0], STORED - 1, 1),
    "linear weights": ([i + 1 for i in ROWS], 0, ALMOST),
    "one row repeated": ([1] + [0] * (STORED - 1), 0, 1),
}


@pytest.mark.parametrize(("weights", "row", "stated"), WEIGHTS.values(), ids=WEIGHTS)
def test_power_of_uniform_with_replacement(weights, row, stated):
    """By how many draws repeat a row, and by the count of `row` among the others."""
    products = {rows: math.prod(weights[i] for i in rows) for rows in SETS}
    orders = math.factorial(DRAWN)
    single = Fraction(orders * sum(products.values()), sum(weights) ** DRAWN)
    held = sum(p for rows, p in products.items() if row in rows)
    unseen = Fraction(0)
    for n in admitted():
        p = Fraction(orders * held, sum(weights) ** DRAWN) / single if single else Fraction(0)
        inside = 1 - outside(n, p, bounds(n, ROW))
        if inside:
            unseen += point(TIMES, single, n) * inside
    assert 1 - unseen >= stated


# --- freshness ---


def same_multiset(stored, drawn):
    """P(two draws with replacement hold the same rows): the sum of (drawn! / Π mᵢ!)² over all
    multisets, divided by stored^(2 · drawn); the sum is a coefficient of (Σ xᵐ / m!²)^stored."""
    one = [Fraction(1, math.factorial(m) ** 2) for m in range(drawn + 1)]
    power = [Fraction(1)] + [Fraction(0)] * drawn
    for _ in range(stored):
        power = [sum(power[i] * one[m - i] for i in range(m + 1)) for m in range(drawn + 1)]
    return math.factorial(drawn) ** 2 * power[drawn] / stored ** (2 * drawn)


def test_coefficients_count_multisets():
    draws = list(itertools.product(range(4), repeat=3))
    same = sum(sorted(a) == sorted(b) for a, b in itertools.product(draws, repeat=2))
    assert same_multiset(4, 3) == Fraction(same, len(draws) ** 2)


def test_fresh_rarely_fails_correct_code():
    stored, drawn = check_sample_draws.FRESH_STORED, check_sample_draws.FRESH_DRAWN
    pairs = math.comb(check_sample_draws.FRESH_TIMES, 2)
    without, with_replacement = Fraction(1, math.comb(stored, drawn)), same_multiset(stored, drawn)
    assert without < 6e-14
    assert with_replacement <= Fraction(math.factorial(drawn), stored**drawn) < without
    assert pairs * without < 9e-13 <= FALSE_FAILURE


def test_power_of_fresh():
    calls = check_sample_draws.FRESH_TIMES
    assert calls > 5  # a cycle of five comes round, and every second call is among them
    assert 1 - Fraction(1, 2) ** (calls - 1) > 0.96


# --- nothing is left out, before and after eviction ---


def missing(stored, drawn, calls):
    """P(a row never comes): without replacement, with replacement; by the union over rows."""
    without = stored * (1 - Fraction(drawn, stored)) ** calls
    return without, stored * (1 - Fraction(1, stored)) ** (drawn * calls)


RESEEDED = Fraction(1, 2**48) + 2 * Fraction(1, 2**106)


def test_not_consumed_rarely_fails_correct_code():
    without, with_replacement = missing(
        9, check_sample_draws.KEPT_DRAWN, check_sample_draws.KEPT_TIMES
    )
    assert without < 1e-20
    assert with_replacement < 4e-18
    assert RESEEDED + with_replacement < 4e-15 <= FALSE_FAILURE


def test_eviction_rarely_fails_correct_code():
    # One case and those explored, with up to three looks each, and two at transitions alike.
    looks = 3 + check_sample_draws.EXAMPLES * check_sample_draws.MAX_PUSHES
    kept = range(1, check_sample_draws.MAX_CAPACITY + 1)
    each = [missing(k, (k + 1) // 2, check_sample_draws.EVICTION_TIMES) for k in kept]
    assert max(each)[0] == 6 * Fraction(1, 2) ** 50
    worst = max(with_replacement for _without, with_replacement in each)
    assert worst == 6 * Fraction(5, 6) ** 150
    assert looks * worst < 3.7e-10 <= FALSE_FAILURE
    # Forty draws were too few: they failed correct code with replacement too often.
    assert looks * missing(6, 3, 40)[1] > FALSE_FAILURE


def test_power_of_eviction():
    """Of one row too many, 6 in place of 5, half of 5 are drawn."""
    unseen = max(p / 6 for p in missing(6, 3, check_sample_draws.EVICTION_TIMES))
    assert unseen == Fraction(5, 6) ** 150 < 1e-11


def test_values_rarely_take_correct_dones_for_a_constant():
    drawn = 0
    for stored, rows in ((12, 6 * 30), (150, 64 * 2)):
        terminal = Fraction(int(distinct_transitions(stored, np.random.default_rng(0)).dones.sum()))
        assert terminal == Fraction(stored, 3)
        # With replacement; without it, fewer batches hold one kind only.
        drawn += (1 - terminal / stored) ** rows + (terminal / stored) ** rows
    assert drawn < 1e-22 <= FALSE_FAILURE


# --- generators ---


def test_generators_that_agree_by_chance_are_asked_again():
    seen = {101: [0.1, 0.2, 0.5], 202: [0.3, 0.4, 0.5], 303: [0.1, 0.4, 0.6]}
    assert reseeded(seen.__getitem__) is None


@pytest.mark.parametrize("name", chance.GENERATORS)
def test_seeded_generators_are_named(name):
    def draws_after(seed):
        return [0.5 if name == other else seed + 0.5 for other in chance.GENERATORS]

    assert reseeded(draws_after) == name


def test_a_third_seed_is_seldom_tried():
    asked = []

    def draws_after(seed):
        asked.append(seed)
        return [seed / 1000] * 3

    assert reseeded(draws_after) is None
    assert asked == [101, 202]


def test_the_two_seeds_lead_to_different_numbers():
    """What draws as many numbers after both seeds, or none, is never taken for a seeding."""
    streams = []
    for seed in (101, 202):
        plain, legacy = random.Random(seed), np.random.RandomState(seed)
        own = torch.Generator().manual_seed(seed)
        streams.append(
            (
                np.array([plain.random() for _ in range(100_000)]),
                legacy.random_sample(100_000),
                torch.rand(100_000, generator=own).numpy(),
            )
        )
    for one, two in zip(*streams, strict=True):
        assert (one != two).all()


# --- ε-greedy ---

CALLS = check_given.CALLS
EPSILONS = (0.0, 1.0, 0.3)
#: So many of the states have one clearly best action; the others are not counted as greedy.
CLEAR = (CALLS - 10, CALLS)


def greedy_bounds(clear, epsilon):
    return count_bounds(clear, 1 - epsilon * 2 / 3, check_given.CELLS)


def greedy(epsilon):
    """The probability of the greedy action."""
    return 1 - Fraction(str(epsilon)) * Fraction(2, 3)


@pytest.mark.parametrize("clear", [*CLEAR, CALLS // 2, 1])
def test_select_action_rarely_fails_correct_code(clear):
    total = sum(outside(clear, greedy(e), greedy_bounds(clear, e)) for e in EPSILONS)
    third = Fraction(1, 3)
    total += 3 * outside(CALLS, third, count_bounds(CALLS, 1 / 3, check_given.CELLS))
    assert total <= 5 * Fraction(FALSE_FAILURE) / check_given.CELLS < 8.4e-10 <= FALSE_FAILURE


#: What plays the part of ε, by ε, and the power.
OTHER_EPSILON = {
    "never random": (lambda e: 0, 1),
    "inverted": (lambda e: 1 - e, ALMOST),
    "halved": (lambda e: e / 2, ALMOST),
    "squared": (lambda e: e**2, ALMOST),
    "never below 0.05": (lambda e: max(e, Fraction(1, 20)), ALMOST),
    "0.14 for 0.3": (lambda e: e if e in (0, 1) else Fraction(14, 100), 0.99),
    "0.5 for 0.3": (lambda e: e if e in (0, 1) else Fraction(1, 2), 0.99),
    "0.2 for 0.3": (lambda e: e if e in (0, 1) else Fraction(1, 5), 0.05),
    "0.4 for 0.3": (lambda e: e if e in (0, 1) else Fraction(2, 5), 0.05),
}


@pytest.mark.parametrize("clear", CLEAR)
@pytest.mark.parametrize(("other", "stated"), OTHER_EPSILON.values(), ids=OTHER_EPSILON)
def test_power_of_select_action_against_another_epsilon(other, stated, clear):
    found = [
        outside(clear, greedy(other(Fraction(str(e)))), greedy_bounds(clear, e)) for e in EPSILONS
    ]
    assert max(found) >= stated


@pytest.mark.parametrize(
    ("share", "stated"),
    [(Fraction(0), 1), (Fraction(1, 5), 0.99), (Fraction(1, 2), 0.99)],
    ids=["an action never", "a fifth", "half"],
)
def test_power_of_select_action_against_a_biased_random_branch(share, stated):
    action = outside(CALLS, share, count_bounds(CALLS, 1 / 3, check_given.CELLS))
    assert action >= stated


@pytest.mark.parametrize("clear", CLEAR)
def test_power_of_select_action_against_a_random_branch_without_the_greedy_one(clear):
    assert greedy_bounds(clear, 1.0)[0] > 0


# --- initial weights ---


def test_initial_weights_rarely_fail_correct_code():
    first, second, last = [math.prod(s) for s in PROBE.expected_shapes() if len(s) == 2]
    assert (first, second, first + second + last) == (35, 49, 105)
    # Σ pᵥⁿ ≤ (max pᵥ)ⁿ⁻¹ for n equal values, and Σ pᵥ² ≤ max pᵥ for each pair of networks' entries.
    likeliest = Fraction(1, 2)
    alike = likeliest ** (first - 1) + likeliest ** (second - 1)
    assert alike + likeliest ** (first + second + last) < 6e-11 <= FALSE_FAILURE


# --- the checks themselves, on draws made here ---


def nowhere():
    """A part of a submission that nobody asks: answers come from the view on it."""
    return Part(SimpleNamespace(fresh=lambda: None), "replay_buffer", True, PUBLIC_KEY, Siblings())


class Played(Draws):
    """Scenarios played on arrays; `pick(rng, stored, batch_size, times)` gives the rows drawn."""

    def __init__(self, pick, seed):
        super().__init__(nowhere())
        self.pick = pick
        self.rng = np.random.default_rng(seed)
        self.looks = 0

    def play(self, capacity, operations):
        kept, results = None, []
        for operation in operations:
            match operation:
                case Push(transitions=t):
                    new = (t.states, t.actions, t.rewards, t.next_states, t.dones)
                    new = [to_numpy(array) for array in new]
                    pairs = zip(kept, new, strict=True) if kept else ()
                    kept = [np.concatenate(pair) for pair in pairs] or new
                    kept = [field[-capacity:] for field in kept]
                case Length():
                    results.append(Counted(length=len(kept[0])))
                case Sample():
                    results.append(self.sample(kept, operation))
        return results

    def sample(self, kept, operation):
        self.looks += operation.times == check_sample_draws.EVICTION_TIMES
        rows = self.pick(self.rng, len(kept[0]), operation.batch_size, operation.times)
        return Sampled(
            first=Value(type="tuple", text=""),
            stacked=[from_numpy(field[rows]) for field in kept],
            first_changed=False,
            draws=self.rng.random(3).tolist(),
            warnings=[],
        )


def without(rng, stored, size, calls):
    return rng.random((calls, stored)).argsort(axis=1)[:, :size]


def with_replacement(rng, stored, size, calls):
    return rng.integers(0, stored, (calls, size))


def newest_left_out(rng, stored, size, calls):
    return without(rng, stored - (size < stored), size, calls)


def slices(rng, stored, size, calls):
    return rng.integers(0, stored - size + 1, (calls, 1)) + np.arange(size)


def linear(rng, stored, size, calls):
    """Exponential clocks with rates 1, 2, …: the first to ring are drawn."""
    return (rng.exponential(size=(calls, stored)) / np.arange(1, stored + 1)).argsort()[:, :size]


def linear_with_replacement(rng, stored, size, calls):
    weights = np.arange(1, stored + 1)
    return rng.choice(stored, (calls, size), p=weights / weights.sum())


def mostly_newest(rng, stored, size, calls):
    rows, newest = without(rng, stored, size, calls), without(rng, 4, size, calls) + stored - 4
    return np.where(rng.random((calls, 1)) < 0.8, newest, rows)


def every_second_repeated(rng, stored, size, calls):
    return without(rng, stored, size, calls).repeat(2, axis=0)[:calls]


def every_other_second_repeated(rng, stored, size, calls):
    return every_second_repeated(rng, stored, size, calls + 1)[1:]


def cycle_of_five(rng, stored, size, calls):
    return without(rng, stored, size, 5)[np.arange(calls) % 5]


def never_twice_in_a_row(rng, stored, size, calls):
    """Two calls share an order and take its two ends, as far as they do not meet."""
    order = without(rng, stored, stored, calls).repeat(2, axis=0)[:calls]
    return np.where(np.arange(calls)[:, None] % 2, order[:, :size], order[:, stored - size :])


def one_row(rng, stored, size, calls):
    return rng.integers(0, stored, (calls, 1)).repeat(size, axis=1)


WAYS = (without, with_replacement)
#: What is said, and the draws of which it is said.
BY_CHECK = {
    "uniform": (
        "expected|twice",
        newest_left_out,
        slices,
        linear,
        linear_with_replacement,
        mostly_newest,
        every_second_repeated,
        never_twice_in_a_row,
        one_row,
    ),
    "fresh": (
        "very same rows",
        every_second_repeated,
        every_other_second_repeated,
        cycle_of_five,
    ),
    "not_consumed": ("never came in", newest_left_out),
    "eviction": ("never came in", newest_left_out),
}


@pytest.mark.parametrize(
    ("check", "told", "pick"),
    [(check, told, pick) for check, (told, *picks) in BY_CHECK.items() for pick in picks],
)
def test_wrong_draws_fail(check, told, pick, checks):
    for seed in range(3):
        with pytest.raises(Failure, match=told):
            checks[f"sample.{check}"](Played(pick, seed))


@pytest.mark.parametrize(
    ("check", "runs"), [("uniform", 20), ("fresh", 200), ("not_consumed", 50), ("eviction", 5)]
)
@pytest.mark.parametrize("pick", WAYS)
def test_correct_draws_pass(check, runs, pick, checks):
    for seed in range(runs):
        checks[f"sample.{check}"](Played(pick, seed))


@pytest.mark.parametrize("pick", WAYS)
def test_eviction_looks_no_more_often_than_was_counted(pick, checks):
    draws = Played(pick, 0)
    checks["sample.eviction"](draws)
    assert 0 < draws.looks <= 3 + check_sample_draws.EXAMPLES * check_sample_draws.MAX_PUSHES


def failing(check, views):
    """How many of the views fail a check."""
    failed = 0
    for view in views:
        try:
            check(view)
        except Failure:
            failed += 1
    return failed


def as_often_as(runs, probability):
    """So many of the runs, and at most 1e-9 more, may fail."""
    return range(1, count_bounds(runs, float(probability), 1)[1] + 1)


@pytest.mark.parametrize("way", [0, 1], ids=["without", "with_replacement"])
def test_a_promise_of_a_half_is_kept_too(way, checks, monkeypatch):
    """With 1/2 in place of 1e-9, failures can be counted: the check as such keeps its promise."""
    monkeypatch.setattr(chance, "FALSE_FAILURE", 0.5)
    views = (Played(WAYS[way], seed) for seed in range(60))
    probability = uniform_false_failure()[way]
    assert probability <= 0.25
    assert failing(checks["sample.uniform"], views) in as_often_as(60, probability)


class Acting(Agents):
    """Actions chosen here; `choose(rng, best, epsilon)` gives them from the greedy ones."""

    def __init__(self, choose, seed):
        super().__init__(nowhere())
        self.choose = choose
        self.rng = np.random.default_rng(seed)

    def ask(self, request):
        (select,) = request.operations
        weights = [to_numpy(array).astype(np.float64) for array in request.q_weights]
        best = LinearSquares().forward(weights, to_numpy(select.states)).argmax(axis=1)
        actions = self.choose(self.rng, best, select.epsilon).tolist()
        state = AgentState(
            q_weights=request.q_weights,
            target_weights=request.target_weights,
            same_object=False,
            shared_storage=False,
            gamma=request.gamma,
            lr=request.lr,
            target_training=False,
            optimizer_owns_target=False,
            q_trainable=True,
            buffer_intact=True,
        )
        selected = Selected(actions=actions, first=Value(type="int", text=str(actions[0])))
        return AgentTrace(initial=state, results=[selected], raised=None)


def epsilon_greedy(rng, best, epsilon):
    drawn = rng.integers(0, 3, len(best))
    return np.where(rng.random(len(best)) < epsilon, drawn, best)


def exploring_without_greedy(rng, best, epsilon):
    drawn = (best + rng.integers(1, 3, len(best))) % 3
    return np.where(rng.random(len(best)) < epsilon, drawn, best)


def exploring_without_0(rng, best, epsilon):
    drawn = rng.integers(1, 3, len(best))
    return np.where(rng.random(len(best)) < epsilon, drawn, best)


WRONG_CHOICES = {
    "inverted": lambda rng, best, e: epsilon_greedy(rng, best, 1 - e),
    "halved": lambda rng, best, e: epsilon_greedy(rng, best, e / 2),
    "never random": lambda rng, best, e: best,
    "always random": lambda rng, best, e: epsilon_greedy(rng, best, 1),
    "never below 0.05": lambda rng, best, e: epsilon_greedy(rng, best, max(e, 0.05)),
    "without the greedy one": exploring_without_greedy,
    "without action 0": exploring_without_0,
}


@pytest.mark.parametrize("choose", WRONG_CHOICES.values(), ids=WRONG_CHOICES)
def test_wrong_choices_fail(choose, checks):
    for seed in range(3):
        with pytest.raises(Failure):
            checks["update.given_select_action"](Acting(choose, seed))


def test_correct_choices_pass(checks):
    for seed in range(50):
        checks["update.given_select_action"](Acting(epsilon_greedy, seed))


def test_a_promise_of_a_half_is_kept_by_choices_too(checks, monkeypatch):
    monkeypatch.setattr(chance, "FALSE_FAILURE", 0.5)
    views = (Acting(epsilon_greedy, seed) for seed in range(100))
    failed = failing(checks["update.given_select_action"], views)
    assert failed in as_often_as(100, Fraction(5, 12))

"""Recorded traces of the solution pass; with one thing changed in them, the right check fails."""

import msgspec
import numpy as np
import pytest

from grader.checks import diagnosis
from grader.checks.feedback import Failure
from grader.checks.updates import Updates
from grader.protocol.arrays import from_numpy, to_numpy
from grader.protocol.messages import Sampled, Updated

change = msgspec.structs.replace


@pytest.fixture(autouse=True)
def no_search(monkeypatch):
    """What is changed here is no misconception: thousands of pairs need not be tried. And a search
    for a counterexample asks what was not recorded."""
    monkeypatch.setattr(diagnosis, "pairs", lambda: iter(()))
    monkeypatch.setattr(Updates, "_search", lambda self: [])


def failures(checks, names):
    """Codes of the checks that fail, each asked for itself."""
    found = {}
    for name in names:
        checks.outcomes.clear()
        outcome = checks.run(f"{checks.name}.{name}")
        assert outcome is None or isinstance(outcome, Failure)
        if outcome is not None:
            found[name] = outcome.code
    return found


CHECKS = {
    "q_network": ("initial_weights", "output_layer", "rows_independent", "gradients"),
    "sample": ("returns_batch", "shapes", "dtypes", "values", "alignment", "not_consumed"),
    "update": (
        "learns",
        "small_buffer",
        "td_target",
        "terminal",
        "clipping",
        "one_step",
        "one_batch",
        "returned_loss",
        "target_untouched",
    ),
    "update_target": ("copies", "q_net_kept", "independent", "repeated"),
}


@pytest.mark.parametrize(
    ("part", "check"), [(part, check) for part, checks in CHECKS.items() for check in checks]
)
def test_the_solutions_traces_pass(part, check, replay_worker, runner):
    assert runner(replay_worker(part), part).run(f"{part}.{check}") is None


# --- ways to change a trace ---


def edited(array, edit):
    """An array after `edit` has changed its values in place."""
    values = to_numpy(array).copy()
    edit(values)
    return from_numpy(values)


def add(amount, entry=0):
    def edit(values):
        values.reshape(-1)[entry] += amount

    return edit


def put(value, entry=0):
    def edit(values):
        values.reshape(-1)[entry] = value

    return edit


def first_of(arrays, edit):
    return [edited(arrays[0], edit), *arrays[1:]]


def each(kind, touch):
    """Change every result of this kind."""

    def tamper(trace):
        results = [touch(r) if isinstance(r, kind) else r for r in trace.results]
        return change(trace, results=results)

    return tamper


def updated(**touch):
    return each(Updated, lambda r: change(r, **{n: f(getattr(r, n)) for n, f in touch.items()}))


def state(**touch):
    return updated(state=lambda s: change(s, **{n: f(getattr(s, n)) for n, f in touch.items()}))


def returned(**changes):
    return updated(
        returned=lambda v: change(
            v, **{n: (c(getattr(v, n)) if callable(c) else c) for n, c in changes.items()}
        )
    )


def gradients(edit):
    return updated(gradients=lambda g: None if g is None else first_of(g, edit))


UPDATE = {
    "loss": (returned(number=lambda n: n * 1.001), {"returned_loss"}),
    "loss within tolerance": (returned(number=lambda n: n * 1.00002), set()),
    "loss NaN": (returned(number=float("nan")), {"small_buffer", "returned_loss"}),
    "loss None": (
        returned(type="NoneType", text="None", number=None),
        {"small_buffer", "returned_loss"},
    ),
    "loss with graph": (
        returned(type="Tensor", text="Tensor", holds_graph=True),
        {"returned_loss"},
    ),
    "gradient": (
        gradients(lambda g: np.multiply(g, 1.01, out=g)),
        {"td_target", "terminal", "clipping"},
    ),
    "gradient rounded": (gradients(lambda g: np.multiply(g, 1 + 1e-6, out=g)), set()),
    "gradient NaN": (
        gradients(put(np.nan)),
        {"td_target", "terminal", "clipping", "one_step"},
    ),
    "no gradients": (
        updated(gradients=lambda g: None),
        {"td_target", "terminal", "clipping", "one_step"},
    ),
    "weight": (
        state(q_weights=lambda w: first_of(w, add(0.02))),
        {"small_buffer", "one_step"},
    ),
    "weight NaN": (
        state(q_weights=lambda w: first_of(w, put(np.nan))),
        {"learns", "small_buffer", "one_step"},
    ),
    "weights float64": (
        state(q_weights=lambda w: [from_numpy(to_numpy(a).astype(np.float64)) for a in w]),
        set(),
    ),
    "target weight": (
        state(target_weights=lambda w: first_of(w, add(1e-3))),
        {"target_untouched"},
    ),
    "target weight NaN": (
        state(target_weights=lambda w: first_of(w, put(np.nan))),
        {"target_untouched"},
    ),
    "gamma": (state(gamma=lambda g: g + 0.01), {"target_untouched"}),
    "lr": (state(lr=lambda lr: lr * 0.99), {"target_untouched"}),
    "draws": (updated(draws=lambda d: [0.5, *d[1:]]), {"target_untouched"}),
    "two batches": (updated(sample_calls=lambda c: c * 2), {"one_batch"}),
    "another batch size": (updated(sample_calls=lambda c: [n + 1 for n in c]), {"one_batch"}),
}


@pytest.mark.parametrize(("tamper", "due"), UPDATE.values(), ids=UPDATE)
def test_one_change_in_traces_of_update(tamper, due, replay_worker, runner):
    checks = runner(replay_worker("update", tamper), "update")
    failed = set(failures(checks, CHECKS["update"]))
    assert failed == due


@pytest.mark.parametrize(
    ("tamper", "code", "words"),
    [
        ("loss None", "UPDATE_RETURNS_NONE", "`update` returned None."),
        ("loss with graph", "UPDATE_RETURNS_TENSOR", "requires a gradient"),
        ("loss", "UPDATE_RETURNS_OTHER", "expected"),
        ("loss NaN", "UPDATE_RETURNS_OTHER", "it returned nan, expected"),
    ],
)
def test_what_is_said_of_a_wrong_loss(tamper, code, words, replay_worker, runner):
    worker = replay_worker("update", UPDATE[tamper][0])
    outcome = runner(worker, "update").run("update.returned_loss")
    assert outcome.code == code
    assert words in outcome.observed


def drawn(touch):
    """Change both descriptions of what was drawn."""
    return each(Sampled, touch)


def item(n, **changes):
    def touch(result):
        items = list(result.first.items)
        items[n] = change(items[n], **{k: f(getattr(items[n], k)) for k, f in changes.items()})
        return change(result, first=change(result.first, items=items))

    return drawn(touch)


def stacked(n, edit):
    def touch(result):
        if result.stacked is None:
            return result
        fields = list(result.stacked)
        fields[n] = edit(fields[n])
        return change(result, stacked=fields)

    return drawn(touch)


def typed(dtype):
    return lambda a: from_numpy(to_numpy(a).astype(dtype))


def doubled_row(values):
    values[:, 0] = values[:, 1]


def rolled(values):
    values[...] = np.roll(values, 1, axis=1)


SAMPLE = {
    "float64": (item(2, array=typed("float64")), {"dtypes": "SAMPLE_FLOAT64"}),
    "bool": (item(4, array=typed("bool")), {"dtypes": "SAMPLE_DONE_BOOL"}),
    "int32": (item(1, array=typed("int32")), {"dtypes": "SAMPLE_ACTION_DTYPE"}),
    "column": (
        item(2, array=lambda a: from_numpy(to_numpy(a)[:, None])),
        {"shapes": "SAMPLE_COLUMN_SHAPE"},
    ),
    "rows": (
        item(0, array=lambda a: from_numpy(to_numpy(a)[:-1])),
        {"returns_batch": "SAMPLE_BATCH_SIZE_IGNORED", "shapes": None},
    ),
    "NumPy": (
        item(0, type=lambda t: "ndarray"),
        {"shapes": "SAMPLE_NOT_TENSORS", "dtypes": "SAMPLE_NOT_TENSORS"},
    ),
    "rewards negated": (
        stacked(2, lambda a: edited(a, lambda v: np.negative(v, out=v))),
        {"values": None},
    ),
    "reward NaN": (stacked(2, lambda a: edited(a, put(np.nan))), {"values": None}),
    "rewards scaled": (
        stacked(2, lambda a: edited(a, lambda v: np.multiply(v, 0.1, out=v))),
        {"values": "SAMPLE_REWARD_RESCALED"},
    ),
    "done of 2": (stacked(4, lambda a: edited(a, put(2.0))), {"values": None}),
    "dones inverted": (
        stacked(4, lambda a: edited(a, lambda v: np.subtract(1, v, out=v))),
        {"values": "SAMPLE_DONE_INVERTED"},
    ),
    "rolled states": (
        stacked(3, lambda a: edited(a, rolled)),
        {"alignment": "SAMPLE_ROWS_MISALIGNED"},
    ),
}


@pytest.mark.parametrize(("tamper", "due"), SAMPLE.values(), ids=SAMPLE)
def test_one_change_in_traces_of_sample(tamper, due, replay_worker, runner):
    checks = runner(replay_worker("sample", tamper), "sample")
    failed = failures(checks, CHECKS["sample"])
    assert failed == due


def outputs(edit, where=("outputs", "again")):
    def tamper(trace):
        touched = {
            name: [change(v, array=edited(v.array, edit)) for v in getattr(trace, name)]
            for name in where
        }
        return change(trace, **touched)

    return tamper


def alike(trace):
    """Every matrix starts with one value everywhere."""
    touched = [change(p, value=edited(p.value, lambda v: v.fill(0.1))) for p in trace.parameters]
    return change(trace, parameters=touched)


NETWORK = {
    "equal weights": (alike, {"initial_weights": None}),
    "second pass": (
        outputs(add(0.1), ("again",)),
        {"rows_independent": "NET_STOCHASTIC_LAYER"},
    ),
    "NaN": (
        outputs(put(np.nan)),
        {"output_layer": None, "rows_independent": None},
    ),
    "inputs": (lambda t: change(t, inputs_changed=True), {"rows_independent": None}),
    "gradient": (
        lambda t: t if t.gradients is None else change(t, gradients=first_of(t.gradients, add(1))),
        {"gradients": None},
    ),
    "no gradient": (
        lambda t: t if t.gradients is None else change(t, gradients=[None, *t.gradients[1:]]),
        {"gradients": None},
    ),
}


@pytest.mark.parametrize("name", NETWORK)
def test_one_change_in_traces_of_q_network(name, replay_worker, runner):
    tamper, due = NETWORK[name]
    checks = runner(replay_worker("q_network", tamper), "q_network")
    failed = failures(checks, CHECKS["q_network"])
    assert failed == due


def after(touch):
    """Change the state after the operation played last."""

    def tamper(trace):
        last = trace.results[-1]
        return change(trace, results=[*trace.results[:-1], change(last, state=touch(last.state))])

    return tamper


SYNC = {
    "target weight": (
        after(lambda s: change(s, target_weights=first_of(s.target_weights, add(1e-3)))),
        {"copies": None, "independent": "SYNC_ALIASES", "repeated": None},
    ),
    "q weight": (
        after(lambda s: change(s, q_weights=first_of(s.q_weights, add(1e-3)))),
        {"copies": None, "independent": "SYNC_ALIASES", "repeated": None},
    ),
    "NaN": (
        after(lambda s: change(s, target_weights=first_of(s.target_weights, put(np.nan)))),
        {"copies": None, "q_net_kept": None, "independent": None, "repeated": None},
    ),
}


@pytest.mark.parametrize("name", SYNC)
def test_one_change_in_traces_of_update_target(name, replay_worker, runner):
    tamper, due = SYNC[name]
    checks = runner(replay_worker("update_target", tamper), "update_target")
    failed = failures(checks, CHECKS["update_target"])
    assert failed == due


def test_other_questions_ask_for_a_new_recording(replay_worker, runner):
    with pytest.raises(AssertionError, match=r"record_traces\.py"):
        runner(replay_worker("update"), "update", key=b"another key").run("update.learns")

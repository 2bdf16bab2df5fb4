"""The audit of the run: honest float32 updates in any layout pass, everything else is refused."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from grader.cartpole import audit
from grader.cartpole.audit import (
    LEAST_STEP,
    LOOKED_INTO,
    LOOKED_INTO_SHARE,
    SUSPICIOUS,
    TOLERANCE,
    Audit,
    AuditFailed,
    Packing,
)
from grader.cartpole.environment import Served
from grader.cartpole.schedule import BUFFER_CAPACITY, Schedule
from grader.oracle.dqn import Learner
from grader.oracle.network import Layout
from grader.oracle.wrong_loss import Huber
from grader.oracle.wrong_report import SamplesTwiceWholly
from grader.oracle.wrong_step import NoClip
from grader.oracle.wrong_target import MaxOverBatch
from grader.protocol.arrays import Array, from_numpy, to_numpy
from grader.protocol.messages import RunUpdate

SCHEDULE = Schedule(batch_size=32)
SHAPES = [(128, 4), (128,), (128, 128), (128,), (2, 128), (2,)]
PLAIN = Layout((0, 1, 2, 3, 4, 5), (False,) * 6)
#: Parameters in another order, W1 and W3 stored transposed, biases as rows.
TURNED = Layout((4, 0, 5, 1, 3, 2), (True, False, False, False, True, False))
TURNED_SHAPES = [(1, 128), (1, 128), (1, 2), (128, 2), (4, 128), (128, 128)]

FIELDS = ("states", "actions", "rewards", "next_states", "dones")


class Student:
    """A float32 agent in torch beside a judge that serves it transitions and audits it."""

    def __init__(
        self,
        kind=Learner,
        criterion=F.mse_loss,
        clip=10.0,
        packing=None,
        schedule=SCHEDULE,
        reward=1.0,
        losses=True,
    ):
        self.rng = np.random.default_rng(0)
        self.schedule = schedule
        initial = [self.rng.uniform(-0.2, 0.2, s).astype(np.float32) for s in SHAPES]
        self.theta = [torch.tensor(w, requires_grad=True) for w in initial]
        self.minus = [torch.tensor(w) for w in initial]
        self.optimizer = torch.optim.Adam(self.theta, lr=schedule.lr)
        self.criterion = criterion
        self.clip = clip
        self.packing = packing or Packing(PLAIN, SHAPES)
        self.audit = Audit(kind, self.packing, initial, schedule, losses)
        self.stored = self.served(400, reward)
        self.audit.serve(self.stored)
        self.updates = 0

    def served(self, rows, reward=1.0):
        return Served(
            states=self.rng.normal(0, 1, (rows, 4)).astype(np.float32),
            actions=self.rng.integers(0, 2, rows),
            rewards=np.full(rows, reward, np.float32),
            next_states=self.rng.normal(0, 1, (rows, 4)).astype(np.float32),
            dones=(self.rng.random(rows) < 0.1).astype(np.float32),
        )

    def draw(self, rows=None):
        chosen = self.rng.integers(0, len(self.stored.actions), rows or self.schedule.batch_size)
        fields = ("states", "actions", "rewards", "next_states", "dones")
        return [getattr(self.stored, name)[chosen] for name in fields]

    def learn(self, batch):
        s, a, r, n, d = map(torch.tensor, batch)
        q = forward(self.theta, s).gather(1, a[:, None]).squeeze(1)
        with torch.no_grad():
            y = r + self.schedule.gamma * (1 - d) * forward(self.minus, n).max(dim=1).values
        loss = self.criterion(q, y)
        self.optimizer.zero_grad()
        loss.backward()
        if self.clip is not None:
            nn.utils.clip_grad_norm_(self.theta, self.clip)
        self.optimizer.step()
        self.updates += 1
        return loss.item()

    def weights(self):
        return from_numpy(self.packing.pack([p.detach().numpy() for p in self.theta]))

    def report(self, batch):
        loss = self.learn(batch)
        fields = [from_numpy(field) for field in batch]
        update = RunUpdate(batches=[fields], loss=loss, weights=self.weights())
        if self.updates % self.schedule.sync_every == 0:
            self.minus = [p.detach().clone() for p in self.theta]
        return update

    def honest(self, count):
        for _ in range(count):
            self.audit.check(self.report(self.draw()))


def forward(parameters, x):
    w1, b1, w2, b2, w3, b3 = parameters
    x = torch.relu(F.linear(x, w1, b1))
    return F.linear(torch.relu(F.linear(x, w2, b2)), w3, b3)


def test_two_hundred_honest_updates_stay_far_below_the_tolerance():
    student = Student()
    student.honest(200)
    assert student.audit.updates == 200
    assert 0 < student.audit.largest_error < TOLERANCE / 2
    for got, p in zip(student.audit.weights, student.theta, strict=True):
        np.testing.assert_array_equal(got, p.detach())


@pytest.mark.parametrize("reward", [1.0, 60.0], ids=["not clipped", "clipped"])
def test_honest_in_another_layout(reward):
    student = Student(packing=Packing(TURNED, TURNED_SHAPES), reward=reward)
    student.honest(20)
    assert student.audit.largest_error < TOLERANCE


def test_largest_error_is_the_maximum_so_far():
    student = Student()
    seen = []
    for _ in range(6):
        student.honest(1)
        seen.append(student.audit.largest_error)
    assert seen == sorted(seen)
    assert seen[0] > 0


def test_packing_is_inverted_by_unpacking():
    rng = np.random.default_rng(1)
    weights = [rng.normal(0, 1, s).astype(np.float32) for s in SHAPES]
    for packing in (Packing(PLAIN, SHAPES), Packing(TURNED, TURNED_SHAPES)):
        assert packing.size == 17_410
        back = packing.unpack(from_numpy(packing.pack(weights)))
        assert all(map(np.array_equal, back, weights))
        assert {w.dtype for w in back} == {np.dtype(np.float32)}


def nan(update):
    vector = np.zeros(17_410, np.float32)
    vector[77] = np.nan
    return replaced(update, weights=from_numpy(vector))


def replaced(update, **changes):
    fields = {"batches": update.batches, "loss": update.loss, "weights": update.weights}
    return RunUpdate(**(fields | changes))


def with_field(update, n, array):
    fields = list(update.batches[0])
    fields[n] = array
    return replaced(update, batches=[fields])


def foreign(update):
    rewards = to_numpy(update.batches[0][2]).copy()
    rewards[5] += 1
    return with_field(update, 2, from_numpy(rewards))


def nudged(update):
    vector = to_numpy(update.weights).copy()
    vector[:400] += 1e-2
    return replaced(update, weights=from_numpy(vector))


def short(update):
    return replaced(update, batches=[[from_numpy(to_numpy(f)[:-1]) for f in update.batches[0]]])


OTHER_SIZE = "`sample` returned fields of another size than asked for"
OTHER_PARAMETERS = "q_net no longer has the parameters that it had"
REFUSED = {
    "a foreign transition": (
        foreign,
        "a batch held a transition that was not served or not stored",
    ),
    "a batch of another size": (short, OTHER_SIZE),
    "four fields": (
        lambda u: replaced(u, batches=[u.batches[0][:4]]),
        "`sample` did not return five tensors",
    ),
    "no tensors": (lambda u: replaced(u, batches=[None]), "`sample` did not return five tensors"),
    "no batch": (
        lambda u: replaced(u, batches=[]),
        "the update drew no batch from the buffer",
    ),
    "values not sent": (
        lambda u: with_field(u, 0, Array("float32", (32, 4), None)),
        OTHER_SIZE,
    ),
    "NaN weights": (nan, "the weights of q_net are no longer finite numbers"),
    "weights of another size": (
        lambda u: replaced(u, weights=from_numpy(np.zeros(17_409, np.float32))),
        OTHER_PARAMETERS,
    ),
    "weights of another dtype": (
        lambda u: replaced(u, weights=from_numpy(np.zeros(17_410))),
        OTHER_PARAMETERS,
    ),
    "no weights": (lambda u: replaced(u, weights=None), OTHER_PARAMETERS),
    "fewer bytes than weights": (
        lambda u: replaced(u, weights=Array("float32", (17_410,), b"\0" * 8)),
        OTHER_PARAMETERS,
    ),
    "other weights": (
        nudged,
        "update 3 changed the weights by something else than one update of the algorithm on the "
        "batch drawn (relative difference ",
    ),
}


@pytest.mark.parametrize(("damage", "words"), REFUSED.values(), ids=REFUSED)
def test_refused(damage, words):
    student = Student()
    student.honest(2)
    with pytest.raises(AuditFailed) as caught:
        student.audit.check(damage(student.report(student.draw())))
    assert str(caught.value).startswith(words)


class Rounded(Student):
    """Adds up what enters one unit of the second layer so that its ReLU decides otherwise.

    The sum is within rounding of 0 for one of the stored transitions, which is in every batch.
    """

    ROW, UNIT = 3, 17

    def __init__(self):
        super().__init__()
        with torch.no_grad():
            first = torch.relu(F.linear(torch.tensor(self.stored.states), *self.theta[:2]))
            row = first[self.ROW]
            self.theta[3][self.UNIT] -= F.linear(row, *self.theta[2:4])[self.UNIT] - 1e-8
        initial = [p.detach().numpy().copy() for p in self.theta]
        self.minus = [p.detach().clone() for p in self.theta]
        self.audit = Audit(Learner, self.packing, initial, self.schedule)
        self.audit.serve(self.stored)

    def draw(self, rows=None):
        fields = super().draw(rows)
        for field, name in zip(fields, FIELDS, strict=True):
            field[0] = getattr(self.stored, name)[self.ROW]
        return fields

    def learn(self, batch):
        """One update, with the gate of the doubtful sum set the other way."""
        kept = torch.relu

        def relu(x):
            doubtful = x.detach().abs() < 1e-6
            return x * ((x.detach() > 0) ^ doubtful)

        torch.relu = relu
        try:
            return super().learn(batch)
        finally:
            torch.relu = kept


def test_rounding_may_decide_over_a_relu():
    student = Rounded()
    student.honest(1)
    assert student.audit.looked_into == 1
    assert student.audit.largest_error < SUSPICIOUS
    # It stays in neither the moments nor the weights.
    student.honest(10)
    assert student.audit.looked_into == 1
    assert student.audit.largest_error < SUSPICIOUS


def test_without_looking_into_it_the_update_would_be_refused(monkeypatch):
    monkeypatch.setattr(audit, "follow_otherwise", lambda *_arguments: None)
    with pytest.raises(AuditFailed, match="update 1 changed the weights"):
        Rounded().honest(1)


class Cancelled(Student):
    """Adds up what enters one unit of the first layer to 8e-7 where another order gives 5e-7.

    The unit is open for one of the stored transitions only, which is in every batch, so that the
    gradients of all weights that the unit enters are rounding.
    """

    UNIT = 40

    def __init__(self):
        super().__init__()
        self.row = self.stored.states[:, 0].argmax()
        with torch.no_grad():
            self.theta[0][self.UNIT] = torch.tensor([0.1, 0, 0, 0])
            entering = F.linear(torch.tensor(self.stored.states), self.theta[0][self.UNIT :][:1])
            self.theta[1][self.UNIT] = 5e-7 - entering.max()
        initial = [p.detach().numpy().copy() for p in self.theta]
        self.minus = [p.detach().clone() for p in self.theta]
        self.audit = Audit(Learner, self.packing, initial, self.schedule)
        self.audit.serve(self.stored)

    def draw(self, rows=None):
        fields = super().draw(rows)
        for field, name in zip(fields, FIELDS, strict=True):
            field[0] = getattr(self.stored, name)[self.row]
        return fields

    def learn(self, batch):
        kept = torch.relu

        def relu(x):
            return kept(x) + 3e-7 * ((x > 0) & (x < 6e-7))

        torch.relu = relu
        try:
            return super().learn(batch)
        finally:
            torch.relu = kept


def test_rounding_may_decide_over_gradients():
    student = Cancelled()
    student.honest(1)
    assert student.audit.looked_into == 1
    assert student.audit.largest_error < SUSPICIOUS
    student.honest(10)
    assert student.audit.largest_error < SUSPICIOUS


def test_without_looking_for_other_gradients_the_update_would_be_refused(monkeypatch):
    monkeypatch.setattr(audit, "follow_rounded", lambda *arguments: arguments[3])
    with pytest.raises(AuditFailed, match="update 1 changed the weights"):
        Cancelled().honest(1)


def test_what_rounding_explains_is_drift_all_the_same(monkeypatch):
    """Else single weights could be led anywhere, in steps that rounding leaves open."""
    student = Cancelled()
    student.honest(1)
    gradients, gates = student.audit.drift, Rounded()
    gates.honest(1)
    assert gates.audit.drift < gradients / 100
    monkeypatch.setattr(audit, "DRIFT", gradients / 2)
    with pytest.raises(AuditFailed, match="many updates changed the weights"):
        Cancelled().honest(1)


def test_where_all_weights_are_off_a_little_rounding_is_not_looked_into(monkeypatch):
    monkeypatch.setattr(audit, "SUSPICIOUS", 0.0)
    student = Student()
    student.honest(20)
    assert student.audit.largest_error > 0
    assert student.audit.looked_into == 0


def test_what_an_earlier_rounding_left_in_the_moments_is_found(monkeypatch):
    monkeypatch.setattr(audit, "follow_otherwise", lambda *_arguments: None)
    monkeypatch.setattr(audit, "TOLERANCE", 1.0)
    monkeypatch.setattr(audit, "DRIFT", np.inf)
    follow, seen = audit.follow_in_hindsight, []

    def follow_in_hindsight(*arguments):
        found = follow(*arguments)
        seen.append((arguments[3].error, found.error))
        return found

    monkeypatch.setattr(audit, "follow_in_hindsight", follow_in_hindsight)
    student = Rounded()
    student.honest(1)  # passes unexplained, and there is nothing before it
    ((first, same),) = seen
    assert first == same > SUSPICIOUS
    student.honest(10)
    (_first, (off, explained)) = seen
    assert off > SUSPICIOUS
    assert explained < off / 10


@pytest.fixture
def errors(monkeypatch):
    """The relative errors that the next updates have, to be filled in; after them, 0."""
    given = []
    monkeypatch.setattr(audit, "_relative_error", lambda *_weights: given.pop(0) if given else 0.0)
    return given


@pytest.fixture
def looks(monkeypatch):
    """The errors of the updates that are looked into, of which none is explained."""
    seen = []

    def follow_otherwise(_start, _batches, error, _error_of):
        seen.append(error)

    monkeypatch.setattr(audit, "follow_otherwise", follow_otherwise)
    monkeypatch.setattr(audit, "follow_rounded", lambda *arguments: arguments[3])
    monkeypatch.setattr(audit, "follow_in_hindsight", lambda *arguments: arguments[3])
    monkeypatch.setattr(audit, "stands_out", lambda *_arguments, **_lr: True)
    return seen


def test_five_in_a_thousand_are_looked_into_beside_the_first_twenty(errors, looks):
    student = Student(schedule=replace(SCHEDULE, batch_size=1))
    given = [SUSPICIOUS * (2 + n / 1000) for n in range(179, 241)]
    errors += [0.0] * 178 + given
    student.honest(240)
    assert len(looks) == LOOKED_INTO + LOOKED_INTO_SHARE * 200 + 1 == 22
    # By update 199 there were 21; update 200 is one too many, and the next is not.
    assert looks == [*given[:21], given[22]]


def test_the_bounds_belong_to_what_passes(errors, looks):
    student = Student()
    errors += [SUSPICIOUS, np.nextafter(SUSPICIOUS, 1), TOLERANCE, np.nextafter(TOLERANCE, 1)]
    student.honest(3)
    assert looks == [np.nextafter(SUSPICIOUS, 1), TOLERANCE]
    with pytest.raises(AuditFailed):
        student.honest(1)


@pytest.mark.parametrize(
    ("before", "after", "expected", "error"),
    [
        # Off by (3, 4) where a way of (6, 8) was due.
        ([[1.0], [1.0]], [[10.0], [13.0]], [[7.0], [9.0]], 0.5),
        ([[1.0], [1.0]], [[7.0], [9.0]], [[7.0], [9.0]], 0.0),
        ([[1.0], [1.0]], [[1.0], [1.0]], [[7.0], [9.0]], 1.0),
        ([[1.0], [1.0]], [[1.0], [1.0]], [[1.0], [1.0]], 0.0),
        # Nothing was due, or less than 2.
        ([[1.0], [1.0]], [[1.0], [1.5]], [[1.0], [1.0]], 0.25),
        ([[1.0], [1.0]], [[1.0], [3.0]], [[1.0], [2.0]], 0.5),
    ],
)
def test_relative_error_by_hand(before, after, expected, error):
    weights = (list(map(np.array, w)) for w in (before, after, expected))
    assert audit._relative_error(*weights, 2.0) == error


def test_a_step_is_small_by_what_adam_would_move_every_weight():
    student = Student()
    assert student.audit._least_step == pytest.approx(LEAST_STEP * SCHEDULE.lr * 17_410**0.5)


@pytest.mark.parametrize(("kind", "learned"), [(Learner, 0), (SamplesTwiceWholly, 1)])
def test_the_first_two_draws_of_an_update_count(kind, learned):
    student = Student(kind)
    drawn = [student.draw() for _ in range(3)]
    update = student.report(drawn[learned])
    batches = [list(map(from_numpy, fields)) for fields in drawn]
    student.audit.check(replaced(update, batches=batches))
    assert student.audit.largest_error < TOLERANCE


def test_an_algorithm_that_raises_cannot_be_followed():
    # Two values, one for each action, against 32 rows.
    student = Student(MaxOverBatch)
    words = r"^the update cannot be followed: operands could not be broadcast"
    with pytest.raises(AuditFailed, match=words):
        student.honest(1)


def test_values_that_overflow_are_refused_without_a_warning():
    initial = [np.full(s, 1e30, np.float32) for s in SHAPES]
    student = Student()
    student.audit = Audit(Learner, student.packing, initial, SCHEDULE)
    student.audit.serve(student.stored)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(AuditFailed, match="something else than one update"):
            student.honest(1)


def test_dones_may_be_truth_values():
    student = Student()
    update = student.report(student.draw())
    dones = to_numpy(update.batches[0][4]) > 0
    student.audit.check(with_field(update, 4, from_numpy(dones)))


def test_a_weight_changed_between_two_updates_shows_in_the_second():
    student = Student()
    student.honest(3)
    with torch.no_grad():
        student.theta[2][:40] += 0.01
    with pytest.raises(AuditFailed, match="update 4 changed the weights"):
        student.honest(1)


def test_no_step_is_refused():
    student = Student()
    student.honest(1)
    before = student.weights()
    with pytest.raises(AuditFailed, match=r"relative difference 1\)"):
        student.audit.check(replaced(student.report(student.draw()), weights=before))


def test_a_missing_copy_of_the_target_is_refused():
    student = Student(schedule=replace(SCHEDULE, sync_every=2, lr=0.05))
    student.honest(1)
    stale = student.minus
    student.honest(1)
    student.minus = stale
    with pytest.raises(AuditFailed, match="update 3"):
        student.honest(1)


def test_a_transition_may_be_drawn_until_it_is_evicted():
    student = Student()
    rows = BUFFER_CAPACITY - len(student.stored.actions)
    for _ in range(4):
        student.audit.serve(student.served(rows // 4))
    student.honest(1)
    student.audit.serve(student.served(len(student.stored.actions)))
    with pytest.raises(AuditFailed, match="not served or not stored"):
        student.honest(1)


def test_the_oldest_transition_goes_when_one_more_than_fits_is_served():
    student = Student()
    student.audit.serve(student.served(BUFFER_CAPACITY - len(student.stored.actions)))
    fields = ("states", "actions", "rewards", "next_states", "dones")
    oldest = [getattr(student.stored, name)[:32] for name in fields]
    student.audit.check(student.report(oldest))
    student.audit.serve(student.served(1))
    with pytest.raises(AuditFailed, match="not served or not stored"):
        student.audit.check(student.report(oldest))


def test_tiny_numbers_are_told_apart():
    student = Student(reward=1e-9)
    batch = student.draw()
    update = student.report(batch)
    batch[2][5] = 2e-9
    with pytest.raises(AuditFailed, match="not served or not stored"):
        student.audit.check(with_field(update, 2, from_numpy(batch[2])))


def test_served_again_is_stored_again():
    student = Student()
    student.audit.serve(student.served(BUFFER_CAPACITY))
    before = student.stored
    student.audit.serve(before)
    student.stored = student.served(BUFFER_CAPACITY - 400)
    student.audit.serve(student.stored)
    student.stored = joined(before, student.stored)
    student.honest(1)


def joined(*parts):
    return Served(*(np.concatenate([getattr(part, f) for part in parts]) for f in FIELDS))


def test_minus_zero_counts_as_zero():
    student = Student()
    batch = student.draw()
    batch[4] = np.where(batch[4] == 0, np.float32(-0.0), batch[4])
    student.audit.check(student.report(batch))


@pytest.mark.parametrize(
    ("kind", "options"),
    [(Huber, {"criterion": F.smooth_l1_loss}), (NoClip, {"clip": None})],
    ids=["Huber", "no clipping"],
)
def test_a_misconception_passes_against_its_variation_only(kind, options):
    # Rewards this large make errors above 1 and gradients above 10.
    consistent = Student(kind, reward=60.0, **options)
    consistent.honest(30)
    assert consistent.audit.largest_error < TOLERANCE
    student = Student(reward=60.0, losses=False, **options)
    with pytest.raises(AuditFailed, match="something else than one update"):
        student.honest(30)


@pytest.mark.parametrize("kind", [Huber, NoClip])
def test_the_contract_is_not_the_variation(kind):
    student = Student(kind, reward=60.0)
    with pytest.raises(AuditFailed):
        student.honest(30)


@pytest.mark.parametrize("change", [{"lr": 4e-3}, {"gamma": 0.9}], ids=str)
def test_other_settings_are_refused(change):
    student = Student()
    student.optimizer.param_groups[0]["lr"] = change.get("lr", student.schedule.lr)
    student.schedule = replace(student.schedule, **change)
    with pytest.raises(AuditFailed):
        student.honest(30)


def test_long_runs_may_drift_further(monkeypatch):
    monkeypatch.setattr(audit, "DRIFT", 0.0)
    monkeypatch.setattr(audit, "DRIFT_PER_UPDATE", 1e-6)
    student = Student()
    student.honest(20)
    assert student.audit.drift > 1e-6


def test_draws_that_are_not_uniform_are_refused():
    student = Student()
    latest = [getattr(student.stored, name)[-32:] for name in FIELDS]
    words = r"^`sample` does not draw uniformly: of [\d,]+, [\d,]+ were .*expected$"

    def repeat():
        for _ in range(40):
            student.audit.check(student.report(latest))

    with pytest.raises(AuditFailed, match=words):
        repeat()


def test_errors_that_pass_one_by_one_add_up(monkeypatch):
    monkeypatch.setattr(audit, "DRIFT", 0.005)
    student = Student()
    nudge = torch.zeros(128, 128)
    nudge[5:70] = 1.0
    nudge *= 1e-4 / nudge.norm()

    def nudged_updates(count):
        for _ in range(count):
            update = student.report(student.draw())
            with torch.no_grad():
                student.theta[2] += nudge
            student.audit.check(replaced(update, weights=student.weights()))

    nudged_updates(45)
    words = r"^many updates changed the weights by something else than one update of the algorithm"
    with pytest.raises(AuditFailed, match=words + r", by 0\.005\d* up to update \d\d$"):
        nudged_updates(20)
    assert student.audit.largest_error < TOLERANCE


@pytest.mark.parametrize(("factor", "passes"), [(1 + 5e-4, True), (1 - 5e-4, True), (1.01, False)])
def test_losses(factor, passes):
    student = Student()
    update = student.report(student.draw())
    update = replaced(update, loss=update.loss * factor)
    if passes:
        student.audit.check(update)
    else:
        words = rf"^update 1 returned {update.loss:.4g}, and the loss of its batch was \d[\d.]*$"
        with pytest.raises(AuditFailed, match=words):
            student.audit.check(update)


def test_losses_are_audited_unless_the_checks_found_otherwise():
    student = Student(losses=False)
    update = student.report(student.draw())
    student.audit.check(replaced(update, loss=2 * update.loss))
    student = Student()
    initial = [p.detach().numpy().copy() for p in student.theta]
    student.audit = Audit(Learner, student.packing, initial, SCHEDULE)
    student.audit.serve(student.stored)
    update = student.report(student.draw())
    with pytest.raises(AuditFailed, match="update 1 returned"):
        student.audit.check(replaced(update, loss=2 * update.loss))


def test_a_learner_that_says_nothing_of_its_loss():
    class Silent(Learner):
        def returned(self, loss, prediction, targets):
            return None

    student = Student(Silent)
    student.audit.check(replaced(student.report(student.draw()), loss=None))


def test_a_loss_near_zero_may_be_off_by_its_rounding():
    student = Student()
    student.audit._require_loss(5e-7, 0.0)
    with pytest.raises(AuditFailed):
        student.audit._require_loss(2e-6, 0.0)


@pytest.mark.parametrize("loss", [None, float("nan"), float("inf")])
def test_no_loss(loss):
    student = Student()
    with pytest.raises(AuditFailed, match=f"update 1 returned {loss}, and the loss"):
        student.audit.check(replaced(student.report(student.draw()), loss=loss))


def test_a_lockstep_of_resets_serves_nothing():
    student = Student()
    nothing = Served(*(getattr(student.stored, f)[:0] for f in FIELDS))
    student.audit.serve(nothing)
    student.honest(2)

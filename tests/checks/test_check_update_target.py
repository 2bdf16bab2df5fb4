"""Copies beside what else an agent may have wrong: shared weights, and optimizers made anew."""

import numpy as np
import pytest
from msgspec.structs import replace as change_of

from grader.checks.agents import Agents, Learning, Scenario, random_pool, random_weights
from grader.checks.copying import copies
from grader.checks.feedback import Failure
from grader.checks.part import Part, Siblings
from grader.keys import PUBLIC_KEY
from grader.oracle.dqn import Learner
from grader.protocol.messages import AgentTrace, Sync

COPY = "self.target_net.load_state_dict(self.q_net.state_dict())\n"
LAST = "    def update_target(self) -> None:\n"
EVAL = "        self.target_net.eval()\n"
EACH = "for p, t in zip(self.q_net.parameters(), self.target_net.parameters()): "
CHECKS = ("copies", "q_net_kept", "independent", "repeated")


@pytest.fixture
def changed(solution):
    """`changed(body, given)` is the agent with this for a copy, and a line at the end of what is
    given in its constructor."""

    def change(body=None, given=""):
        start, rest = solution["dqn_agent"].split(LAST)
        before, after = rest.rsplit("        " + COPY, 1)
        body = f"        {COPY}" if body is None else f"        {body}\n"
        assert start.count(EVAL) == 1
        start = start.replace(EVAL, f"{EVAL}        {given}\n" if given else EVAL)
        return f"{start}{LAST}{before}{body}{after}"

    return change


@pytest.fixture
def failed(source_worker, runner):
    """`failed(source)` are the checks of update_target that fail, with their codes."""

    def run(source):
        found = {}
        for check in CHECKS:
            checks = runner(source_worker(dqn_agent=source), "update_target")
            outcome = checks.run(f"update_target.{check}")
            assert outcome is None or isinstance(outcome, Failure)
            if outcome is not None:
                found[check] = outcome.code
        return found

    return run


def agents(worker):
    return Agents(Part(worker, "dqn_agent", True, PUBLIC_KEY, Siblings()))


# --- networks that share their weights from the start ---

SHARED = {
    "one object": "self.target_net = self.q_net",
    "one layer": "self.target_net.direct = self.q_net.direct",
    "one tensor": "self.target_net.squares.weight.data = self.q_net.squares.weight.data",
}


@pytest.mark.parametrize("given", SHARED.values(), ids=SHARED)
def test_a_right_copy_is_not_blamed_for_networks_that_were_never_two(changed, failed, given):
    assert failed(changed(given=given)) == {"independent": "GIVEN_TARGET_IS_Q_NET"}


@pytest.mark.parametrize("given", SHARED.values(), ids=SHARED)
@pytest.mark.parametrize(
    "body",
    ["for t in self.target_net.parameters(): t.data.zero_()", EACH + "t.data.copy_(p.data + 1)"],
    ids=["zeros", "one more"],
)
def test_what_goes_wrong_in_shared_networks_is_blamed_on_them(changed, failed, given, body):
    found = failed(changed(body, given))
    assert found["copies"] == "GIVEN_TARGET_IS_Q_NET"


def test_a_copy_may_part_networks_that_were_one(changed, failed):
    body = "import copy; self.target_net = copy.deepcopy(self.q_net)"
    assert failed(changed(body, SHARED["one object"])) == {}


def test_sharing_that_begins_with_the_copy_is_its_own_fault(changed, failed):
    found = failed(changed("self.target_net.direct = self.q_net.direct"))
    assert found["independent"] == "SYNC_ALIASES"
    assert "GIVEN_TARGET_IS_Q_NET" not in found.values()


# --- optimizers ---

ADAM = "optim.Adam(self.q_net.parameters(), lr={lr})"
LR = "self.optimizer.param_groups[0]['lr']"
#: what comes with the copy
TOUCHED = {
    "made anew": f"self.optimizer = {ADAM.format(lr=LR)}",
    "emptied": "self.optimizer.state.clear()",
    "moments cleared": (
        "[s[k].zero_() for s in self.optimizer.state.values() for k in ('exp_avg', 'exp_avg_sq')]"
    ),
    "steps counted anew": "[s['step'].zero_() for s in self.optimizer.state.values()]",
    "another rate": f"{LR} = 0.5 * {LR}",
}


@pytest.mark.parametrize("touch", TOUCHED.values(), ids=TOUCHED)
def test_a_copy_that_touches_the_optimizer_is_found(changed, failed, source_worker, touch):
    source = changed(f"{COPY}        {touch}")
    assert failed(source) == {"q_net_kept": None}
    # Nor does a check of `update` rely on it.
    assert not copies(agents(source_worker(dqn_agent=source)), np.random.default_rng(0))


FAIR = {
    "the solution's": COPY,
    "in place": EACH + "t.data.copy_(p.data)",
    "another object": "import copy; self.target_net = copy.deepcopy(self.q_net)",
    "the other optimizer state kept": f"state = self.optimizer.state_dict()\n        {COPY}"
    "        self.optimizer.load_state_dict(state)",
}


@pytest.mark.parametrize("body", FAIR.values(), ids=FAIR)
def test_fair_copies_are_found_to_copy(changed, failed, source_worker, body):
    source = changed(body)
    assert failed(source) == {}
    assert copies(agents(source_worker(dqn_agent=source)), np.random.default_rng(0))


NO_COPIES = {
    "nothing": "pass",
    "raises": "raise ValueError('no')",
    "reversed": "self.q_net.load_state_dict(self.target_net.state_dict())",
    "the same object": "self.target_net = self.q_net",
    "soft": EACH + "t.data.copy_(0.9 * p.data + 0.1 * t.data)",
    "one layer": "self.target_net.direct.load_state_dict(self.q_net.direct.state_dict())",
    "gamma": COPY + "        self.gamma *= 0.9",
    "buffer": COPY + "        self.buffer = ReplayBuffer(100)",
    "frozen": COPY + "        [p.requires_grad_(False) for p in self.q_net.parameters()]",
    "once": "if not hasattr(self, 'n'): self.n = 1; " + COPY,
    "with a decay": COPY + "        [p.data.mul_(0.999) for p in self.q_net.parameters()]",
}


@pytest.mark.parametrize("body", NO_COPIES.values(), ids=NO_COPIES)
def test_what_does_not_copy_is_seen_before_others_rely_on_it(changed, source_worker, body):
    worker = source_worker(dqn_agent=changed(body))
    assert not copies(agents(worker), np.random.default_rng(0))


@pytest.mark.parametrize("seed", range(5))
def test_the_contracts_copy_is_one_whatever_is_drawn(learner_worker, seed):
    assert copies(agents(learner_worker()), np.random.default_rng(seed))


# --- what `update` makes of it ---


@pytest.mark.parametrize(("body", "kept"), [(COPY, 3), (f"{COPY}        {TOUCHED['emptied']}", 2)])
def test_scenarios_of_update_do_without_copies_that_do_more(
    changed, source_worker, runner, body, kept
):
    rng = np.random.default_rng(0)
    step = Learning(random_pool(rng, 5, 3, 2), 5)
    q = random_weights(rng, 3, 2)
    scenario = Scenario(q=q, target=q, lr=0.01, gamma=0.9, steps=[step, Sync(), step])
    updates = runner(source_worker(dqn_agent=changed(body)), "update").view("updates")
    assert len(updates.without_syncs(scenario).steps) == kept


def test_update_is_not_blamed_for_a_copy_that_empties_the_optimizer(changed, source_worker, runner):
    source = changed(f"{COPY}        {TOUCHED['made anew']}")
    checks = runner(source_worker(dqn_agent=source), "update")
    assert checks.run("update.many_updates") is None
    assert checks.view("updates").diagnosis.learner is Learner


# --- replies that show what was never there ---


def shows_always(state):
    """Every state of the agent is this one."""

    def tamper(trace):
        results = [change_of(result, state=state) for result in trace.results]
        return change_of(trace, initial=state, results=results)

    return tamper


@pytest.mark.parametrize("claim", ["nothing", "shared storage", "one object"])
def test_constant_replies_pass_no_check(learner_worker, runner, claim):
    class Forger(learner_worker):
        """Both networks are shown with the same weights, whatever was loaded, copied or set."""

        first = None

        def play(self, request):
            reply = super().play(request)
            if not isinstance(reply, AgentTrace):
                return reply
            same = self.first or change_of(
                reply.initial,
                target_weights=reply.initial.q_weights,
                shared_storage=claim == "shared storage",
                same_object=claim == "one object",
            )
            Forger.first = same
            return shows_always(same)(reply)

    outcomes = runner(Forger(), "update_target").run_all()
    assert not [check for check, outcome in outcomes.items() if outcome is None]


def test_weights_that_are_set_must_be_shown_afterwards(learner_worker, runner):
    class Forger(learner_worker):
        """What is loaded is shown, and the first copy; nothing that comes afterwards is."""

        def play(self, request):
            reply = super().play(request)
            if not isinstance(reply, AgentTrace):
                return reply
            syncs = [n for n, o in enumerate(request.operations) if isinstance(o, Sync)]
            state = reply.results[syncs[0]].state if syncs else reply.initial
            results = [
                result if syncs and n < syncs[0] else change_of(result, state=state)
                for n, result in enumerate(reply.results)
            ]
            return change_of(reply, results=results)

    checks = runner(Forger(), "update_target")
    outcome = checks.run("update_target.independent")
    assert "did not give it the weights that were set" in outcome.observed
    outcome = checks.run("update_target.repeated")
    assert "q_net was given new weights; after it both networks have others" in outcome.observed

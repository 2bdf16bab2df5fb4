"""The plugin: every status, what blocks what, points, feedback, and faults of the grader."""

import contextlib

import msgspec
import pytest

from grader.checks.plugin import GradePlugin
from grader.checks.runner import run_checks
from grader.client import Worker, WorkerLost
from grader.explanations import load_explanations
from grader.grading import GraderFault, Options, grade
from grader.keys import PUBLIC_KEY
from grader.limits import Limits
from grader.oracle.wrong_loss import Huber
from grader.oracle.wrong_step import NoStep
from grader.oracle.wrong_target import NoTerminalMask
from grader.protocol.errors import ChannelClosed
from grader.protocol.framing import HEADER, decode_request
from grader.protocol.messages import PlayAgent, Update
from grader.protocol.transport import OutputLog
from grader.rubric import load_rubric
from grader.sandbox.intake import Submitted
from grader.solving import grade_cartpole

FILES = frozenset({"q_network.py", "replay_buffer.py", "dqn_agent.py"})


@pytest.fixture
def graded():
    """A function: worker and parts to the plugin after all checks of the parts."""

    def run(worker, *parts, present=FILES, **options):
        plugin = GradePlugin(
            worker,
            load_rubric(),
            load_explanations(),
            PUBLIC_KEY,
            present,
            parts=frozenset(parts),
            **options,
        )
        run_checks(plugin)
        return plugin

    return run


def statuses(plugin):
    return {check.split(".")[1]: result.status for check, result in plugin.results.items()}


COPIES, KEPT, INDEPENDENT, REPEATED = "copies", "q_net_kept", "independent", "repeated"


def test_passed(graded, learner_worker):
    begun, ended = [], []
    plugin = graded(learner_worker(), "update_target", starting=begun.append, finished=ended.append)
    assert plugin.fault is None
    assert set(statuses(plugin).values()) == {"passed"}
    entries = load_rubric().checks_of("update_target")
    assert begun == entries
    assert ended == [plugin.results[entry.id] for entry in entries]
    for entry in entries:
        result = plugin.results[entry.id]
        assert (result.score, result.max_score, result.title) == (
            entry.points,
            entry.points,
            entry.title,
        )
        assert (result.code, result.observed, result.hint) == (None, None, None)
    assert plugin.advice() == []


def test_failed_with_the_explanation_of_its_code(graded, learner_worker):
    plugin = graded(learner_worker(Huber), "update")
    assert plugin.fault is None
    failed = {c: r for c, r in plugin.results.items() if r.status != "passed"}
    assert set(failed) == {"update.loss"}
    result = failed["update.loss"]
    explanation = load_explanations()["UPDATE_HUBER"]
    assert (result.status, result.score, result.code) == ("failed", 0, "UPDATE_HUBER")
    assert result.max_score == load_rubric().find("update.loss").points
    assert result.why == explanation.why
    assert result.hint == explanation.full_hint
    assert "targets differ" in result.observed or "call 1" in result.observed


def test_wrong_targets_are_told_in_words_and_in_numbers(graded, learner_worker):
    plugin = graded(learner_worker(NoTerminalMask), "update")
    result = plugin.results["update.terminal"]
    head, *words = result.observed.split("\n")
    assert "targets differ (read off the gradient of your step):" in head
    assert len(words) == 2 * len(result.targets) > 0
    for row, first, second in zip(result.targets, words[::2], words[1::2], strict=True):
        assert row.terminal
        assert row.expected == row.reward
        assert first == (
            f"s{row.transition}, action {row.action}, reward {row.reward:.4g}, terminal, best next "
            f"value {row.best_next:.4g}:"
        )
        assert second == f"  expected {row.expected:.4g}, yours {row.got:.4g} = {row.formula}"
    assert plugin.results["update.loss"].targets is None


def test_blocked_by_what_it_needs(graded, learner_worker):
    plugin = graded(learner_worker(NoStep), "update")
    assert plugin.results["update.learns"].status == "failed"
    for check in load_rubric().checks_of("update"):
        result = plugin.results[check.id]
        if "update.learns" in check.needs:
            assert (result.status, result.blocked_by) == ("blocked", "update.learns")
            assert result.score == 0
            assert result.observed is None


@pytest.mark.parametrize("status", ["crashed", "timed_out"])
def test_a_lost_worker_is_told_and_the_next_check_goes_on(status, graded, learner_worker):
    worker = learner_worker(lose=[status])
    plugin = graded(worker, "update")
    first = plugin.results["update.learns"]
    assert first.status == status
    assert first.score == 0
    assert first.observed == "While `update` ran: the process ended during the call."
    assert first.why == "A call must come back, within seconds, and leave the process running."
    assert plugin.results["update.given_agent"].status == "passed"
    assert worker.started == 2


def test_after_two_losses_what_is_left_of_the_part_is_blocked(learner_worker):
    # Without needs: only the losses count here.
    rubric = load_rubric()
    free = [type(c)(c.id, c.title, c.points) for c in rubric.check]
    worker = learner_worker(lose=["crashed", "timed_out"])
    plugin = GradePlugin(
        worker,
        type(rubric)(rubric.part, free),
        load_explanations(),
        PUBLIC_KEY,
        FILES,
        parts=frozenset({"update_target"}),
    )
    run_checks(plugin)
    assert statuses(plugin) == {
        COPIES: "crashed",
        KEPT: "timed_out",
        INDEPENDENT: "blocked",
        REPEATED: "blocked",
    }
    assert plugin.results["update_target.independent"].blocked_by == "update_target.q_net_kept"
    assert worker.asked == 2


def test_a_part_that_always_answers_late_ends_as_a_whole(graded, learner_worker, monkeypatch):
    clock = iter(range(0, 10**9, 40))  # every look at the clock is 40 s after the one before
    monkeypatch.setattr("grader.checks.part.time.monotonic", lambda: next(clock))
    worker = learner_worker()
    plugin = graded(worker, "update_target")
    assert plugin.fault is None
    assert worker.asked == 8  # 8 · 40 s is more than 300 s
    results = list(plugin.results.values())
    (late,) = [r for r in results if r.status == "timed_out"]
    assert "waited for `dqn_agent.py` for more than 300 s in all" in late.observed
    assert {r.status for r in results[results.index(late) + 1 :]} == {"blocked"}
    assert {r.status for r in results[: results.index(late)]} == {"passed"}


def test_the_rubric_says_how_long_a_part_may_be_waited_for(learner_worker, monkeypatch):
    clock = iter(range(0, 10**9, 40))
    monkeypatch.setattr("grader.checks.part.time.monotonic", lambda: next(clock))
    worker = learner_worker()
    rubric = msgspec.structs.replace(load_rubric(), limits=Limits(part_wall_s=60))
    plugin = GradePlugin(
        worker, rubric, load_explanations(), PUBLIC_KEY, FILES, parts=frozenset({"update_target"})
    )
    run_checks(plugin)
    assert worker.asked == 2
    (late,) = [r for r in plugin.results.values() if r.status == "timed_out"]
    assert "waited for `dqn_agent.py` for more than 60 s in all" in late.observed


def test_scenarios_of_many_updates_have_more_than_the_limits_of_a_call(learner_worker):
    class Timed(learner_worker):
        def ask(self, request, kind, *, cpu_s=0.0, wall_s=0.0):
            if isinstance(request, PlayAgent):
                calls = sum(o.times for o in request.operations if isinstance(o, Update))
                allowed.add((calls, cpu_s, wall_s))
            return super().ask(request, kind)

    allowed = set()
    rubric = msgspec.structs.replace(
        load_rubric(), limits=Limits(call_cpu_s=2, call_wall_s=5, part_wall_s=900)
    )
    plugin = GradePlugin(
        Timed(), rubric, load_explanations(), PUBLIC_KEY, FILES, parts=frozenset({"update"})
    )
    run_checks(plugin)
    assert plugin.fault is None
    assert max(calls for calls, _, _ in allowed) > 10
    for calls, cpu_s, wall_s in allowed:
        assert (cpu_s, wall_s) == (pytest.approx(2 + 0.1 * calls), pytest.approx(5 + 0.5 * calls))


def test_losses_in_one_part_do_not_block_another(graded, learner_worker):
    worker = learner_worker(lose=["crashed", "crashed"])
    plugin = graded(worker, "update", "update_target")
    assert plugin.results["update.learns"].status == "crashed"
    assert {r.status for r in plugin.results.values() if r.part == "update_target"} == {"passed"}


def test_a_missing_file_fails_once_and_blocks_the_rest(graded, learner_worker):
    plugin = graded(learner_worker(), "update_target", present=frozenset())
    assert statuses(plugin) == {
        COPIES: "failed",
        KEPT: "blocked",
        INDEPENDENT: "blocked",
        REPEATED: "blocked",
    }
    result = plugin.results["update_target.copies"]
    assert result.observed == "`dqn_agent.py` is not in the submission."


def test_addresses_are_normalised(graded, learner_worker):
    class Shows(learner_worker):
        def ask(self, request, kind, **limits):
            from grader.checks.feedback import Failure

            raise Failure("got <object at 0x7f01c0ffee00>")

    plugin = graded(Shows(), "update_target")
    assert plugin.results["update_target.copies"].observed == "got <object at 0x…>"


def test_an_exception_of_the_grader_is_its_fault_and_no_verdict(graded, learner_worker):
    class Broken(learner_worker):
        def ask(self, request, kind, **limits):
            raise KeyError("a bug of the grader")

    plugin = graded(Broken(), "update_target")
    assert isinstance(plugin.fault, KeyError)
    assert plugin.results == {}


def test_an_interrupt_is_neither(graded, learner_worker):
    class Interrupted(learner_worker):
        def ask(self, request, kind, **limits):
            raise KeyboardInterrupt

    plugin = graded(Interrupted(), "update_target")
    assert plugin.interrupted
    assert plugin.fault is None
    assert plugin.results == {}


def test_a_check_unknown_to_the_rubric_is_a_fault(learner_worker):
    rubric = load_rubric()
    fewer = type(rubric)(rubric.part, [c for c in rubric.check if c.id != "update.max"])
    plugin = GradePlugin(
        learner_worker(),
        fewer,
        load_explanations(),
        PUBLIC_KEY,
        FILES,
        parts=frozenset({"update_target"}),
    )
    with contextlib.redirect_stderr(None):
        run_checks(plugin)
    assert plugin.fault is not None
    assert plugin.results == {}


# --- through `grade`, with a worker behind a real channel ---


class Gone:
    """A channel whose process has ended."""

    def __init__(self):
        self.output = OutputLog()
        self.output.add(b"last words")

    def send(self, data, deadline):
        pass

    def receive(self, size, deadline):
        raise ChannelClosed

    def drain(self):
        pass

    def close(self):
        pass


class Host:
    tier = "plain"

    def __init__(self, files):
        self.opened = 0

    def open(self):
        self.opened += 1
        return Gone()

    def close(self):
        pass


def test_not_attempted_and_crashed():
    submitted = Submitted(name="mine", files=dict.fromkeys(FILES, b""), left_out=[])
    report = grade(submitted, Options(only=frozenset({"sample"})), start_host=Host)
    status = {check.id: check.status for check in report.checks}
    assert status["sample.returns_batch"] == "crashed"
    assert {s for c, s in status.items() if not c.startswith("sample.")} == {"not_attempted"}
    assert report.checks[8].output == "last words"
    assert [part.id for part in report.parts if part.attempted] == ["sample"]
    assert (report.score, report.attempted_max, report.max_score) == (0, 20, 100)


def test_the_limits_of_a_grading_are_those_of_the_rubric(monkeypatch):
    limits = Limits(call_cpu_s=2, call_wall_s=5, part_wall_s=60, attempt_wall_s=30)
    rubric = msgspec.structs.replace(load_rubric(), limits=limits)
    sent, attempts = [], []

    def cartpole(*arguments, attempt_wall_s):
        attempts.append(attempt_wall_s)
        return grade_cartpole(*arguments, attempt_wall_s=attempt_wall_s)

    monkeypatch.setattr("grader.grading.load_rubric", lambda **_: rubric)
    monkeypatch.setattr("grader.solving.grade_cartpole", cartpole)
    monkeypatch.setattr(
        Gone,
        "send",
        lambda _self, data, _deadline: sent.append(decode_request(data[HEADER.size :])),
    )
    submitted = Submitted(name="mine", files=dict.fromkeys(FILES, b""), left_out=[])
    grade(submitted, start_host=Host)
    assert {(request.cpu_s, request.wall_s) for request in sent} == {(2, 5)}
    assert attempts == [30]


def test_a_fault_of_the_grader_gives_no_report(monkeypatch):
    monkeypatch.setattr(Worker, "ask", lambda *_a, **_k: (_ for _ in ()).throw(OSError("disk")))
    submitted = Submitted(name="mine", files=dict.fromkeys(FILES, b""), left_out=[])
    with pytest.raises(GraderFault, match="OSError: disk"):
        grade(submitted, Options(only=frozenset({"update_target"})), start_host=Host)


def test_losing_a_worker_is_no_ordinary_exception():
    assert not issubclass(WorkerLost, Exception)

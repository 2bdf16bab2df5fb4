"""Points of whole gradings, and of submissions of which only some parts are right."""

import pytest

FULL = {"q_network": 20, "sample": 20, "update": 35, "update_target": 10}
TODOS = {
    "q_network.builds": "QNetwork.__init__",
    "sample.returns_batch": "ReplayBuffer.sample",
    "update.learns": "DQNAgent.update",
    "update_target.copies": "DQNAgent.update_target",
}
NO_MASK = """
    if len(self.buffer) < batch_size:
        return 0.0
    states, actions, rewards, next_states, dones = self.buffer.sample(batch_size)
    predictions = self.q_net(states).gather(1, actions[:, None])[:, 0]
    with torch.no_grad():
        targets = rewards + self.gamma * self.target_net(next_states).amax(dim=1)
    loss = nn.functional.mse_loss(predictions, targets)
    self.optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(self.q_net.parameters(), MAX_GRAD_NORM)
    self.optimizer.step()
    return loss.item()
"""


def without_times(report):
    """The report without what may differ between two runs."""
    checks = [{k: v for k, v in check.items() if k != "duration_s"} for check in report["checks"]]
    return {k: v for k, v in report.items() if k != "timing"} | {"checks": checks}


@pytest.fixture(scope="module")
def solved(grade):
    return grade("solution", "--fail-under", "100")


def test_the_solution_earns_everything(solved):
    assert solved.returncode == 0
    assert (solved.report["status"], solved.report["score"]) == ("graded", 100)
    assert solved.points == FULL | {"cartpole": 15}
    assert {check["status"] for check in solved.report["checks"]} == {"passed"}
    assert solved.report["advice"] == []
    assert "Score: 100/100" in solved.shown


def test_the_solution_learns_cartpole_by_the_contract(solved):
    solve = solved.report["solve"]
    assert (solve["status"], solve["threshold"], solve["episodes"]) == ("passed", 475.0, 100)
    *failed, last = solve["attempts"]
    assert not any(attempt["solved"] for attempt in failed)
    assert last["solved"]
    assert last["mean_return"] >= 475
    assert last["curve"][-1] == [last["updates"], last["mean_return"]]
    audited = sum(attempt["updates"] for attempt in solve["attempts"])
    assert solve["audit"] == {
        "status": "passed",
        "audited_updates": audited,
        "against": "contract",
    }
    assert not any("seed" in attempt for attempt in solve["attempts"])


def test_two_runs_differ_in_their_times_alone(solved, finish, start):
    again = finish(*start("solution", "--fail-under", "100"))
    assert without_times(again.report) == without_times(solved.report)


@pytest.fixture(scope="module")
def untouched(grade):
    return grade("starter")


def test_the_untouched_starter_earns_nothing(untouched):
    assert untouched.returncode == 0
    assert (untouched.report["status"], untouched.report["score"]) == ("graded", 0)
    assert untouched.points == dict.fromkeys([*FULL, "cartpole"], 0)


def test_every_todo_of_the_starter_is_named(untouched):
    for check_id, todo in TODOS.items():
        check = untouched.check(check_id)
        assert check["status"] == "failed"
        assert f"{todo} is not written yet" in check["observed"]
        assert "TODO" in check["why"]
        assert " ".join(f"{todo} is not written yet".split()) in " ".join(untouched.shown.split())


def test_given_code_of_the_starter_passes(untouched):
    given = [check for check in untouched.report["checks"] if ".given_" in check["id"]]
    assert {check["status"] for check in given} == {"passed"}
    assert len(given) >= 3


def test_cartpole_waits_for_the_parts_it_rests_on(untouched):
    check = untouched.check("cartpole.solved")
    assert (check["status"], check["blocked_by"]) == ("blocked", "q_network.builds")
    assert untouched.report["solve"]["status"] == "blocked"
    assert untouched.report["solve"]["attempts"] == []


def test_update_target_alone_earns_its_ten_points(submission, grade):
    body = {"DQNAgent.update_target": "self.target_net.load_state_dict(self.q_net.state_dict())"}
    grading = grade(submission(base="starter", bodies=body), "--no-solve")
    assert grading.report["score"] == 10
    assert grading.points == dict.fromkeys(FULL, 0) | {"update_target": 10}


def test_a_half_done_submission_keeps_what_is_done(submission, grade):
    todo = 'raise NotImplementedError("later")'
    bodies = {"DQNAgent.update": todo, "DQNAgent.update_target": todo}
    grading = grade(submission(bodies=bodies), "--no-solve")
    assert grading.points == FULL | {"update": 0, "update_target": 0}
    assert "later" in grading.check("update.learns")["observed"]


# --- one file that is broken costs its own points alone ------------------------------------------

OTHERS = {"sample": 20, "update": 35, "update_target": 10}
BROKEN = {
    "wrong": {"bodies": {"QNetwork.forward": "return self.output(x)"}},
    "syntax error": {"files": {"q_network": "import torch\n\nclass QNetwork(:\n    pass\n"}},
    "missing": {"files": {"q_network": None}},
}


@pytest.fixture(scope="module")
def broken(submission, grade):
    known = {}

    def get(kind):
        if kind not in known:
            known[kind] = grade(submission(**BROKEN[kind]))
        return known[kind]

    return get


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_network_keeps_the_points_of_the_others(broken, kind):
    grading = broken(kind)
    assert grading.points == OTHERS | {"q_network": 0, "cartpole": 0}
    assert grading.check("cartpole.solved")["status"] == "blocked"


def test_a_network_of_wrong_dimensions_is_told_as_such(broken):
    assert "5" in broken("wrong").check("q_network.builds")["observed"]


def test_a_syntax_error_is_shown_with_its_line(broken):
    check = broken("syntax error").check("q_network.builds")
    assert check["location"] == {"file": "q_network.py", "line": 3}
    assert "SyntaxError" in check["observed"]
    assert "class QNetwork(:" in check["observed"]
    assert "q_network.py:3" in broken("syntax error").shown


def test_a_missing_file_is_named(broken):
    check = broken("missing").check("q_network.builds")
    assert check["observed"] == "`q_network.py` is not in the submission."
    assert "this exact name" in check["why"]


# --- the same questions for everyone --------------------------------------------------------------


FLOAT64 = """
    fields = zip(*random.sample(self.buffer, batch_size), strict=True)
    return tuple(torch.as_tensor(np.stack(field), dtype=torch.float64) for field in fields)
"""


def test_a_comment_changes_no_counterexample(submission, grade):
    bodies = {"DQNAgent.update": NO_MASK, "ReplayBuffer.sample": FLOAT64}
    ends = dict.fromkeys(("q_network", "replay_buffer", "dqn_agent"), "\n# a comment\n")
    options = ("--only", "sample", "--only", "update", "--no-solve")
    one = grade(submission(bodies=bodies), *options)
    two = grade(submission(bodies=bodies, ends=ends), *options)
    assert one.report["submission"]["sha256"] != two.report["submission"]["sha256"]
    failed = [check for check in one.report["checks"] if check["status"] == "failed"]
    assert "UPDATE_NO_TERMINAL_MASK" in {check["code"] for check in failed}
    assert any(check["reproduce"] for check in failed)
    assert without_times(one.report)["checks"] == without_times(two.report)["checks"]


def test_another_loss_costs_its_own_points_and_can_still_learn(submission, grade):
    huber = """
        if len(self.buffer) < batch_size:
            return 0.0
        states, actions, rewards, next_states, dones = self.buffer.sample(batch_size)
        predictions = self.q_net(states).gather(1, actions[:, None])[:, 0]
        with torch.no_grad():
            best = self.target_net(next_states).amax(dim=1)
        targets = rewards + self.gamma * (1 - dones) * best
        loss = nn.functional.smooth_l1_loss(predictions, targets)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.q_net.parameters(), MAX_GRAD_NORM)
        self.optimizer.step()
        return loss.item()
    """
    grading = grade(submission(bodies={"DQNAgent.update": huber}))
    assert grading.points == FULL | {"update": 32, "cartpole": 15}
    assert grading.check("update.loss")["code"] == "UPDATE_HUBER"
    assert grading.report["solve"]["audit"]["status"] == "passed"
    assert grading.report["solve"]["audit"]["against"] == "UPDATE_HUBER"


def test_what_was_printed_names_no_place_of_this_run(submission, grade):
    prints = """
        import warnings
        warnings.warn("sampled")
        print(object(), __file__)
        raise RuntimeError(__file__)
    """
    once, again = (
        grade(submission(bodies={"ReplayBuffer.sample": prints}), "--no-solve", "--only", "sample")
        for _ in range(2)
    )
    assert "replay_buffer.py" in once.check("sample.returns_batch")["output"]
    assert without_times(once.report) == without_times(again.report) | {
        "submission": once.report["submission"]
    }

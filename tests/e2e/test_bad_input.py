"""Submissions that misbehave: each is told clearly what is wrong, and no other part pays."""

import pytest

FULL = {"q_network": 20, "sample": 20, "update": 35, "update_target": 10}
AGENT = {"update": 35, "update_target": 10}


def only(*parts):
    """Options that grade these parts."""
    return ("--no-solve", *(option for part in parts for option in ("--only", part)))


# --- a class or a method is missing, or has another signature ------------------------------------


def test_missing_classes_and_methods_are_named(submission, grade):
    files = {
        "q_network": "class QNet: ...\n",
        "replay_buffer": (
            "class ReplayBuffer:\n"
            "    def __init__(self, capacity=10_000):\n        self.buffer = []\n"
            "    def push(self, *transition):\n        self.buffer.append(transition)\n"
            "    def __len__(self):\n        return len(self.buffer)\n"
        ),
    }
    ends = {"dqn_agent": "\ndel DQNAgent.update\n"}
    grading = grade(submission(files=files, ends=ends), "--no-solve")
    assert grading.points == dict.fromkeys(FULL, 0) | {"update_target": 10}
    told = grading.check("q_network.builds")["observed"]
    assert told == "`q_network.py` defines no class `QNetwork`; it defines `QNet`."
    assert "has no attribute 'sample'" in grading.check("sample.returns_batch")["observed"]
    assert "has no attribute 'update'" in grading.check("update.learns")["observed"]


def test_other_signatures_are_shown(submission, grade):
    ends = {
        "q_network": "\nQNetwork.__init__ = lambda self: None\n",
        "replay_buffer": "\nReplayBuffer.sample = lambda self: None\n",
        "dqn_agent": "\nDQNAgent.update_target = lambda self, tau: None\n",
    }
    grading = grade(submission(ends=ends), "--no-solve")
    assert grading.points == dict.fromkeys(FULL, 0) | {"update": 35}
    for check_id in ("q_network.builds", "sample.returns_batch", "update_target.copies"):
        assert "TypeError" in grading.check(check_id)["observed"], check_id
        assert "argument" in grading.check(check_id)["observed"], check_id


# --- trouble at import ---------------------------------------------------------------------------

AT_IMPORT = {
    "raises": ('\nraise ValueError("not today")\n', "ValueError: not today"),
    "exits": ("\nimport sys\nsys.exit(0)\n", "tried to end the program (SystemExit)"),
    "is gone": ("\nimport os\nos._exit(0)\n", "the process ended during the call"),
}
LOOP = ("\nwhile True:\n    pass\n", "did not end")


@pytest.mark.parametrize("faults", [("raises", "exits"), ("is gone", "raises")])
def test_the_agent_is_graded_beside_files_that_do_not_import(submission, grade, faults):
    (network, network_told), (buffer, buffer_told) = (AT_IMPORT[fault] for fault in faults)
    grading = grade(submission(ends={"q_network": network, "replay_buffer": buffer}), "--no-solve")
    assert grading.points == AGENT | {"q_network": 0, "sample": 0}
    check = grading.check("q_network.builds")
    assert "`import q_network`" in check["observed"]
    assert network_told in check["observed"]
    check = grading.check("sample.returns_batch")
    assert "`import replay_buffer`" in check["observed"]
    assert buffer_told in check["observed"]


@pytest.mark.parametrize("fault", AT_IMPORT)
def test_an_agent_that_does_not_import_costs_its_own_parts(submission, grade, fault):
    code, told = AT_IMPORT[fault]
    grading = grade(submission(ends={"dqn_agent": code}), *only("sample", *AGENT))
    assert grading.points == {"sample": 20, "update": 0, "update_target": 0}
    # Both parts live in this file; the trouble is told with each of them.
    for check_id in ("update.learns", "update_target.copies"):
        assert told in grading.check(check_id)["observed"]
        assert "`import dqn_agent`" in grading.check(check_id)["observed"]


def test_an_endless_loop_at_import_ends(submission, grade):
    code, told = LOOP
    grading = grade(submission(ends={"q_network": code}), *only("q_network", "update_target"))
    assert grading.points == {"q_network": 0, "update_target": 10}
    check = grading.check("q_network.builds")
    assert check["status"] == "timed_out"
    assert told in check["observed"]
    assert check["location"]["file"] == "q_network.py"


def test_another_default_dtype_costs_no_other_part(submission, grade):
    ends = {"q_network": "\ntorch.set_default_dtype(torch.float64)\n"}
    grading = grade(submission(ends=ends), "--no-solve")
    assert grading.points == FULL | {"q_network": grading.points["q_network"]}
    assert "DEFAULT_DTYPE_CHANGED" in [advice["code"] for advice in grading.report["advice"]]
    assert "default dtype" in grading.shown


# --- trouble in each method ----------------------------------------------------------------------

METHODS = {
    "q_network": ("QNetwork.forward", "q_network.py"),
    "sample": ("ReplayBuffer.sample", "replay_buffer.py"),
    "update": ("DQNAgent.update", "dqn_agent.py"),
    "update_target": ("DQNAgent.update_target", "dqn_agent.py"),
}
FAULTS = {
    "raises": ('raise ValueError("not today")', "failed", "ValueError: not today"),
    "exits": ("import sys\nsys.exit(0)", "failed", "tried to end the program (SystemExit)"),
    "is gone": ("import os\nos._exit(0)", "crashed", "the process ended during the call"),
    "loops": ("while True:\n    pass", "timed_out", "did not end"),
}


@pytest.mark.parametrize("shift", range(len(FAULTS)))
def test_every_fault_in_every_method_is_told_in_its_own_part(submission, grade, shift):
    # A Latin square: over all shifts, every method meets every fault once.
    faults = [list(FAULTS)[(n + shift) % len(FAULTS)] for n in range(len(METHODS))]
    square = dict(zip(METHODS, faults, strict=True))
    bodies = {METHODS[part][0]: FAULTS[fault][0] for part, fault in square.items()}
    grading = grade(submission(bodies=bodies), "--no-solve")
    for part, fault in square.items():
        _code, status, told = FAULTS[fault]
        assert grading.points[part] == 0
        method, file = METHODS[part]
        first = next(c for c in grading.report["checks"] if c["part"] == part and c["observed"])
        assert first["status"] == status
        assert told in first["observed"]
        assert any(name in first["observed"] for name in method.split("."))
        if fault != "is gone":  # nobody is left to say where
            assert first["location"]["file"] == file


@pytest.mark.parametrize("fault", ["is gone", "loops"])
def test_a_broken_copy_costs_a_right_update_nothing(submission, grade, fault):
    bodies = {"DQNAgent.update_target": FAULTS[fault][0]}
    grading = grade(submission(bodies=bodies), *only(*AGENT))
    assert grading.points == {"update": 35, "update_target": 0}


def test_a_broken_update_costs_a_right_copy_nothing(submission, grade):
    grading = grade(submission(bodies={"DQNAgent.update": FAULTS["is gone"][0]}), *only(*AGENT))
    assert grading.points == {"update": 0, "update_target": 10}


# --- answers that are none -----------------------------------------------------------------------

HIDDEN = "x = torch.relu(self.hidden_2(torch.relu(self.hidden_1(x))))\n"
#: Bodies, and what the report says of each part.
ANSWERS = {
    "other types": (
        {
            "QNetwork.forward": "return [[0.0, 0.0]]",
            "ReplayBuffer.sample": "return random.sample(self.buffer, batch_size)",
            "DQNAgent.update": "return 'a loss'",
        },
        {"q_network": "list", "sample": "expected five fields", "update": "no weight of q_net"},
    ),
    "another dtype, or nothing": (
        {
            "QNetwork.forward": HIDDEN + "return self.output(x).double()",
            "ReplayBuffer.sample": "return None",
            "DQNAgent.update": "return None",
        },
        {"q_network": "float64", "sample": "None", "update": "no weight of q_net"},
    ),
    "another shape, or dtype": (
        {
            "QNetwork.forward": HIDDEN + "return self.output(x)[:, :1]",
            "ReplayBuffer.sample": """
                fields = zip(*random.sample(self.buffer, batch_size), strict=True)
                return tuple(torch.as_tensor(np.stack(f), dtype=torch.float64) for f in fields)
            """,
        },
        {"q_network": "shape", "sample": "float64"},
    ),
    "not finite": (
        {
            "QNetwork.forward": HIDDEN + "return self.output(x) + float('inf')",
            "ReplayBuffer.sample": """
                rows = (batch_size,)
                nan = torch.full(rows, float("nan"))
                states = torch.full((batch_size, len(self.buffer[0][0])), float("inf"))
                return states, torch.zeros(rows, dtype=torch.int64), nan, states, nan
            """,
            "DQNAgent.update": """
                with torch.no_grad():
                    for parameter in self.q_net.parameters():
                        parameter.fill_(float("nan"))
                return float("nan")
            """,
        },
        {"q_network": "not finite", "sample": "inf", "update": "not all finite numbers"},
    ),
    "50 MB": (
        {
            "QNetwork.forward": "return torch.zeros(12_500_000)",
            "ReplayBuffer.sample": "return torch.zeros(12_500_000)",
            "DQNAgent.update": 'return "x" * 50_000_000',
        },
        {"q_network": "(12500000,)", "sample": "(12500000,)", "update": "no weight of q_net"},
    ),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_answers_that_are_none_are_told(submission, grade, kind):
    bodies, told = ANSWERS[kind]
    parts = [part for part in FULL if METHODS[part][0] in bodies]
    grading = grade(submission(bodies=bodies), *only(*parts, "update_target"))
    assert grading.points["update_target"] == 10
    for part in parts:
        assert grading.points[part] < FULL[part]
        assert told[part] in grading.told(part)
    assert max(len(check["observed"] or "") for check in grading.report["checks"]) < 1000


def test_answers_that_differ_from_call_to_call_are_found(submission, grade):
    bodies = {
        "QNetwork.forward": """
            x = torch.relu(self.hidden_2(torch.relu(self.hidden_1(x))))
            return self.output(x) + 0.01 * torch.randn(1)
        """,
        "DQNAgent.update_target": """
            self.copies = getattr(self, "copies", 0) + 1
            if self.copies == 1:
                self.target_net.load_state_dict(self.q_net.state_dict())
        """,
    }
    ends = {
        "replay_buffer": """
_sample = ReplayBuffer.sample

def sample(self, batch_size):
    self.calls = getattr(self, "calls", 0) + 1
    states, actions, rewards, next_states, dones = _sample(self, batch_size)
    return states, actions, rewards + float(self.calls > 1), next_states, dones

ReplayBuffer.sample = sample
""",
        "dqn_agent": """
_update = DQNAgent.update

def update(self, batch_size):
    self.calls = getattr(self, "calls", 0) + 1
    return _update(self, batch_size) if self.calls <= 20 else 0.0

DQNAgent.update = update
""",
    }
    grading = grade(submission(bodies=bodies, ends=ends), "--no-solve")
    assert grading.points["q_network"] <= 20 - 2
    assert grading.points["sample"] <= 20 - 4
    assert grading.check("sample.values")["status"] == "failed"
    assert grading.points["update"] == 35 - 1
    assert grading.check("update.many_updates")["status"] == "failed"
    assert grading.points["update_target"] == 10 - 1
    assert grading.check("update_target.repeated")["status"] == "failed"


def test_50_mb_of_prints_cost_nothing_and_are_cut(submission, grade):
    body = """
        print("x" * 50_000_000)
        self.target_net.load_state_dict(self.q_net.state_dict())
        raise ValueError("after printing")
    """
    ends = {"replay_buffer": '\nprint("x" * 50_000_000)\n'}
    changed = submission(bodies={"DQNAgent.update_target": body}, ends=ends)
    grading = grade(changed, *only("sample", "update_target"))
    assert grading.points == {"sample": 20, "update_target": 0}
    check = grading.check("update_target.copies")
    assert "after printing" in check["observed"]
    assert check["output"].startswith("xxx")
    assert len(check["output"]) < 10_000
    assert "more bytes were printed" in check["output"]

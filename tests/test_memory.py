"""Memory that a cgroup limits, read from the files of both versions."""

import pytest

from grader import grading
from grader.grading import GraderFault, Options, grade
from grader.memory import ContainerMemory
from grader.sandbox.intake import Submitted
from grader.sandbox.interface import Refused

EVENTS = "low 0\nmax 12\noom 3\noom_kill {}\n"


@pytest.fixture
def machine(tmp_path):
    """`machine(files)`: a file system with these in it, as `ContainerMemory` sees it."""

    def make(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return ContainerMemory(tmp_path)

    return make


def test_version_2_in_a_container(machine):
    memory = machine(
        {
            "proc/self/cgroup": "0::/\n",
            "sys/fs/cgroup/memory.max": "805306368\n",
            "sys/fs/cgroup/memory.events": EVENTS.format(2),
        }
    )
    assert (memory.limit(), memory.kills()) == (768 << 20, 2)


def test_the_tightest_limit_around_counts_and_the_own_groups_kills(machine):
    memory = machine(
        {
            "proc/self/cgroup": "0::/slice/job\n",
            "sys/fs/cgroup/slice/job/memory.max": "max\n",
            "sys/fs/cgroup/slice/job/memory.events": EVENTS.format(1),
            "sys/fs/cgroup/slice/memory.max": "1048576\n",
            "sys/fs/cgroup/slice/memory.events": EVENTS.format(7),
        }
    )
    assert (memory.limit(), memory.kills()) == (1 << 20, 1)


def test_version_1_under_a_path_of_the_hosts(machine):
    memory = machine(
        {
            "proc/self/cgroup": "5:cpu,cpuacct:/docker/1\n4:memory:/docker/1\n0::/\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "2097152\n",
            "sys/fs/cgroup/memory/memory.oom_control": "oom_kill_disable 0\noom_kill 4\n",
        }
    )
    assert (memory.limit(), memory.kills()) == (2 << 20, 4)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"proc/self/cgroup": "0::/\n"},
        {
            "proc/self/cgroup": "4:memory:/\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        },
    ],
    ids=["another system", "no controller", "no limit"],
)
def test_without_a_limit(machine, files):
    memory = machine(files)
    assert (memory.limit(), memory.kills()) == (None, 0)


# --- gradings ------------------------------------------------------------------------------------

ENDS = b"import os\nclass QNetwork:\n    def __init__(self, *a, **k): os._exit(1)\n"
ONLY = Options(only=frozenset({"q_network"}))


@pytest.fixture
def kernel(monkeypatch):
    """`kernel(kills, limit)`: what the counters say from the second look on."""

    def say(kills, limit=768 << 20):
        looks = iter([0])

        class Said:
            def kills(self):
                return next(looks, kills)

            def limit(self):
                return limit

        monkeypatch.setattr(grading, "ContainerMemory", Said)

    return say


def test_a_worker_that_the_kernel_ended_costs_nobody_a_point(kernel):
    kernel(kills=1)
    with pytest.raises(GraderFault) as caught:
        grade(Submitted("mine", {"q_network.py": ENDS}), ONLY)
    assert str(caught.value) == (
        "the system ended a process of the grading because memory ran out: this container has "
        "768 MB, give it 1536 MB; if it has that, the submission asks for too much"
    )


def test_a_worker_that_ended_itself_does(kernel):
    kernel(kills=0)
    report = grade(Submitted("mine", {"q_network.py": ENDS}), ONLY)
    assert report.score == 0
    assert "crashed" in {check.status for check in report.checks}


def test_kills_of_others_are_nobodys_business(kernel):
    kernel(kills=5)
    report = grade(Submitted("mine", {"q_network.py": b"x = 1\n"}), ONLY)
    assert report.status == "graded"


def test_a_tier_that_had_no_memory_is_not_called_missing(kernel):
    def refuse(_files):
        raise Refused("no isolation works", "doctor")

    kernel(kills=1, limit=None)
    with pytest.raises(GraderFault, match="memory ran out: give it 1536 MB"):
        grade(Submitted("mine", {"q_network.py": b""}), ONLY, start_host=refuse)
    kernel(kills=0)
    with pytest.raises(Refused):
        grade(Submitted("mine", {"q_network.py": b""}), ONLY, start_host=refuse)

"""The plain tier: both kinds of host serve alike, hold nothing of the caller's, leave nothing."""

import contextlib
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from grader.client import Worker, WorkerLost
from grader.protocol.arrays import from_numpy
from grader.protocol.messages import (
    BufferTrace,
    Length,
    Load,
    Loaded,
    NetworkTrace,
    PlayBuffer,
    PlayNetwork,
    Sample,
)
from grader.sandbox import process
from grader.sandbox.hosts import ForkHost, SingleHost, can_fork
from grader.sandbox.interface import SandboxFault
from grader.sandbox.plain import Plain, start_plain
from grader.sandbox.stage import Stage

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks into /proc")

FILES = {
    "q_network.py": b"""
import json, os, sys
import torch
from torch import nn

class QNetwork(nn.Module):
    def __init__(self, state_dim, action_dim, hidden_dim=8):
        super().__init__()
        self.layer = nn.Linear(state_dim, action_dim)

    def forward(self, x):
        if x.shape[0] == 9:
            os.kill(os.getpid(), 9)
        print("forward", tuple(x.shape))
        return torch.dropout(self.layer(x), 0.5, True)
""",
    "replay_buffer.py": b"""
import os, random, secrets, sys, uuid
from pathlib import Path
import numpy as np
import torch

class ReplayBuffer:
    def __init__(self, capacity=10):
        pass

    def __len__(self):
        return 7

    def sample(self, batch_size):
        if batch_size == 1:
            raise LookupError(os.getpid())
        if batch_size == 2:  # a child, and a daemon whose parent is gone
            if os.fork() == 0:
                if os.fork() == 0:
                    __import__("time").sleep(60)
                os._exit(0)
            if os.fork() == 0:
                __import__("time").sleep(60)
        numbers = [
            random.random(),
            np.random.default_rng().random(),
            np.random.random(),
            float(torch.rand(())),
            int.from_bytes(os.urandom(4), "big"),
            secrets.randbelow(10**6),
            float(uuid.uuid4().int % 10**6),
            random.SystemRandom().random(),
            float(hash("a string") % 10**6),
        ]
        return (torch.tensor(numbers, dtype=torch.float64),) * 5
""",
    "dqn_agent.py": b"import q_network\nclass DQNAgent: ...\n",
}
KINDS = [
    pytest.param(ForkHost, marks=pytest.mark.skipif(not can_fork(), reason="no fork here")),
    SingleHost,
]


def sample(size, times=1):
    return PlayBuffer(capacity=None, operations=[Sample(batch_size=size, times=times)])


def forward(rows=2):
    inputs = [from_numpy(np.full((rows, 3), 0.5, np.float32))]
    return PlayNetwork(state_dim=3, action_dim=2, hidden_dim=None, weights=None, inputs=inputs)


def load(worker, module):
    loaded = worker.ask(Load(module=module, siblings={}), Loaded)
    assert loaded.raised is None
    return loaded


@pytest.fixture(scope="module")
def hosts():
    """One host of each kind, started when first asked for."""
    os.environ["CANARY_OF_THE_CALLER"] = "sings"
    started = {}

    def get(kind):
        if kind not in started:
            started[kind] = kind(FILES, Plain())
        return started[kind]

    yield get
    for host in started.values():
        host.close()
    del os.environ["CANARY_OF_THE_CALLER"]


@pytest.fixture(scope="module", params=KINDS, ids=["fork", "single"])
def host(request, hosts):
    return hosts(request.param)


@pytest.fixture(scope="module")
def shared(host):
    """A worker whose process serves several tests; a lost one is replaced."""
    return Worker(host)


@pytest.fixture
def inside(host, shared):
    """What the submission sees of its process, as the message of an exception of its own."""

    def look(expression):
        module = host._stage.submission / "q_network.py"
        module.write_text(
            "import json, os, sys\nfrom pathlib import Path\n"
            f"raise LookupError(json.dumps({expression}))\n"
        )
        try:
            loaded = shared.ask(Load(module="q_network", siblings={}), Loaded)
        finally:
            module.write_bytes(FILES["q_network.py"])
        assert loaded.raised.type == "LookupError", loaded.raised
        return json.loads(loaded.raised.message)

    return look


def test_the_environment_is_the_fixed_one(inside, host):
    names = inside("sorted(os.environ)")
    expected = set(process.worker_environment(host._stage.scratch))
    assert set(names) - {"LC_CTYPE"} == expected
    assert "CANARY_OF_THE_CALLER" not in names
    assert not {"PATH", "PYTHONPATH", "VIRTUAL_ENV", "USER"} & set(names)
    assert inside("os.environ['PYTHONHASHSEED']") == "0"


def test_no_value_of_the_callers_is_in_the_environment(inside, host):
    assert inside("[k for k, v in os.environ.items() if 'sings' in v]") == []
    # … nor in that which the process was started with.
    assert inside("b'sings' in Path('/proc/self/environ').read_bytes()") is False
    if isinstance(host, ForkHost):
        path = f"/proc/{host._process.pid}/environ"
        assert inside(f"b'sings' in Path({path!r}).read_bytes()") is False


def test_only_the_three_files_are_staged(inside):
    assert inside("sorted(os.listdir(Path(__file__).parent))") == sorted(FILES)
    assert inside("sorted(os.listdir(Path(__file__).parent.parent))") == ["scratch", "submission"]


def test_the_working_folder_is_an_empty_scratch_folder(inside):
    # The path of the stage is replaced in messages: compare inside.
    assert inside("Path.cwd() == Path(__file__).parent.parent / 'scratch'") is True
    assert inside("os.listdir()") == []
    assert inside("os.environ['HOME'] == os.environ['TMPDIR'] == os.getcwd()") is True


def test_the_only_descriptors_are_streams_and_channel(inside):
    kinds = inside(
        "sorted(os.readlink(f'/proc/self/fd/{n}').split(':')[0]"
        " for n in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{n}'))"
    )
    # Standard streams, and the channel: a socket, or one pipe each way.
    assert set(kinds) <= {"/dev/null", "pipe", "socket"}
    assert kinds.count("socket") <= 1
    assert len(kinds) <= 6


def test_standard_input_is_empty(inside):
    assert inside("sys.stdin.read()") == ""


def test_the_search_path_holds_neither_the_checkout_nor_the_callers_folder(inside):
    checkout = str(Path(process.__file__).resolve().parents[2])
    assert inside(f"[p for p in sys.path if p in ('', '.', {checkout!r}, {os.getcwd()!r})]") == []
    assert inside("sys.flags.no_user_site") == 1


def test_equal_traces_prints_and_entropy_on_both_kinds_of_host(hosts):
    if not can_fork():
        pytest.skip("no fork here")
    told = []
    for kind in (ForkHost, SingleHost):
        worker = Worker(hosts(kind))
        names = load(worker, "q_network").names
        network = worker.ask(forward(), NetworkTrace)
        prints = worker.take_output()
        load(worker, "replay_buffer")
        operations = [Sample(batch_size=3), Length(), Sample(batch_size=3, times=2)]
        buffer = worker.ask(PlayBuffer(capacity=4, operations=operations), BufferTrace)
        told.append((names, network, prints, buffer))
    forked, single = told
    assert forked == single
    assert forked[1].raised is None
    assert forked[1].outputs[0].array.shape == (2, 2)
    assert forked[2] == "forward (2, 3)\n" * 2
    assert forked[3].raised is None
    assert forked[3].results[1].length == 7


def test_a_killed_child_is_a_lost_worker_and_the_next_request_has_a_fresh_one(host, inside):
    before = inside("os.getpid()")
    worker = Worker(host)
    load(worker, "q_network")
    assert gone([before]), "opening ends the process opened before"
    with pytest.raises(WorkerLost, match="the process ended during the call") as caught:
        worker.ask(forward(rows=9), NetworkTrace)
    assert caught.value.status == "crashed"
    assert not worker.alive
    load(worker, "q_network")
    assert worker.started == 2
    assert worker.ask(forward(), NetworkTrace).raised is None


def test_a_child_killed_from_outside_between_requests(hosts):
    host = hosts(ForkHost if can_fork() else SingleHost)
    worker = Worker(host)
    load(worker, "replay_buffer")
    told = worker.ask(sample(1), BufferTrace).raised.message
    os.kill(int(told), signal.SIGKILL)
    with pytest.raises(WorkerLost, match="ended"):
        worker.ask(sample(3), BufferTrace)
    load(worker, "replay_buffer")
    assert worker.ask(sample(3), BufferTrace).raised is None


def until(holds, seconds=5.0):
    """Whether it holds within so many seconds."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def gone(pids):
    """Whether these processes end soon."""
    return until(lambda: not any(alive(pid) for pid in pids))


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.fixture
def own_host(request):
    """A host of the test's own, which it may harm."""
    host = request.param(FILES, Plain())
    yield host
    host.close()


both = pytest.mark.parametrize("own_host", KINDS, ids=["fork", "single"], indirect=True)
forking = pytest.mark.parametrize("own_host", KINDS[:1], ids=["fork"], indirect=True)


@both
def test_closing_leaves_no_process_no_folder_and_no_descriptor(own_host, living):
    root = own_host._stage.root
    worker = Worker(own_host)
    load(worker, "replay_buffer")
    assert worker.ask(sample(2), BufferTrace).raised is None
    (own_host._stage.scratch / "left").write_text("something")
    # The worker, its two forks, and the prepared parent or the process prepared next.
    assert until(lambda: len(living(root.name)) == 4)
    running = living(root.name)
    own_host.close()
    assert gone(running)
    assert living(root.name) == set()
    assert not root.exists()


@both
def test_closing_at_once_leaves_nothing(own_host, living):
    root = own_host._stage.root
    own_host.close()
    assert not root.exists()
    assert living(root.name) == set()


@both
def test_closing_leaves_no_descriptor(own_host):
    def opened():
        return len(os.listdir("/proc/self/fd"))

    load(Worker(own_host), "replay_buffer")
    before = opened()
    load(Worker(own_host), "replay_buffer")
    assert until(lambda: opened() <= before), "each opening keeps some"
    own_host.close()


@forking
@pytest.mark.parametrize("how", ["ready", "while importing", "stopped"])
def test_a_parent_killed_from_outside_is_renewed(own_host, how):
    worker = Worker(own_host)
    if how == "while importing":
        time.sleep(0.2)
    else:
        load(worker, "replay_buffer")
    parent = own_host._process.pid
    os.kill(parent, signal.SIGSTOP if how == "stopped" else signal.SIGKILL)
    worker = Worker(own_host)
    if how == "stopped":  # noticed by its silence at the latest
        with contextlib.suppress(WorkerLost):
            worker.ask(sample(3), BufferTrace, cpu_s=0.2, wall_s=0.2)
    else:
        own_host._process.wait()
    try:
        loaded = worker.ask(Load(module="replay_buffer", siblings={}), Loaded, wall_s=2)
        assert loaded.raised is None
    except WorkerLost as lost:
        pytest.fail(f"the parent is not renewed: {lost}")
    assert own_host._process.pid != parent


def test_a_worker_that_cannot_start_is_a_fault_of_the_sandbox(monkeypatch, tmp_path):
    broken = tmp_path / "bootstrap.py"
    broken.write_text("import sys; sys.exit('no torch here')")
    monkeypatch.setattr(process, "BOOTSTRAP", broken)
    for kind in KINDS if can_fork() else KINDS[1:]:
        host = (kind.values[0] if hasattr(kind, "values") else kind)(FILES, Plain())
        root = host._stage.root
        with pytest.raises(SandboxFault, match="did not start:\nno torch here"):
            host.open()
        host.close()
        assert not root.exists()


def test_no_interpreter_is_a_fault_of_the_sandbox_and_leaves_no_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(SandboxFault, match="cannot start a worker"):
        start_plain(FILES)
    assert list(tmp_path.iterdir()) == []


def test_a_stage_holds_copies_of_the_files():
    stage = Stage({"q_network.py": b"# \xff\r\n"})
    try:
        assert (stage.submission / "q_network.py").read_bytes() == b"# \xff\r\n"
        assert stage.root.stat().st_mode & 0o077 == 0
    finally:
        stage.remove()
    assert not stage.root.exists()


def test_the_host_fits_the_platform():
    host = start_plain({})
    try:
        assert type(host) is (ForkHost if can_fork() else SingleHost)
        assert host.tier == "plain"
    finally:
        host.close()

"""In a box, the prepared parent serves submission after submission, unless one left a trace."""

import json

import pytest

from grader.client import Worker
from grader.protocol.messages import Load, Loaded
from grader.sandbox.hosts import ForkHost, can_fork
from grader.sandbox.interface import SandboxFault
from grader.sandbox.tiers import FINDERS, start_strongest

LOOK = "import json, os, sys\nraise LookupError(json.dumps({}))\n"


@pytest.fixture(scope="module", params=["bubblewrap", "landlock", "uid+seccomp"])
def host(request):
    """One prepared host for all submissions here."""
    if not can_fork():
        pytest.skip("no fork here")
    try:
        host = ForkHost({}, FINDERS[request.param]())
        host.open()
    except SandboxFault as fault:
        pytest.skip(str(fault))
    yield host
    host.close()


def seen(host, expression):
    """Serve a file that says what it sees."""
    host.serve({"q_network.py": LOOK.format(expression).encode()})
    return json.loads(
        Worker(host).ask(Load(module="q_network", siblings={}), Loaded).raised.message
    )


def parent(host):
    return host._process.pid


def test_the_parent_stays_when_nothing_was_left(host):
    assert seen(host, "os.listdir()") == []
    before = parent(host)
    assert seen(host, "sorted(os.listdir(os.path.dirname(__file__)))") == ["q_network.py"]
    # Where files can be left elsewhere too, it never stays.
    assert (parent(host) == before) == host._launcher.children_apart


LEFT = {
    "a file": "open('note', 'w').write('x')",
    "a file that is gone again": "[open('note', 'w').close(), os.unlink('note')]",
    "a folder": "os.mkdir('folder')",
    "a link": "os.symlink('/', 'link')",
}


@pytest.mark.parametrize("deed", LEFT.values(), ids=LEFT)
def test_whoever_leaves_a_trace_costs_a_parent_and_shows_the_next_nothing(host, deed):
    seen(host, f"[{deed}][:0]")
    before = parent(host)
    assert seen(host, "os.listdir()") == []
    assert parent(host) != before


def test_another_submission_is_served_in_whatever_tier_works():
    host = start_strongest({"q_network.py": b"class First: ...\n"})
    try:
        load = Load(module="q_network", siblings={})
        assert Worker(host).ask(load, Loaded).names == ["First"]
        host.serve({"q_network.py": b"class Second: ...\n"})
        assert Worker(host).ask(load, Loaded).names == ["Second"]
    finally:
        host.close()

"""Every act that is named is there, every act that is there is named, and each leaves no trace."""

import contextlib
import inspect
import os

import pytest

from grader.confine.acts import BEHIND, COSTLY, EVERY, FORBIDDEN, NEEDED, registry
from grader.confine.acts.ways import Refused, first, told


def test_names_and_acts_agree():
    public = {
        name
        for module in registry._MODULES
        for name, thing in vars(module).items()
        if inspect.isfunction(thing)
        and thing.__module__ == module.__name__
        and not name.startswith("_")
    }
    assert set(registry.load_acts()) == set(EVERY) == public
    assert len(EVERY) == len(FORBIDDEN) + len(COSTLY) + len(NEEDED) + len(BEHIND)


def test_every_act_says_what_it_is():
    for name, act in registry.load_acts().items():
        assert act.__doc__, name
        assert act.__doc__.splitlines()[0].endswith(".")


def fails(error):
    def way():
        raise error

    return way


def test_the_first_way_that_leads_somewhere_is_told():
    ways = {"a": fails(OSError(13, "no")), "b": lambda: "found", "c": fails(RuntimeError("no"))}
    assert first(ways) == "b: found"
    assert first({"quiet": lambda: None}) == "quiet"


def test_no_way():
    with pytest.raises(Refused, match="b: EPERM"):
        first({"a": fails(MemoryError()), "b": fails(PermissionError(1, "no"))})
    with pytest.raises(Refused, match="no way"):
        first({})
    assert told(RuntimeError()) == "RuntimeError"


@pytest.mark.parametrize("act", ["change_mounts", "administer", "steer_others"])
def test_without_any_wall_the_machine_stays_as_it_is(forked, act):
    """They are tried by root, too, where a wall is missing."""

    def work():
        before = state(os.getppid())
        targets = {"judge": str(os.getppid())}
        with contextlib.suppress(Refused):
            registry.load_acts()[act](targets)
        return state(os.getppid()) == before

    assert forked(work) == (True, True)


def state(pid):
    """The mounts and the name that this process sees, and how the other one is scheduled."""
    with open("/proc/self/mountinfo") as mounts:
        return (
            mounts.read(),
            os.uname(),
            os.getpriority(os.PRIO_PROCESS, pid),
            os.sched_getaffinity(pid),
            os.sched_getscheduler(pid),
        )

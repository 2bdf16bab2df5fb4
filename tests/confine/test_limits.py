"""Every limit bites, the tasks of a user are counted, and another user is another user."""

import os
import sys

import pytest

from grader.confine.limits import LIMITS, MAX_TASKS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="walls are put up on Linux only")
root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root to become another"
)
OWNER = 0x7ABCDE00
#: The act that a limit refuses, and what it is given to exceed.
EXCESSES = {
    "RLIMIT_AS": ("use_memory", {"address_space": str(LIMITS["RLIMIT_AS"])}),
    "RLIMIT_FSIZE": ("write_large_file", {"file_bytes": str(LIMITS["RLIMIT_FSIZE"])}),
    "RLIMIT_NOFILE": ("open_files", {"open_files": str(LIMITS["RLIMIT_NOFILE"])}),
    "RLIMIT_CORE": ("dump_core", {}),
    "RLIMIT_CPU": ("burn", {"cpu_s": "1"}),
}


def test_every_limit_has_an_act():
    assert set(EXCESSES) == set(LIMITS)


@pytest.mark.parametrize("limit", LIMITS)
def test_without_its_limit_the_act_succeeds(attempt, limit):
    act, targets = EXCESSES[limit]
    limits = LIMITS | ({"RLIMIT_CPU": 1} if act == "burn" else {})
    done, told = attempt(act, targets, limits=limits)
    assert not done, told
    del limits[limit]
    if act == "open_files":
        import resource

        if resource.getrlimit(resource.RLIMIT_NOFILE)[0] <= LIMITS[limit]:
            pytest.skip("this machine's own limit is lower")
    done, told = attempt(act, targets, limits=limits)
    assert done, told


@root
def test_tasks_are_counted_for_an_owner(attempt):
    targets = {"tasks": str(MAX_TASKS)}
    done, told = attempt("start_threads", targets, owner=OWNER, tasks=MAX_TASKS)
    assert (done, told) == (False, "RuntimeError: can't start new thread")
    assert attempt("start_threads", targets, owner=OWNER)[0]


@root
def test_tasks_of_other_programs_are_allowed_for(forked):
    """Where the user has more tasks already, the limit is above their number, and is one."""
    from grader.confine.identity import become
    from grader.confine.limits import limit_tasks

    def work():
        import resource
        import threading

        become(OWNER)
        done = threading.Event()
        for _ in range(20):
            threading.Thread(target=done.wait, daemon=True).start()
        limit_tasks(4)
        done.set()
        return resource.getrlimit(resource.RLIMIT_NPROC)

    assert forked(work) == (True, [64, 64])


@root
def test_another_user_has_nothing_of_roots(attempt):
    targets = {"owner": str(OWNER)}
    done, told = attempt("hold_rights", targets, owner=OWNER)
    assert not done, told
    done, told = attempt("hold_rights", targets)
    assert done


@root
def test_modules_are_found_where_the_user_may_not_pass(forked, tmp_path):
    """A folder that is open to all below one that is not, as an interpreter in root's home."""
    from grader.confine.box import Box
    from grader.confine.enter import enter

    package = tmp_path / "closed" / "lib" / "found_again"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "late.py").write_text("WORD = 'found'\n")
    (tmp_path / "closed").chmod(0o700)
    library = str(package.parent)

    def work():
        sys.path.insert(0, library)
        import found_again

        enter(Box(owner=OWNER, readable=(library,)))
        assert not os.access(library, os.R_OK)
        from found_again import late

        return late.WORD, found_again.__path__[0].startswith("/proc/self/fd/")

    assert forked(work) == (True, ["found", True])

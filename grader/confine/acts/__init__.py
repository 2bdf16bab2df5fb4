"""What submitted code must not be able to do, tried out: each act returns what it got.

An act that is refused raises. Acts look for any way; one that leads somewhere is enough. They run
in a process of their own, inside the box, before anything of a submission is loaded. Whoever tries
them, root without any box included, finds everything unchanged afterwards.
"""

from __future__ import annotations

from grader.confine.acts import excesses, files, holdings, kernel, needed, processes
from grader.confine.acts.ways import Act


def _named(*acts: Act) -> dict[str, Act]:
    return {act.__name__: act for act in acts}


#: Must be refused, and cost next to nothing: tried at each start.
FORBIDDEN = _named(
    files.read_canary,
    files.read_outside,
    files.write_outside,
    files.change_metadata,
    files.truncate,
    processes.see_processes,
    processes.list_processes,
    processes.signal_others,
    processes.steer_others,
    processes.trace,
    processes.fork,
    processes.execute,
    kernel.open_sockets,
    kernel.make_namespace,
    kernel.change_mounts,
    kernel.use_handles,
    kernel.use_rings,
    kernel.use_kernel,
    kernel.administer,
    kernel.share_memory,
    kernel.make_memory_file,
    kernel.call_newer,
    holdings.hold_rights,
    holdings.hold_descriptors,
    holdings.read_environment,
    holdings.learn_name,
)
#: Must be refused, but take long, take much or end the process: for `doctor` and the tests.
COSTLY = _named(
    kernel.call_foreign,
    excesses.start_threads,
    excesses.use_memory,
    excesses.write_large_file,
    excesses.fill_scratch,
    excesses.open_files,
    excesses.dump_core,
    excesses.burn,
    processes.leave_daemon,
)
#: Must succeed.
NEEDED = _named(needed.use_scratch, needed.read_submission, needed.start_thread)
#: What a wall keeps off that another one hides: tried by the tests with that other one down.
BEHIND = _named(kernel.connect, kernel.listen, kernel.find_memory, processes.signal_judge)
EVERY = FORBIDDEN | COSTLY | NEEDED | BEHIND

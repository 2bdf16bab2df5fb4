"""What submitted code must not be able to do, by name; `registry` has the acts themselves.

An act returns what it got, and raises where it is refused. Acts look for any way; one that leads
somewhere is enough. They run in a process of their own, inside the box, before anything of a
submission is loaded. Whoever tries them, root without any box included, finds everything unchanged
afterwards.
"""

from __future__ import annotations

#: Must be refused, and cost next to nothing: tried at each start.
FORBIDDEN = (
    "read_canary",
    "read_outside",
    "write_outside",
    "change_metadata",
    "truncate",
    "see_processes",
    "list_processes",
    "signal_others",
    "steer_others",
    "trace",
    "fork",
    "execute",
    "open_sockets",
    "make_namespace",
    "change_mounts",
    "use_handles",
    "use_rings",
    "use_kernel",
    "administer",
    "share_memory",
    "make_memory_file",
    "call_newer",
    "hold_rights",
    "hold_descriptors",
    "read_environment",
    "learn_name",
)
#: Must be refused, but take long, take much or end the process: for `doctor` and the tests.
COSTLY = (
    "call_foreign",
    "start_threads",
    "use_memory",
    "write_large_file",
    "fill_scratch",
    "open_files",
    "dump_core",
    "burn",
    "leave_daemon",
)
#: Must succeed.
NEEDED = ("use_scratch", "read_submission", "start_thread")
#: What a wall keeps off that another one hides: tried by the tests with that other one down.
BEHIND = ("connect", "find_memory")
EVERY = (*FORBIDDEN, *COSTLY, *NEEDED, *BEHIND)

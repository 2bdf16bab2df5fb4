"""Resource limits of the operating system, as data, and setting them."""

from __future__ import annotations

import os

#: Set on every worker, where the platform has them. Torch alone takes about 0.7 GiB of address
#: space; CPU seconds are of one process, a last guard far above any grading run.
LIMITS: dict[str, int] = {
    "RLIMIT_AS": 6 * 1024**3,
    "RLIMIT_FSIZE": 64 * 1024**2,
    "RLIMIT_NOFILE": 256,
    "RLIMIT_CORE": 0,
    "RLIMIT_CPU": 900,
}
#: Processes and threads of one worker at a time: the prepared parent, its child, and threads.
MAX_TASKS = 64


def limit_resources(limits: dict[str, int]) -> None:
    """Set these limits for good; those that the platform has not or refuses are passed over."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for name, value in limits.items():
        which = getattr(resource, name, None)
        if which is None:
            continue
        _soft, hard = resource.getrlimit(which)
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        try:
            resource.setrlimit(which, (value, value))
        except (ValueError, OSError):
            continue  # macOS refuses some of them; the judge's limits hold all the same


def limit_tasks(most: int) -> None:
    """Allow so many processes and threads at a time.

    The kernel counts all tasks of the user, within the user namespace since Linux 5.14. An owner of
    the box's own, or a namespace of its own, make that this worker's tasks. Elsewhere the user's
    other programs count too: then the limit is twice the first power of two that lets a process
    start. Too high, therefore, but a limit. It does nothing for root.
    """
    import resource

    _soft, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    ceiling = 1 << 22 if hard == resource.RLIM_INFINITY else hard
    limit = most
    while limit < ceiling:
        resource.setrlimit(resource.RLIMIT_NPROC, (limit, hard))
        if _can_start():
            break
        limit *= 2
    limit = min(limit if limit == most else 2 * limit, ceiling)
    resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))


def _can_start() -> bool:
    try:
        pid = os.fork()
    except BlockingIOError:
        return False
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return True

"""What submitted code must not be able to do, tried out: each act returns what it got.

An act that is refused raises. Acts look for any way, and one that succeeds is enough. They run in
a process of their own, inside the box, before anything of a submission is loaded.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

from grader.confine.libc import call, system_call
from grader.confine.syscalls import number, this_machine

Targets = dict[str, str]
Act = Callable[[Targets], str]


class Refused(Exception):
    """None of the ways tried led anywhere."""


def _first(ways: dict[str, Callable[[], object]]) -> str:
    """The first way that leads somewhere; `Refused` with the reason of the last when none does."""
    reason = "no way"
    for name, way in ways.items():
        try:
            result = way()
        except (Refused, OSError, RuntimeError, MemoryError, ValueError) as error:
            reason = f"{name}: {_told(error)}"
        else:
            return f"{name}: {result}"[:200]
    raise Refused(reason)


def _told(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno is not None:
        return errno.errorcode.get(error.errno, str(error.errno))
    return str(error) or type(error).__name__


def _number(name: str) -> int:
    machine = this_machine()
    which = number(name, machine) if machine is not None else None
    if which is None:
        raise Refused("no such system call")
    return which


def _system(name: str, *arguments: object) -> Callable[[], object]:
    def way() -> object:
        return system_call(_number(name), *arguments)

    return way


# --- reading and writing -------------------------------------------------------------------------


def read_canary(targets: Targets) -> str:
    """Read a file of the judge's; what is in it is the judge's to compare."""
    return Path(targets["canary"]).read_text(encoding="ascii")


def read_outside(targets: Targets) -> str:
    """Read files that are no business of a submission's, or find them in their folders."""
    ways: dict[str, Callable[[], object]] = {}
    for path in targets["hidden"].split(":"):
        ways[f"open {path}"] = lambda p=path: open(p, "rb").close()  # noqa: SIM115
        ways[f"find {path}"] = lambda p=path: _found(p)
    return _first(ways)


def _found(path: str) -> str:
    if os.path.basename(path) in os.listdir(os.path.dirname(path)):
        return "found"
    raise Refused("not there")


def write_outside(targets: Targets) -> str:
    """Make or change a file anywhere but in the scratch folder."""
    ways: dict[str, Callable[[], object]] = {}
    for folder in targets["unwritable"].split(":"):
        path = os.path.join(folder, f"probe-{os.getpid()}")
        ways[f"make {path}"] = lambda p=path: _made(p)
        ways[f"folder {path}"] = lambda p=path: os.mkdir(p)
    for path in targets["untouchable"].split(":"):
        ways[f"append to {path}"] = lambda p=path: open(p, "ab").close()  # noqa: SIM115
    return _first(ways)


def _made(path: str) -> str:
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    os.unlink(path)
    return "made"


def change_metadata(targets: Targets) -> str:
    """Change the mode or the times of a file, to what they are already."""
    ways: dict[str, Callable[[], object]] = {}
    for path in targets["untouchable"].split(":"):
        ways[f"chmod {path}"] = lambda p=path: os.chmod(p, os.stat(p).st_mode & 0o7777)
        ways[f"utime {path}"] = lambda p=path: os.utime(p, ns=_times(p))
        ways[f"fchmod {path}"] = lambda p=path: _fchmod(p)
    return _first(ways)


def _times(path: str) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_atime_ns, status.st_mtime_ns


def _fchmod(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fchmod(descriptor, os.fstat(descriptor).st_mode & 0o7777)
    finally:
        os.close(descriptor)


def truncate(targets: Targets) -> str:
    """Empty a file without opening it for writing."""
    ways: dict[str, Callable[[], object]] = {}
    for path in targets["untouchable"].split(":"):
        ways[f"truncate {path}"] = lambda p=path: os.truncate(p, os.path.getsize(p))
    own = os.path.join(targets["scratch"], f"own-{os.getpid()}")
    Path(own).write_bytes(b"own")
    for path in (own, targets["canary"]):
        for mode in (os.O_RDONLY, 3):
            ways[f"open {path} {mode}"] = lambda p=path, m=mode: os.open(p, m | os.O_TRUNC)
    try:
        return _first(ways)
    finally:
        os.unlink(own)


# --- other processes -----------------------------------------------------------------------------


def see_processes(targets: Targets) -> str:
    """Learn of the judge's process or look into it."""
    judge = int(targets["judge"])
    return _first(
        {
            "environment": lambda: Path(f"/proc/{judge}/environ").read_bytes()[:20],
            "memory": lambda: open(f"/proc/{judge}/mem", "rb").close(),  # noqa: SIM115
            "files": lambda: os.listdir(f"/proc/{judge}/fd"),
            "parent's memory": lambda: open(f"/proc/{os.getppid()}/mem", "rb").close(),  # noqa: SIM115
        }
    )


def list_processes(targets: Targets) -> str:
    """List the machine's processes."""
    return _first({"/proc": lambda: Path(f"/proc/{targets['judge']}/cmdline").read_bytes()[:40]})


def signal_others(targets: Targets) -> str:
    """Reach the judge or the prepared parent with a signal that does nothing."""
    judge, parent, nothing = int(targets["judge"]), os.getppid(), 0
    ways: dict[str, Callable[[], object]] = {}
    for name, pid in (("judge", judge), ("parent", parent)):
        if pid:
            ways[f"kill {name}"] = lambda p=pid: os.kill(p, nothing)
            ways[f"tkill {name}"] = _system("tkill", pid, 0)
            ways[f"tgkill {name}"] = _system("tgkill", pid, pid, 0)
            ways[f"pidfd of {name}"] = _system("pidfd_open", pid, 0)
    ways["own group"] = lambda: os.kill(0, nothing)
    ways["everybody"] = lambda: os.kill(-1, nothing)
    ways["by a descriptor"] = _own_descriptor
    return _first(ways)


def _own_descriptor() -> None:
    """Name another process as the one to be told of a descriptor's input."""
    import fcntl

    reading, writing = os.pipe()
    try:
        fcntl.fcntl(reading, fcntl.F_SETOWN, os.getppid() or 1)
    finally:
        os.close(reading)
        os.close(writing)


def steer_others(targets: Targets) -> str:
    """Change limits, priority or placement of another process."""
    parent = os.getppid() or int(targets["judge"])
    limits = (ctypes.c_uint64 * 2)()
    return _first(
        {
            "limits": _system("prlimit64", parent, 0, None, ctypes.byref(limits)),
            "priority": lambda: os.setpriority(os.PRIO_PROCESS, parent, 19),
            "placement": lambda: os.sched_setaffinity(parent, os.sched_getaffinity(0)),
            "scheduling": lambda: os.sched_setscheduler(
                parent, os.SCHED_OTHER, os.sched_param(0)
            ),
        }
    )


def trace(targets: Targets) -> str:
    """Trace a process or read and write its memory past the file system."""
    page = ctypes.create_string_buffer(8)
    vector = (ctypes.c_uint64 * 2)(ctypes.addressof(page), 8)
    parent = os.getppid() or os.getpid()
    own = ctypes.byref(vector)
    return _first(
        {
            "traceme": _system("ptrace", 0, 0, None, None),
            "seize the parent": _system("ptrace", 0x4206, parent, None, None),
            "read own memory": _system("process_vm_readv", os.getpid(), own, 1, own, 1, 0),
            "compare": _system("kcmp", os.getpid(), os.getpid(), 0, 0, 0),
        }
    )


def fork(_targets: Targets) -> str:
    """Start a process."""

    def plain() -> str:
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        return "a process"

    def raw() -> str:
        pid = system_call(_number("clone"), int(signal.SIGCHLD), 0, 0, 0, 0)
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        return "a process"

    return _first({"fork": plain, "clone": raw})


def execute(_targets: Targets) -> str:
    """Execute another program; without a fork that replaces this process, which then reports."""
    missing = "/no/such/program"
    try:
        os.execv(missing, [missing])
    except FileNotFoundError:
        return "only the program was missing"
    return "executed"


# --- the kernel ----------------------------------------------------------------------------------


def open_sockets(_targets: Targets) -> str:
    """Open a socket of any family."""
    kinds = (socket.SOCK_STREAM, socket.SOCK_DGRAM, 3, 5)
    ways: dict[str, Callable[[], object]] = {
        f"family {family}, type {int(kind)}": lambda f=family, k=kind: socket.socket(f, k).close()
        for family in range(1, 47)
        for kind in kinds
    }
    ways["pair"] = lambda: [end.close() for end in socket.socketpair()]
    return _first(ways)


def make_namespace(_targets: Targets) -> str:
    """Leave for a namespace of one's own, in which everything is allowed."""
    new_user, new_mount = 0x10000000, 0x00020000
    return _first(
        {
            "user": _system("unshare", new_user),
            "mount": _system("unshare", new_mount),
            "join": _system("setns", 0, 0),
            "clone": lambda: _cloned(new_user),
            "clone3": _system("clone3", None, 0),
        }
    )


def _cloned(flags: int) -> str:
    pid = system_call(_number("clone"), flags | int(signal.SIGCHLD), 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return "a process in a namespace"


def _exists(name: str, *arguments: object) -> Callable[[], object]:
    """Whether the kernel looks at the arguments, which are wrong, rather than refuse the call."""

    def way() -> object:
        try:
            return system_call(_number(name), *arguments)
        except OSError as error:
            if error.errno in (errno.EPERM, errno.ENOSYS, errno.EACCES):
                raise
            return _told(error)

    return way


def change_mounts(_targets: Targets) -> str:
    """Change the view of the file system."""
    return _first(
        {
            "mount": _system("mount", b"none", b"/", b"tmpfs", 0, None),
            "open_tree": _exists("open_tree", -1, b"x", 0),
            "chroot": lambda: os.chroot("."),
        }
    )


def use_handles(_targets: Targets) -> str:
    """Name a file by its handle."""
    handle = (ctypes.c_uint32 * 64)(128)
    mount = ctypes.c_int()
    return _first(
        {
            "name": _system(
                "name_to_handle_at", -100, b"/", ctypes.byref(handle), ctypes.byref(mount), 0
            )
        }
    )


def use_rings(_targets: Targets) -> str:
    """Set up a ring of requests to the kernel."""
    return _first({"io_uring": _exists("io_uring_setup", 0, None)})


def use_kernel(_targets: Targets) -> str:
    """Reach for interfaces that no training needs."""
    return _first(
        {
            "keyctl": _exists("keyctl", 0, -3, 1),
            "add_key": _exists("add_key", None, None, None, 0, 0),
            "bpf": _exists("bpf", -1, None, 0),
            "userfaultfd": _exists("userfaultfd", -1),
        }
    )


def administer(_targets: Targets) -> str:
    """Do what administrators do, with harmless arguments."""
    return _first(
        {
            "personality": _system("personality", 0xFFFFFFFF),
            "fanotify": _exists("fanotify_init", -1, 0),
            "host name": _system("sethostname", os.uname().nodename.encode(), 1),
        }
    )


def share_memory(_targets: Targets) -> str:
    """Make shared memory, a semaphore or a queue that would outlive this process."""
    private = 0
    return _first(
        {
            "memory": _system("shmget", private, 4096, 0o600),
            "semaphore": _system("semget", private, 1, 0o600),
            "queue": _system("msgget", private, 0o600),
            "named queue": _exists("mq_open", b"probe", -1, 0, None),
        }
    )


def make_memory_file(_targets: Targets) -> str:
    """Make a file in memory, which no limit on address space counts."""
    return _first(
        {
            "memfd_create": _system("memfd_create", b"probe", 0),
            "memfd_secret": _exists("memfd_secret", 0),
        }
    )


def call_newer(_targets: Targets) -> str:
    """Make a system call that came after the rules: Linux 6.5's `cachestat`, with a bad file."""
    return _first({"cachestat": _exists_at(451, -1, None, None, 0)})


def _exists_at(which: int, *arguments: object) -> Callable[[], object]:
    def way() -> object:
        try:
            return system_call(which, *arguments)
        except OSError as error:
            if error.errno in (errno.EPERM, errno.ENOSYS):
                raise
            return _told(error)

    return way


def call_foreign(_targets: Targets) -> str:
    """Make a system call by the numbers of a 32-bit program; where that kills, it was refused."""
    import mmap

    machine = this_machine()
    if machine is None or machine.name != "x86_64":
        raise Refused("nothing of the kind on this processor")
    # mov eax, 20 (getpid by i386's numbers); int 0x80; ret
    code = b"\xb8\x14\x00\x00\x00\xcd\x80\xc3"
    memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    memory.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    result = ctypes.CFUNCTYPE(ctypes.c_int)(address)()
    if result < 0:
        raise Refused(errno.errorcode.get(-result, str(-result)))
    return f"process id {result}"


# --- what the process holds ----------------------------------------------------------------------


def hold_rights(targets: Targets) -> str:
    """Be root, or be able to become somebody else or regain capabilities."""
    ways: dict[str, Callable[[], object]] = {}
    if targets.get("owner"):
        ways["still root"] = _is_root
    ways["become root"] = lambda: os.setuid(0) if os.getuid() else _nothing()
    ways["capabilities"] = _capabilities
    return _first(ways)


def _nothing() -> None:
    raise Refused("nothing to try")


def _is_root() -> str:
    if 0 in (os.getuid(), os.geteuid(), os.getgid(), os.getegid(), *os.getgroups()):
        return f"uid {os.getuid()}, gid {os.getgid()}, groups {os.getgroups()}"
    raise Refused(f"uid {os.getuid()}")


def _capabilities() -> str:
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)()
    call("capget", ctypes.byref(header), ctypes.byref(sets))
    effective = sets[0] | sets[1] | (sets[3] | sets[4]) << 32  # or permitted
    if effective:
        return f"{effective:#x}"
    raise Refused("none")


def hold_descriptors(targets: Targets) -> str:
    """Find a descriptor that leads out: all but streams, the report's pipe and folders to read."""
    import stat

    expected = {int(n) for n in targets.get("expected_fds", "").split(":") if n}
    found = []
    for descriptor in range(256):
        try:
            mode = os.fstat(descriptor).st_mode
        except OSError:
            continue
        if descriptor in expected:
            continue
        if descriptor > 2 and not (descriptor >= 200 and stat.S_ISDIR(mode)):
            found.append(descriptor)
    if found:
        return ", ".join(map(str, found))
    raise Refused("none")


def read_environment(targets: Targets) -> str:
    """Find a variable that is not of the fixed environment."""
    found = set(os.environ) - set(targets["environment"].split(":")) - {"LC_CTYPE"}
    if found:
        return ", ".join(sorted(found))[:200]
    raise Refused("none")


def learn_name(targets: Targets) -> str:
    """Learn the machine's name."""
    if os.uname().nodename == targets["hostname"]:
        return targets["hostname"]
    raise Refused(os.uname().nodename)


# --- past the limits -----------------------------------------------------------------------------


def start_threads(targets: Targets) -> str:
    """Start more threads than there may be tasks."""
    import threading

    most = int(targets["tasks"])
    done = threading.Event()
    try:
        for _ in range(most):
            threading.Thread(target=done.wait, daemon=True).start()
    finally:
        done.set()
    return f"{most} threads"


def use_memory(targets: Targets) -> str:
    """Map more memory than there may be address space."""
    import mmap

    size = int(targets["address_space"])
    mmap.mmap(-1, size).close()
    return f"{size} bytes"


def write_large_file(targets: Targets) -> str:
    """Make a file longer than files may be; a sparse one fills nothing."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    path = os.path.join(targets["scratch"], f"large-{os.getpid()}")
    with open(path, "wb") as file:
        try:
            os.ftruncate(file.fileno(), int(targets["file_bytes"]) + 1)
        finally:
            os.unlink(path)
    return targets["file_bytes"]


def fill_scratch(targets: Targets) -> str:
    """Write more into the scratch folder than it may hold, in files of an allowed length."""
    most, part = int(targets["scratch_bytes"]), 8 * 1024**2
    paths = []
    block = b"\1" * part
    try:
        for place in range(most // part + 2):
            paths.append(os.path.join(targets["scratch"], f"fill-{os.getpid()}-{place}"))
            Path(paths[-1]).write_bytes(block)
        # What is watched from outside has a moment to notice.
        time.sleep(float(targets.get("patience", "0")))
    finally:
        for path in paths:
            if os.path.exists(path):
                os.unlink(path)
    return f"{len(paths) * part} bytes"


def open_files(targets: Targets) -> str:
    """Hold more files open than there may be."""
    held = []
    try:
        for _ in range(int(targets["open_files"])):
            held.append(os.open("/dev/null", os.O_RDONLY))
    finally:
        for descriptor in held:
            os.close(descriptor)
    return targets["open_files"]


def dump_core(_targets: Targets) -> str:
    """Be allowed to leave a core file."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if soft == hard == 0:
        raise Refused("no core files")
    return f"{soft}"


def burn(targets: Targets) -> str:
    """Use more CPU time than there may be."""
    end = time.process_time() + float(targets["cpu_s"]) + 1.5
    while time.process_time() < end:
        pass
    return targets["cpu_s"]


def leave_daemon(targets: Targets) -> str:
    """Leave a process behind that has left its session; it holds the judge's pipe while it lives.

    Whether it outlives the worker is the judge's to see.
    """
    pid = os.fork()
    if pid == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            for descriptor in range(256):
                if descriptor != int(targets["life_fd"]):
                    try:
                        os.close(descriptor)
                    except OSError:
                        continue
            time.sleep(60)
        os._exit(0)
    os.waitpid(pid, 0)
    return "a daemon"


# --- what must be possible -----------------------------------------------------------------------


def use_scratch(targets: Targets) -> str:
    """Write, read, rename and remove a file in the scratch folder."""
    path = Path(targets["scratch"], f"needed-{os.getpid()}")
    path.write_bytes(b"needed")
    other = path.rename(path.with_suffix(".moved"))
    text = other.read_text(encoding="ascii")
    other.unlink()
    return text


def read_submission(targets: Targets) -> str:
    """List the submission's folder and read a file there."""
    names = sorted(os.listdir(targets["submission"]))
    for name in names:
        Path(targets["submission"], name).read_bytes()
    return f"{len(names)} files"


def start_thread(_targets: Targets) -> str:
    """Start a thread, as tools for progress displays do."""
    import threading

    done: list[int] = []
    thread = threading.Thread(target=done.append, args=(1,))
    thread.start()
    thread.join()
    return f"{len(done)} thread"


def _public(*acts: Act) -> dict[str, Act]:
    return {act.__name__: act for act in acts}


#: Cheap ones that must be refused: tried at each start.
FORBIDDEN = _public(
    read_canary,
    read_outside,
    write_outside,
    change_metadata,
    truncate,
    see_processes,
    list_processes,
    signal_others,
    steer_others,
    trace,
    fork,
    execute,
    open_sockets,
    make_namespace,
    change_mounts,
    use_handles,
    use_rings,
    use_kernel,
    administer,
    share_memory,
    make_memory_file,
    call_newer,
    hold_rights,
    hold_descriptors,
    read_environment,
    learn_name,
)
#: Those that take long, take much or end the process: for `doctor` and the tests.
COSTLY = _public(
    call_foreign,
    start_threads,
    use_memory,
    write_large_file,
    fill_scratch,
    open_files,
    dump_core,
    burn,
    leave_daemon,
)
#: Cheap ones that must succeed.
NEEDED = _public(use_scratch, read_submission, start_thread)
EVERY = FORBIDDEN | COSTLY | NEEDED

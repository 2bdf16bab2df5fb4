"""Starting the worker's interpreter: its command, its environment, and what it has to read."""

from __future__ import annotations

import importlib.util
import os
import site
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.sandbox.interface import SandboxFault

PACKAGE = Path(__file__).resolve().parents[1]
BOOTSTRAP = PACKAGE / "worker" / "bootstrap.py"
#: The rooms of the grader that a worker may read.
ROOMS = ("confine", "protocol", "worker")
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
#: Where shared libraries are, and what torch asks of the processor.
_SYSTEM = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/local/lib64",
    "/nix/store",
    "/gnu/store",
    "/etc/ld.so.cache",
    "/proc/cpuinfo",
    "/sys/devices/system/cpu",
)
#: What a worker imports from outside of the standard library.
_PACKAGES = ("msgspec", "numpy", "torch")
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")


def worker_environment(scratch: Path) -> dict[str, str]:
    """The whole environment of a worker: fixed, with nothing of the caller's.

    Only where Windows itself cannot do without are two variables of the system's kept.
    """
    environment = {
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_CBWR": "COMPATIBLE",
        "LANG": "C.UTF-8",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
    }
    environment |= dict.fromkeys(_THREAD_VARIABLES, "1")
    if sys.platform == "win32":
        environment |= {"TEMP": str(scratch), "USERPROFILE": str(scratch)}
        environment |= {k: os.environ[k] for k in ("SYSTEMROOT", "PATH") if k in os.environ}
    return environment


def interpreter() -> list[str]:
    """The command that runs a script as a worker."""
    return [sys.executable, "-s", "-P", "-X", "utf8"]


@dataclass(frozen=True)
class Places:
    """Where a worker may read: whole files and folders, and folders of which it sees the names."""

    readable: tuple[str, ...]
    listable: tuple[str, ...]


def find_places() -> Places:
    """What a worker reads besides the submission: no checkout, no home, no more of the grader.

    The grader may itself be installed among the packages; then everything around it is named.
    """
    prefixes = {sys.base_prefix, sys.prefix}
    places = {os.path.join(prefix, lib) for prefix in prefixes for lib in ("lib", "lib64")}
    places |= {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    places |= {*site.getsitepackages(), os.path.join(sys.prefix, "pyvenv.cfg"), *_SYSTEM}
    places |= {folder for package in _PACKAGES for folder in _home_of(package)}
    around = [_around(place, str(PACKAGE)) for place in sorted(places) if os.path.exists(place)]
    readable = {path for part in around for path in part.readable}
    readable |= {str(PACKAGE / room) for room in ROOMS}
    listable = {path for part in around for path in part.listable}
    return Places(tuple(sorted(readable)), tuple(sorted(listable)))


def _home_of(package: str) -> list[str]:
    """The folder that holds a package, wherever the path to it comes from; none is imported."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return []
    return [str(Path(spec.origin).parents[1])]


def _around(place: str, hidden: str) -> Places:
    """A place, or what is beside the hidden folder on the way to it."""
    real = os.path.realpath(place)
    if not f"{hidden}/".startswith(f"{real}/"):
        return Places((place,), ())
    if real == hidden or real != place:  # a second name of a place that has its own turn
        return Places((), ())
    parts = [_around(entry.path, hidden) for entry in os.scandir(place)]
    return Places(
        tuple(path for part in parts for path in part.readable),
        (place, *(path for part in parts for path in part.listable)),
    )


def start_process(
    command: Sequence[str], scratch: Path, pass_fds: tuple[int, ...], streams: bool
) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own; `SandboxFault` when that fails."""
    stream = subprocess.PIPE if streams else subprocess.DEVNULL
    try:
        return subprocess.Popen(
            command,
            env=worker_environment(scratch),
            cwd=scratch,
            stdin=stream,
            stdout=stream,
            stderr=subprocess.PIPE,
            pass_fds=pass_fds,
            start_new_session=sys.platform != "win32",
        )
    except OSError as error:
        raise SandboxFault(f"cannot start a worker: {error}") from error

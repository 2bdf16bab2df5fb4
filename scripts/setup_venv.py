"""Make `.venv` ready for a target of the Makefile: `setup_venv.py runtime|dev`.

Ready means that a finished installation recorded exactly this Python, this choice of PyTorch, this
folder, and this text of `pyproject.toml` and `constraints.txt`. The comparison is by content, so a
checkout that only touches files costs nothing, and an installation that was cut short records
nothing. The environment variables `PYTHON` and `TORCH` come from the command line of make.

Every Python since 2.7 must be able to parse this file and run it up to `hand_over`: that is how
someone with an old Python gets a message instead of a traceback.
"""

import io
import os
import sys

SUPPORTED = ((3, 11), (3, 12), (3, 13))
CANDIDATES = ("python3", "python3.13", "python3.12", "python3.11", "python")
INPUTS = ("pyproject.toml", "constraints.txt")
EXTRAS = {"runtime": ".", "dev": ".[dev]"}
TORCH_CHOICES = ("default", "cpu")
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"

# Printed by a candidate: version, whether it can create an environment, and its own path.
PROBE = """
import sys
try:
    import ensurepip, venv
    complete = 1
except ImportError:
    complete = 0
sys.stdout.write("%d %d %d %s" % (sys.version_info[:2] + (complete, sys.executable)))
"""


class SetupError(Exception):
    """A message for the user, with hints about the remedy."""

    def __init__(self, message, *hints):
        Exception.__init__(self, message)
        self.lines = ["error: " + message] + ["hint: " + hint for hint in hints]


def main(root, layer, environ):
    """Make the `layer` of `root/.venv` ready; do nothing when it is."""
    if sys.version_info[:2] not in SUPPORTED:
        hand_over(environ, layer)
    venv = Environment(root, layer, environ.get("TORCH"))
    if venv.is_ready():
        return
    lock = lock_folder(root)
    try:
        if not venv.is_ready():  # another make may have finished the job meanwhile
            venv.prepare(environ)
    finally:
        if lock is not None:
            os.close(lock)


class Environment(object):
    """The virtual environment of one checkout, and what is recorded in it."""

    def __init__(self, root, layer, torch):
        self.root = root
        self.layer = layer
        self.path = os.path.join(root, ".venv")
        self.records = os.path.join(self.path, "setup")
        self.remembered_torch = read(os.path.join(self.records, "torch"))
        self.torch = torch or self.remembered_torch or "default"
        if self.torch not in TORCH_CHOICES:
            raise SetupError(
                "`TORCH=%s` is not a known choice" % self.torch,
                "use `TORCH=cpu` for PyTorch without CUDA, or `TORCH=default`",
            )
        # What can only be changed by building anew comes first.
        self.foundation = "python %d.%d %s\ntorch %s\nfolder %s\n" % (
            sys.version_info[0],
            sys.version_info[1],
            os.path.realpath(sys.base_prefix),
            self.torch,
            root,
        )
        texts = [name + "\n" + (read(os.path.join(root, name)) or "") for name in INPUTS]
        self.wanted = self.foundation + "\n".join(texts)

    def is_ready(self):
        recorded = read(os.path.join(self.records, self.layer))
        return recorded == self.wanted and os.path.exists(self.python())

    def python(self):
        return os.path.join(self.path, "bin", "python")

    def prepare(self, environ):
        """Create or update the environment, install, and record the success at the very end."""
        recorded = read(os.path.join(self.records, "runtime"))
        if (recorded or "").startswith(self.foundation) and os.path.exists(self.python()):
            what = "packages" if self.layer == "runtime" else "development tools"
            say("Installing the %s into `.venv`" % what)
            for layer in EXTRAS:
                forget(os.path.join(self.records, layer))
        else:
            # Nothing tells how far an unfinished installation came, so it is never continued.
            self.create(environ)
        if self.torch == "cpu":
            # Without dependencies: PyTorch's index holds only some versions of the others.
            self.pip("--no-deps", "--index-url", TORCH_CPU_INDEX, "torch")
        self.pip("--editable", EXTRAS[self.layer])
        for layer in {"runtime", self.layer}:
            write(os.path.join(self.records, layer), self.wanted)

    def create(self, environ):
        import shutil

        if os.path.lexists(self.path) and not os.path.isdir(self.records):
            raise SetupError(
                "`.venv` was not created by make, so it is left as it is",
                "`make clean` removes it; or move it away, then run the same command again",
            )
        if not can_create():
            hand_over(environ, self.layer)
        version = "%d.%d" % sys.version_info[:2]
        say("Creating `.venv` with Python %s and PyTorch; this happens once" % version)
        if self.torch == "default" and sys.platform.startswith("linux"):
            say("hint: `TORCH=cpu` spares a machine without an NVIDIA GPU several GB of download")
        # The running interpreter may be the one in `.venv`, which is about to go.
        python = sys._base_executable
        # Renamed first: an interrupted removal must not look like somebody else's environment.
        discarded = self.path + ".discarded"
        shutil.rmtree(discarded, ignore_errors=True)
        if os.path.exists(self.path):
            os.rename(self.path, discarded)
        os.makedirs(self.records)
        write(os.path.join(self.records, "torch"), self.torch)
        shutil.rmtree(discarded, ignore_errors=True)
        if run([python, "-m", "venv", self.path], self.root) != 0:
            raise SetupError("`%s -m venv .venv` failed; its message is above" % python)

    def pip(self, *arguments):
        command = [self.python(), "-m", "pip", "install", "--disable-pip-version-check"]
        command += ["--constraint", "constraints.txt"]
        status = run(command + list(arguments), self.root)
        if status != 0:
            hints = ["check the network connection or proxy, then run the same command again"]
            if os.uname()[0] == "Darwin" and os.uname()[4] == "x86_64":
                hints = ["PyTorch has no build for Intel Macs; Apple silicon needs an arm64 Python"]
            raise SetupError(
                "`pip install` failed with exit status %d; its message is above" % status, *hints
            )


def can_create():
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return False
    return True


def hand_over(environ, layer):
    """Replace this process by a Python that can do the job, or explain why there is none."""
    incomplete = None
    if not environ.get("PYTHON"):
        for name in CANDIDATES:
            version, complete, path = probe(name)
            if version in SUPPORTED and complete:
                os.execv(path, [path, "-S", "-E", os.path.abspath(__file__), layer])
            if version in SUPPORTED and not incomplete:
                incomplete = (path, version)
    elif sys.version_info[:2] in SUPPORTED:
        incomplete = (sys.executable, sys.version_info[:2])
    if incomplete:
        path, version = incomplete
        raise SetupError(
            "`%s` cannot create a virtual environment: its `ensurepip` is missing" % path,
            "on Debian and Ubuntu, run `sudo apt install python%d.%d-venv`" % version,
            "or name another Python, as in `make grade PYTHON=python3.12`",
        )
    raise SetupError(
        "Python 3.11, 3.12 or 3.13 is needed, and `%s` is Python %d.%d"
        % (environ.get("PYTHON") or sys.executable, sys.version_info[0], sys.version_info[1]),
        "install one from https://www.python.org/downloads/ or with your package manager",
        "if it is not on the PATH, name it, as in `make grade PYTHON=/opt/python/bin/python3`",
    )


def probe(name):
    """The version, completeness and path of the Python called `name`; no version if unusable."""
    import subprocess

    try:
        process = subprocess.Popen(
            [name, "-S", "-E", "-c", PROBE], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        answer = process.communicate()[0].decode("utf-8").split(" ", 3)
        return (int(answer[0]), int(answer[1])), answer[2] == "1", answer[3]
    except (OSError, ValueError, IndexError):  # not there, or a launcher that leads nowhere
        return None, False, None


def lock_folder(root):
    """Wait for other set-ups of this checkout; no lock where the file system offers none."""
    import fcntl

    descriptor = os.open(root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another set-up of `.venv`")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:  # network file systems lock no folders
        os.close(descriptor)
        return None
    return descriptor


def run(command, folder):
    """Run a command with its output on standard error, which leaves the other to the grader."""
    import subprocess

    return subprocess.call(command, cwd=folder, stdout=sys.stderr)


def read(path):
    try:
        with io.open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except (IOError, OSError):
        return None


def write(path, text):
    temporary = path + ".new"
    with io.open(temporary, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(text)
    os.rename(temporary, path)


def forget(path):
    if os.path.exists(path):
        os.remove(path)


def say(line):
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    try:
        main(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), sys.argv[1], os.environ)
    except SetupError as error:
        for line in error.lines:
            say(line)
        sys.exit(1)
    except (IOError, OSError) as error:
        say("error: could not set up `.venv`: %s" % error)
        say("hint: check the free space and the permissions of this folder")
        sys.exit(1)
    except KeyboardInterrupt:
        say("error: interrupted; the same command starts the set-up afresh")
        sys.exit(130)

"""The set-up behind `make`: what is installed when, what is remembered, and what is said.

Most tests run `scripts/setup_venv.py` in a scratch checkout with a stand-in for its subprocesses.
The last ones run the Makefile itself in a folder with spaces, with the real pip and a package
without dependencies, so nothing is downloaded.
"""

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="make and its set-up script are for POSIX")

ROOT = Path(__file__).resolve().parents[2]
TARGETS = (
    "help",
    "grade",
    "check",
    "watch",
    "train",
    "submit",
    "clean",
    "starter",
    "release",
    "docs",
    "pictures",
    "test",
    "validity",
    "hostile",
    "fuzz",
    "mutants",
    "bench",
    "lint",
)
HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


def load_script():
    spec = importlib.util.spec_from_file_location("setup_venv", ROOT / "scripts/setup_venv.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Checkout:
    """A scratch checkout whose set-up records its commands instead of running them."""

    def __init__(self, root, monkeypatch):
        self.root = root
        self.script = load_script()
        self.commands = []
        self.failing = None
        (root / "pyproject.toml").write_text("[project]\n")
        (root / "constraints.txt").write_text("torch==2.13.0\n")
        monkeypatch.setattr(self.script, "run", self.run)

    def run(self, command, folder):
        self.commands.append(command[1:])
        if command[1:3] == ["-m", "venv"]:
            python = Path(command[3]) / "bin/python"
            python.parent.mkdir()
            python.symlink_to(sys.executable)
        return 1 if self.failing and self.failing in command else 0

    def set_up(self, layer="runtime", **environ):
        """The commands that one set-up ran, by their last argument."""
        self.commands.clear()
        self.script.main(str(self.root), layer, environ)
        return [command[-1] for command in self.commands]


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    return Checkout(tmp_path, monkeypatch)


@pytest.fixture
def venv(checkout):
    return str(checkout.root / ".venv")


class TestWhenToInstall:
    def test_the_first_time_and_no_second_time(self, checkout, venv):
        assert checkout.set_up() == [venv, "."]
        assert checkout.set_up() == []

    def test_dev_tools_join_the_same_environment(self, checkout, venv):
        assert checkout.set_up() == [venv, "."]
        assert checkout.set_up("dev") == [".[dev]"]
        assert checkout.set_up("runtime") == []
        assert checkout.set_up("dev") == []

    def test_dev_includes_runtime(self, checkout, venv):
        assert checkout.set_up("dev") == [venv, ".[dev]"]
        assert checkout.set_up("runtime") == []

    @pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
    def test_a_changed_pin_updates_in_place(self, checkout, name):
        checkout.set_up("dev")
        path = checkout.root / name
        path.write_text(path.read_text() + "# changed\n")
        assert checkout.set_up() == ["."]
        assert checkout.set_up("dev") == [".[dev]"]

    def test_a_touched_file_changes_nothing(self, checkout):
        checkout.set_up()
        os.utime(checkout.root / "constraints.txt", (time.time() + 60,) * 2)
        assert checkout.set_up() == []

    def test_another_python_starts_afresh(self, checkout, venv, monkeypatch):
        checkout.set_up()
        monkeypatch.setattr(checkout.script.sys, "base_prefix", "/elsewhere")
        assert checkout.set_up() == [venv, "."]

    def test_a_moved_checkout_starts_afresh(self, checkout):
        checkout.set_up()
        moved = checkout.root.parent / "moved here"
        checkout.root.rename(moved)
        checkout.root = moved
        assert checkout.set_up() == [str(moved / ".venv"), "."]

    def test_a_vanished_interpreter_starts_afresh(self, checkout, venv):
        checkout.set_up()
        python = checkout.root / ".venv/bin/python"
        python.unlink()
        python.symlink_to("/nonexistent/python")
        assert checkout.set_up() == [venv, "."]

    def test_pins_are_always_applied(self, checkout):
        checkout.set_up("dev", TORCH="cpu")
        installs = [command for command in checkout.commands if "pip" in command]
        assert len(installs) == 2
        for command in installs:
            assert command[command.index("--constraint") + 1] == "constraints.txt"


class TestUnfinished:
    @pytest.mark.parametrize("step", ["venv", "pip"])
    @pytest.mark.parametrize("layer", ["runtime", "dev"])
    def test_a_failure_leaves_nothing_ready(self, checkout, venv, step, layer):
        checkout.failing = step
        with pytest.raises(checkout.script.SetupError):
            checkout.set_up(layer)
        checkout.failing = None
        assert checkout.set_up(layer)[0] == venv

    def test_a_failed_update_leaves_nothing_ready(self, checkout, venv):
        checkout.set_up("dev")
        (checkout.root / "constraints.txt").write_text("torch==2.14.0\n")
        checkout.failing = "pip"
        with pytest.raises(checkout.script.SetupError):
            checkout.set_up("dev")
        (checkout.root / "constraints.txt").write_text("torch==2.13.0\n")
        checkout.failing = None
        assert checkout.set_up() == [venv, "."]

    def test_an_interrupted_removal_is_finished(self, checkout, venv):
        (checkout.root / ".venv.discarded/bin").mkdir(parents=True)
        assert checkout.set_up() == [venv, "."]
        assert not (checkout.root / ".venv.discarded").exists()

    def test_a_failed_pip_says_what_to_do(self, checkout):
        checkout.failing = "pip"
        with pytest.raises(checkout.script.SetupError) as caught:
            checkout.set_up()
        assert caught.value.lines[0] == (
            "error: `pip install` failed with exit status 1; its message is above"
        )
        assert caught.value.lines[1].startswith("hint: ")

    def test_somebody_elses_environment_is_left_alone(self, checkout):
        mine = checkout.root / ".venv/mine"
        mine.parent.mkdir()
        mine.touch()
        with pytest.raises(checkout.script.SetupError) as caught:
            checkout.set_up()
        assert caught.value.lines == [
            "error: `.venv` was not created by make, so it is left as it is",
            "hint: `make clean` removes it; or move it away, then run the same command again",
        ]
        assert mine.exists()


class TestTorchChoice:
    def test_cpu_comes_from_pytorchs_index_without_its_dependencies(self, checkout, venv):
        assert checkout.set_up(TORCH="cpu") == [venv, "torch", "."]
        first = checkout.commands[1]
        assert first[first.index("--index-url") + 1] == "https://download.pytorch.org/whl/cpu"
        assert "--no-deps" in first
        assert "--index-url" not in checkout.commands[2]

    def test_it_is_remembered_until_another_choice(self, checkout, venv):
        checkout.set_up(TORCH="cpu")
        assert checkout.set_up() == []
        assert checkout.set_up(TORCH="cpu") == []
        (checkout.root / "constraints.txt").write_text("torch==2.14.0\n")
        assert checkout.set_up() == ["torch", "."]
        assert checkout.set_up(TORCH="default") == [venv, "."]
        assert checkout.set_up() == []

    def test_it_outlives_a_failed_installation(self, checkout, venv):
        checkout.failing = "pip"
        with pytest.raises(checkout.script.SetupError):
            checkout.set_up(TORCH="cpu")
        checkout.failing = None
        assert checkout.set_up() == [venv, "torch", "."]

    def test_an_unknown_choice_is_refused(self, checkout):
        with pytest.raises(checkout.script.SetupError) as caught:
            checkout.set_up(TORCH="gpu")
        assert caught.value.lines == [
            "error: `TORCH=gpu` is not a known choice",
            "hint: use `TORCH=cpu` for PyTorch without CUDA, or `TORCH=default`",
        ]


class TestWhichPython:
    @pytest.fixture
    def offered(self, checkout, monkeypatch):
        """The Pythons on the PATH, to be filled in as `{name: (version, complete)}`."""
        pythons = {}

        def probe(name):
            version, complete = pythons.get(name, (None, False))
            return version, complete, "/usr/bin/" + name

        def execv(path, arguments):
            raise SystemExit(path)

        monkeypatch.setattr(checkout.script, "probe", probe)
        monkeypatch.setattr(checkout.script.os, "execv", execv)
        return pythons

    @pytest.fixture
    def old(self, checkout, monkeypatch):
        monkeypatch.setattr(checkout.script.sys, "version_info", (3, 8, 18))
        monkeypatch.setattr(checkout.script.sys, "executable", "/usr/bin/python3")

    @pytest.mark.parametrize("name", ["python3.13", "python3.12", "python3.11"])
    def test_a_supported_one_is_found(self, checkout, old, offered, name):
        offered["python3"] = ((3, 8), True)
        offered[name] = ((3, int(name[-2:])), True)
        with pytest.raises(SystemExit, match="/usr/bin/" + name):
            checkout.set_up()

    def test_one_without_ensurepip_is_passed_over(self, checkout, old, offered):
        offered["python3"] = ((3, 13), False)
        offered["python3.11"] = ((3, 11), True)
        with pytest.raises(SystemExit, match=r"/usr/bin/python3\.11"):
            checkout.set_up()

    def test_none_is_supported(self, checkout, old, offered):
        with pytest.raises(checkout.script.SetupError) as caught:
            checkout.set_up()
        assert caught.value.lines[0] == (
            "error: Python 3.11, 3.12 or 3.13 is needed, and `/usr/bin/python3` is Python 3.8"
        )
        assert caught.value.lines[1].startswith("hint: install one from https://www.python.org")

    def test_the_requested_one_is_not_supported(self, checkout, old, offered):
        offered["python3.12"] = ((3, 12), True)
        with pytest.raises(checkout.script.SetupError, match=r"`python3\.8` is Python 3\.8"):
            checkout.set_up(PYTHON="python3.8")

    @pytest.mark.parametrize("environ", [{}, {"PYTHON": "python3"}])
    def test_the_venv_module_is_missing(self, checkout, offered, monkeypatch, environ):
        monkeypatch.setitem(sys.modules, "ensurepip", None)
        monkeypatch.setattr(checkout.script.sys, "executable", "/usr/bin/python3")
        offered["python3"] = (sys.version_info[:2], False)
        with pytest.raises(checkout.script.SetupError) as caught:
            checkout.set_up(**environ)
        assert caught.value.lines == [
            "error: `/usr/bin/python3` cannot create a virtual environment: "
            "its `ensurepip` is missing",
            f"hint: on Debian and Ubuntu, run `sudo apt install python{HERE}-venv`",
            "hint: or name another Python, as in `make grade PYTHON=python3.12`",
        ]
        assert not (checkout.root / ".venv").exists()

    def test_probe_reads_a_real_python(self, checkout):
        version, complete, path = checkout.script.probe(sys.executable)
        assert version == sys.version_info[:2]
        assert complete
        assert Path(path).samefile(sys.executable)

    @pytest.mark.parametrize("name", ["no-such-python", "false", "echo"])
    def test_probe_survives_what_is_no_python(self, checkout, name):
        assert checkout.script.probe(name)[0] is None

    def test_old_pythons_can_parse_the_script(self):
        text = (ROOT / "scripts/setup_venv.py").read_bytes()
        assert text.isascii()  # Python 2 wants a declaration for anything else
        newer = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Nonlocal, ast.Match)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert not node.args.kwonlyargs, node.name
                assert node.returns is None, node.name
            assert not isinstance(node, newer), ast.unparse(node)


def make(root, *arguments, **environ):
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    for name in ("PYTHON", "TORCH", "SUBMISSION", "ARGS"):
        kept.pop(name, None)
    return subprocess.run(
        ["make", *arguments], cwd=root, env={**kept, **environ}, capture_output=True, text=True
    )


class TestMakefile:
    def test_help_is_the_default_and_lists_each_target(self):
        answer = make(ROOT)
        assert answer.returncode == 0
        assert answer.stdout == make(ROOT, "help").stdout
        assert re.findall(r"^  make (\S+) +\S", answer.stdout, re.M) == list(TARGETS)
        for variable in ("SUBMISSION=", "ARGS=", "TORCH=cpu", "PYTHON="):
            assert variable in answer.stdout

    @pytest.mark.parametrize(
        ("target", "command"),
        [
            ("grade", "-m grader grade 'starter' --official"),
            ("check", "-m grader grade --no-solve 'starter' --official"),
            ("watch", "-m grader watch 'starter' --official"),
            ("train", "'starter/train.py' --official"),
            ("submit", "-m grader.release.submit 'starter' --official"),
            ("starter", "-m grader.release.starter --official"),
            ("release", "-m grader.release --official"),
            ("hostile", "-m tests.hostile --official"),
            ("fuzz", "-m tests.fuzz --official"),
            ("mutants", "-m tests.mutation --official"),
            ("bench", "-m tests.bench --official"),
        ],
    )
    def test_commands(self, target, command):
        text = make(ROOT, "-n", target, "ARGS=--official").stdout
        assert "scripts/setup_venv.py" in text
        assert text.splitlines()[-1] == ".venv/bin/python " + command

    def test_a_submission_with_any_name(self):
        lines = make(ROOT, "-n", "grade", "SUBMISSION=it's a `name`").stdout.splitlines()
        assert lines[-1] == r".venv/bin/python -m grader grade 'it'\''s a `name`' "

    @pytest.mark.parametrize(("target", "layer"), [("grade", "runtime"), ("lint", "dev")])
    def test_students_install_no_development_tools(self, target, layer):
        layers = re.findall(r"scripts/setup_venv.py (\w+)", make(ROOT, "-n", target).stdout)
        assert layers == [layer]

    def test_a_python_that_is_not_there(self):
        answer = make(ROOT, "setup", "PYTHON=/no such/python")
        assert answer.returncode != 0
        assert answer.stderr.startswith("error: no Python found at `PYTHON=/no such/python`\nhint:")


# A build backend in the checkout itself: pip then needs no index.
BACKEND = """
import zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "dummy-1.0-py3-none-any.whl"
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        info = "dummy-1.0.dist-info/"
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: dummy\\nVersion: 1.0\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\n"
                       "Tag: py3-none-any\\n")
        wheel.writestr(info + "RECORD", "")
    return name
"""
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "dummy"
version = "1.0"
"""
GRADER = """
import sys
print(sys.argv[1:])
sys.exit(int("--fail-under" in sys.argv))
"""


def test_make_from_a_fresh_checkout_with_spaces(tmp_path):
    root = tmp_path / "a fresh checkout"
    (root / "scripts").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", root)
    shutil.copy(ROOT / "staff.mk", root)
    shutil.copy(ROOT / "scripts/setup_venv.py", root / "scripts")
    (root / "pyproject.toml").write_text(PYPROJECT)
    (root / "backend.py").write_text(BACKEND)
    (root / "constraints.txt").write_text("")
    (root / "grader").mkdir()
    (root / "grader/__main__.py").write_text(GRADER)
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull}

    failed = make(root, "grade", "TORCH=cpu", f"PYTHON={sys.executable}", **offline)
    assert failed.returncode == 2
    assert "error: `pip install` failed" in failed.stderr  # no torch to be had
    assert failed.stdout == ""

    first = make(root, "grade", "TORCH=default", f"PYTHON={sys.executable}", **offline)
    assert first.returncode == 0, first.stderr
    assert first.stdout == "['grade', 'starter']\n"  # pip's output went elsewhere
    assert f"Creating `.venv` with Python {HERE}" in first.stderr
    assert "Successfully installed dummy-1.0" in first.stderr

    second = make(root, "grade", "ARGS=--fail-under 50", **offline)
    assert second.returncode == 2
    assert second.stdout == "['grade', 'starter', '--fail-under', '50']\n"
    assert "venv" not in second.stderr

    assert make(root, "setup", "setup-dev").stderr.count("Installing") == 2  # ours and pip's
    assert make(root, "setup", "setup-dev").stderr == ""

    assert make(root, "clean").returncode == 0
    assert not (root / ".venv").exists()

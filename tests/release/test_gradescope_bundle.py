"""Gradescope's autograder: laid out as there, and run as there."""

import contextlib
import io
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import pytest
from zucchini.gradescope.output import GradescopeOutput

from grader.release import __main__ as release
from grader.release.archive import pack
from grader.release.gradescope_bundle import KEY, SCRIPTS, gradescope_autograder
from tests.hostile.tiers import why_not
from tests.release.memory_group import memory_group

ROOT = Path(__file__).resolve().parents[2]
SECRET = b"only the staff knows these bytes\n"
FILES = ("q_network.py", "replay_buffer.py", "dqn_agent.py")
#: What Gradescope gives if nothing else is set.
DEFAULT_MB = 768
NOT_YOUR_FAULT = (
    "This is not your fault, it says nothing about your code, and it costs you no points"
)

APT = """#!/bin/sh
echo "$@" >> "$LOG"
cat "$APT_CONFIG" >> "$LOG"
for word in "$@"; do
    case " $MISSING " in *" $word "*) exit 100 ;; esac
done
"""
#: Stands for the Python that apt installs: makes an environment that uses the tests' own.
PYTHON = f"""#!/bin/sh
echo "$PYTHON $TORCH $PIP_NO_CACHE_DIR $@" >> "$LOG"
mkdir -p .venv/bin
printf '#!/bin/sh\\nexec "{sys.executable}" "$@"\\n' > .venv/bin/python
chmod 755 .venv/bin/python
"""


def bundle(key=None):
    return pack(gradescope_autograder(ROOT, key), SCRIPTS)


class Autograder:
    """The tree `/autograder` of one image, somewhere else."""

    def __init__(self, root, key):
        self.root = root
        self.log = root / "log"
        self.results = root / "results" / "results.json"
        # As an archive is unpacked on a server: with the modes that are in it.
        with zipfile.ZipFile(io.BytesIO(bundle(key))) as archive:
            for entry in archive.infolist():
                path = Path(archive.extract(entry, root / "source"))
                path.chmod(stat.S_IMODE(entry.external_attr >> 16))
        shutil.copy2(root / "source" / "run_autograder", root)
        (root / "tmp").mkdir()  # a grading that is killed cannot tidy up
        (root / "tmp").chmod(0o1777)
        self.stubs = root / "stubs"
        self.stubs.mkdir()
        self.stub("apt-get", APT)
        self.stub("python3.12", PYTHON)

    def stub(self, name, text):
        (self.stubs / name).write_text(text, "utf-8")
        (self.stubs / name).chmod(0o755)

    def environment(self, **more):
        path = f"{self.stubs}:{os.environ['PATH']}"
        own = {"AUTOGRADER_ROOT": self.root, "TMPDIR": self.root / "tmp", "LOG": self.log}
        return (
            os.environ | {name: str(value) for name, value in own.items()} | {"PATH": path} | more
        )

    def setup(self, **more):
        self.log.unlink(missing_ok=True)
        return subprocess.run(
            [self.root / "source" / "setup.sh"],
            cwd="/",
            env=self.environment(**more),
            capture_output=True,
            encoding="utf-8",
        )

    def hand_in(self, files):
        shutil.rmtree(self.root / "submission", ignore_errors=True)
        shutil.rmtree(self.root / "results", ignore_errors=True)
        (self.root / "submission").mkdir()
        (self.root / "results").mkdir()
        for name, text in files.items():
            (self.root / "submission" / name).write_text(text, "utf-8")

    def start(self, **more):
        return subprocess.Popen(
            [self.root / "run_autograder"],
            cwd="/",
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            start_new_session=True,
            **more,
        )

    def run(self, megabytes=None):
        """What staff sees, and the results, valid for Gradescope."""
        with contextlib.ExitStack() as stack:
            enter = None if megabytes is None else stack.enter_context(memory_group(megabytes))
            with self.start(preexec_fn=enter) as process:
                told = process.communicate(timeout=600)[0]
        return told, self.read()

    def read(self):
        results = json.loads(self.results.read_bytes())
        GradescopeOutput.model_validate(results)
        return results


@pytest.fixture(scope="module")
def image():
    """`image(key)`: an autograder whose setup has run."""
    with contextlib.ExitStack() as stack:

        def build(key=None):
            # Not below pytest's folder, which is closed to the user that submissions run as.
            root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            root.chmod(0o755)
            built = Autograder(root, key)
            done = built.setup()
            assert done.returncode == 0, done.stderr
            return built

        yield build


@pytest.fixture(scope="module")
def official(image):
    """An autograder with a key, in a sandbox that works here."""
    if all(why_not(tier) for tier in ("uid+seccomp", "landlock", "bubblewrap")):
        pytest.skip("no isolation tier but `plain` works here")
    return image(SECRET)


@pytest.fixture(scope="module")
def default_mb():
    """Gradescope's default where a test may limit memory, no limit elsewhere."""
    try:
        with memory_group(DEFAULT_MB):
            return DEFAULT_MB
    except OSError:
        return None


@pytest.fixture(scope="module")
def solution():
    return {name: (ROOT / "solution" / name).read_text("utf-8") for name in FILES}


# --- what is in it -------------------------------------------------------------------------------


def test_made_twice_it_is_the_same(tmp_path, capsys):
    key = tmp_path / "my.key"
    key.write_bytes(SECRET)
    made = []
    for name in ("one", "two"):
        assert release.main(["--out", str(tmp_path / name), "--key", str(key)]) == 0
        made.append((tmp_path / name / "gradescope-autograder.zip").read_bytes())
    assert made[0] == made[1] == bundle(SECRET.strip())
    told = capsys.readouterr().err
    assert "official grading with the key " in told
    assert "which is inside: for staff only" in told
    assert SECRET.strip().decode() not in told
    assert SECRET.strip() not in (tmp_path / "one" / "student-kit.zip").read_bytes()


def test_without_a_key_there_is_none_and_staff_is_told(tmp_path, capsys):
    assert release.main(["--out", str(tmp_path)]) == 0
    with zipfile.ZipFile(tmp_path / "gradescope-autograder.zip") as archive:
        assert KEY not in archive.namelist()
    told = capsys.readouterr().err
    assert "public grading, without secret seeds and hidden checks" in told
    assert "`--key FILE` puts your secret key in" in told


def test_a_key_that_is_none_is_refused(tmp_path, capsys):
    (tmp_path / "short").write_bytes(b"123")
    assert release.main(["--out", str(tmp_path), "--key", str(tmp_path / "short")]) == 2
    assert "has 3 bytes, at least 16 are needed" in capsys.readouterr().err
    assert not (tmp_path / "gradescope-autograder.zip").exists()


def test_it_has_both_scripts_to_be_run_the_hidden_checks_and_no_answers():
    with zipfile.ZipFile(io.BytesIO(bundle())) as archive:
        modes = {e.filename: stat.S_IMODE(e.external_attr >> 16) for e in archive.infolist()}
    assert {name for name, mode in modes.items() if mode & 0o111} == {"setup.sh", "run_autograder"}
    assert "grader/hidden/check_update.py" in modes
    assert {name.split("/")[0] for name in modes if "/" in name} == {"grader", "scripts"}


def test_shellcheck_finds_nothing():
    here = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shellcheck = shutil.which("shellcheck", path=here)
    if shellcheck is None:
        pytest.skip("shellcheck is not at hand")
    scripts = [ROOT / "grader/release/gradescope" / name for name in SCRIPTS]
    done = subprocess.run([shellcheck, *scripts], capture_output=True, encoding="utf-8")
    assert (done.stdout, done.returncode) == ("", 0)


# --- setup.sh ------------------------------------------------------------------------------------


def test_setup_installs_python_and_bubblewrap_and_keeps_no_download(image):
    built = image(SECRET)
    log = built.log.read_text("utf-8").splitlines()
    assert [line for line in log if line.startswith(("update", "install"))] == [
        "update",
        "install --yes python3.12 python3.12-venv",
        "install --yes bubblewrap",
    ]
    assert "python3.12 cpu 1 -S -E scripts/setup_venv.py runtime" in log
    scratch = next(line.split('"')[1] for line in log if line.startswith("Dir::Cache"))
    assert not Path(scratch).exists()
    source = built.root / "source"
    assert stat.S_IMODE((source / KEY).stat().st_mode) == 0o600
    assert not (source / "grader/hidden").stat().st_mode & 0o077


def test_setup_does_with_what_there_is(image):
    built = image()
    built.stub("python3.11", PYTHON)
    done = built.setup(MISSING="bubblewrap python3.12 python3.13")
    assert done.returncode == 0
    assert "note: bubblewrap is not installed" in done.stderr
    assert "python3.11 cpu 1 -S -E" in built.log.read_text("utf-8")


def test_setup_says_what_is_missing(image):
    done = image().setup(MISSING="python3.11 python3.12 python3.13")
    assert done.returncode == 1
    assert "error: this image offers neither Python 3.11 nor 3.12 nor 3.13" in done.stderr
    assert "hint: choose the newest Ubuntu" in done.stderr


# --- run_autograder ------------------------------------------------------------------------------


def test_a_good_submission(official, solution, default_mb):
    official.hand_in(solution)
    (official.root / "submission_metadata.json").write_text("{}", "utf-8")
    told, results = official.run(default_mb)
    assert results["score"] == 100, told
    assert told.startswith("Official grading: secret seeds and hidden checks.")
    assert results["extra_data"]["key_id"] != "public"
    assert not (official.root / "submission_metadata.json").stat().st_mode & 0o077
    (official.root / "submission_metadata.json").unlink()


def test_a_bad_submission(official, solution, default_mb):
    starter = (ROOT / "starter" / "dqn_agent.py").read_text("utf-8")
    official.hand_in(solution | {"dqn_agent.py": starter})
    _told, results = official.run(default_mb)
    assert results["score"] == 40
    assert any("is not written yet" in test.get("output", "") for test in results["tests"])


def test_an_empty_submission_has_nothing_to_grade(official):
    official.hand_in({"notes.txt": "later"})
    told, results = official.run()
    assert results["score"] == 0
    assert "Nothing could be graded." in results["output"]
    assert "none of `q_network.py`" in told


def test_a_hostile_submission_reads_and_writes_nothing(official, solution, default_mb):
    attack = f"""
import os
for path in ("source/{KEY}", "source/grader/hidden/rubric.toml", "results/results.json"):
    path = os.path.join({str(official.root)!r}, path)
    for act in (lambda: print("READ", open(path).read()), lambda: open(path, "w").write("FORGED")):
        try:
            act()
        except OSError:
            print("KEPT OUT")
"""
    last = "\ndel ReplayBuffer.sample\nimport atexit; atexit.register(os._exit, 0)\n"
    official.hand_in(solution | {"replay_buffer.py": attack + solution["replay_buffer.py"] + last})
    told, results = official.run(default_mb)
    everything = told + json.dumps(results)
    assert "KEPT OUT" in everything
    assert "READ" not in everything
    assert "FORGED" not in everything
    assert SECRET.strip().decode() not in everything
    assert results["score"] == 65, told


def test_results_are_there_as_they_come(official, solution):
    official.hand_in(solution)
    seen = []
    with official.start() as process:
        while process.poll() is None and not (seen and "tests" in seen[-1]):
            with contextlib.suppress(FileNotFoundError):
                seen.append(official.read())
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert "stopped before it had begun" in seen[0]["output"]
    left = official.read()
    for results in (*seen, left):
        assert "score" not in results
        assert NOT_YOUR_FAULT in results["output"]
    assert "The grading was stopped before it was done." in left["output"]
    assert left["tests"] != []
    assert [test for test in left["tests"] if "score" in test] == []


def test_it_ends_before_gradescope_ends_it(official, solution):
    """A zero is what Gradescope gives at its own limit."""
    script = official.root / "run_autograder"
    text = script.read_text("utf-8")
    assert "\nlimit_s=540\n" in text
    official.hand_in(solution)
    try:
        script.write_text(text.replace("limit_s=540", "limit_s=2"), "utf-8")
        told, results = official.run()
    finally:
        script.write_text(text, "utf-8")
    assert "error: the grading was stopped after 2 seconds, and has no score" in told
    assert "hint: give the autograder more CPU in its settings" in told
    assert "score" not in results
    assert NOT_YOUR_FAULT in results["output"]


@pytest.mark.parametrize("megabytes", [40, 120])
def test_too_little_memory_is_said_and_is_nobodys_zero(official, solution, default_mb, megabytes):
    """With less the judge itself is killed, with more its workers."""
    if default_mb is None:
        pytest.skip("no cgroup can be made here")
    official.hand_in(solution)
    told, results = official.run(megabytes)
    assert "score" not in results
    assert NOT_YOUR_FAULT in results["output"]
    assert "memory" in results["output"]
    assert "give the autograder more memory (1.5 GB)" in told or "give it 1536 MB" in told


def test_without_a_key_grading_is_public(image, official):
    public = image()
    public.hand_in({"notes.txt": "later"})
    told, results = public.run()
    assert told.startswith("Public grading: there is no course.key beside this script")
    assert results["extra_data"]["key_id"] == "public"


def test_a_key_that_cannot_be_used_is_the_staffs_to_mend(official):
    broken = official.root / "source" / KEY
    try:
        broken.write_bytes(b"short")
        official.hand_in({"notes.txt": "later"})
        told, results = official.run()
    finally:
        broken.write_bytes(SECRET)
    assert "the key in `course.key` has 5 bytes, at least 16 are needed" in told
    assert "error: it ended with status 2 before there was a verdict." in told
    assert "hint: its own message is above; mend what it says" in told
    assert "score" not in results
    assert NOT_YOUR_FAULT in results["output"]


def test_what_gradescope_or_the_image_lacks_is_no_zero(image):
    built = image()
    told, results = built.run()
    assert "score" not in results
    assert "error: there is no submission to grade." in told
    assert "hint: run the autograder again" in told

    shutil.rmtree(built.root / "source" / ".venv")
    built.hand_in({})
    told, results = built.run()
    assert "error: the autograder is not installed." in told
    assert "hint: build it again, and look at what setup.sh says" in told
    assert results["output"].startswith("The grader failed: the autograder is not installed. This")
    assert "score" not in results

"""Every command that the documentation shows is run, or it is said why it is not.

docs/changing.md, "Renew the documentation", has the rules for whoever writes a page.
"""

import re
import shutil
import subprocess
import sys

import pytest

from grader.cli import UsageError, build_parser
from grader.documenting.commands import targets
from tests.docs import commands as collect
from tests.docs.commands import ROOT, Shown, commands, of_all, python
from tests.docs.running import NOT_RUN, arguments_of_make, filled, why_not

COMMANDS = of_all(commands)
PYTHON = of_all(python)
#: Targets that `make help` does not list.
FURTHER_TARGETS = {"setup", "setup-dev"}
#: Commands that say something with status 1.
MAY_SAY_ONE = ("--fail-under", "compare", "reproduce")
LEFT_OUT = (".*", "build", "dist", "node_modules", "__pycache__", "tests", "*.egg-info")
WHAT_TO_DO = """
Do one of these:
- put `<!-- platform-only: WHY -->`, `<!-- takes long: WHY -->` or `<!-- not run: WHY -->` on the
  line before its block, or before the line that it stands in;
- enter what it begins with, and why, in NOT_RUN of tests/docs/running.py;
- if it is of the grader's and a word in it stands for something of the reader's, enter that word in
  WORDS there, and make what it stands for in `place` of tests/docs/test_commands.py."""


def once(shown):
    """What comes to the same once, at its first place; unmarked before marked."""
    found = {}
    for one in sorted(shown, key=lambda one: one.mark is not None):
        found.setdefault(same(one.text), one)
    return list(found.values())


def same(text):
    """A command without what only the set-up reads, and with its words filled in."""
    try:
        return tuple(w for w in filled(text) if not w.startswith(("TORCH=", "PYTHON=")))
    except ValueError:
        return text


def each(shown):
    return pytest.mark.parametrize("shown", shown, ids=lambda one: f"{one.where} {one.text[:60]}")


def is_run(shown):
    return shown.mark is None and why_not(shown.text) is None


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A working copy, with what the words of `running.WORDS` stand for in it."""
    folder = tmp_path_factory.mktemp("docs") / "kit"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*LEFT_OUT))
    for student in ("ada", "bob"):
        shutil.copytree(folder / "starter", folder / "handed-in" / student)
    (folder / "course.key").write_bytes(b"sixteen bytes or more")
    (folder / "EXPORT.csv").write_text(
        "Student,ID,SIS User ID,SIS Login ID,Section,DQN (77)\n"
        "    Points Possible,,,,,100\nLovelace,1,,ada,A,\nThompson,2,,bob,A,\n"
    )
    (folder / "WORKSHEET.csv").write_text(
        "Identifier,Full name,Email address,Status,Grade,Maximum grade\n"
        "Participant 501,Ada,ada@example.org,Submitted,,100\n"
    )
    (folder / "file").write_bytes(b"sixteen bytes or more")
    grade = ["class", "grade", "handed-in", "--out", "out"]
    done = run(folder, [sys.executable, "-m", "grader", *grade])
    assert done.returncode == 0, done.stderr
    return folder


def run(folder, words):
    return subprocess.run(
        words,
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        stdin=subprocess.DEVNULL,
    )


def test_there_are_commands():
    assert len(COMMANDS) > 80
    assert sum(map(is_run, COMMANDS)) > 30
    assert {one.page for one in COMMANDS} >= {"README.md", "docs/class.md", "docs/changing.md"}


@each(once(COMMANDS))
def test_what_is_named_is_there(shown):
    """Targets of make, and options of the grader, also of commands that are not run."""
    if shown.mark is not None and not shown.text.startswith(("make ", "python -m grader ")):
        return
    words = filled(shown.text)
    if words[0] == "make":
        asked, arguments = arguments_of_make(words)
        known = set(targets(ROOT)) | FURTHER_TARGETS
        assert set(asked) <= known, f"{shown.where}: no such target"
        if {"grade", "check"} & set(asked):
            parse(shown, ["grade", "starter", *arguments])
        else:
            options_are_there(shown, asked, arguments)
    elif words[:3] == ["python", "-m", "grader"]:
        parse(shown, words[3:])


def parse(shown, arguments):
    try:
        build_parser().parse_args(arguments)
    except UsageError as error:
        pytest.fail(f"{shown.where}: `{shown.text}`: {error}\n{WHAT_TO_DO}")


def options_are_there(shown, asked, arguments):
    """Options in ARGS are those of the module that the target runs."""
    wanted = [word for word in arguments if word.startswith("--") and word != "--help"]
    if not wanted:
        return
    recipes = "".join((ROOT / name).read_text("utf-8") for name in ("Makefile", "staff.mk"))
    for target in asked:
        module = re.search(rf"^{target}:.*\n\t@?\$\(python\) -m (\S+) ", recipes, re.M)
        if module is None:  # `make train` runs the student's own file
            told = run(ROOT, [sys.executable, "solution/train.py", "--help"])
        else:
            told = run(ROOT, [sys.executable, "-m", module[1], "--help"])
        missing = [word for word in wanted if word.partition("=")[0] not in told.stdout]
        assert missing == [], f"{shown.where}: `{shown.text}`: no such options"


@each(once(one for one in COMMANDS if is_run(one)))
def test_it_runs(shown, place):
    told = f"{shown.where}: `{shown.text}`"
    try:
        words = filled(shown.text)
    except ValueError as error:
        pytest.fail(f"{told} cannot be read: {error}{WHAT_TO_DO}")
    if words[0] == "make":
        if shutil.which("make") is None:
            pytest.skip("make is not installed")
        # Everything but the set-up, which would install packages.
        words[1:1] = ["-o", "setup", "-o", "setup-dev", f"python={sys.executable}"]
    elif words[:2] == ["python", "-c"] or " ".join(words).startswith("python -m grader"):
        words[0] = sys.executable
    else:
        pytest.fail(f"{told} is neither run nor marked.{WHAT_TO_DO}")
    words, into = (words[:-2], words[-1]) if words[-2] == ">" else (words, None)
    done = run(place, words)
    if into is not None:
        (place / into).write_text(done.stdout, "utf-8")
    if "--official" in words and done.returncode == 2 and "isolation" in done.stderr:
        pytest.skip(f"no tier that is real works here: {done.stderr}")
    fine = (0, 1) if any(word in MAY_SAY_ONE for word in words) else (0,)
    assert done.returncode in fine, (
        f"{told} ended with {done.returncode}: {done.stderr}{WHAT_TO_DO}"
    )
    assert "Traceback" not in done.stderr


def test_reasons_are_of_commands_that_are_shown():
    """A reason whose commands are gone would hide the next ones; the system's own may stay."""
    ours = [one for one in NOT_RUN if one.startswith(("make ", "python -m grader", "python tests"))]
    named = [one for one in ours if not any(why_not(c.text, {one: "x"}) for c in COMMANDS)]
    assert [one for one in named if one.removeprefix("make ") not in targets(ROOT)] == []


@each(PYTHON)
def test_python_is_python(shown):
    compile(shown.text, shown.where, "exec")


@each([one for one in PYTHON if one.mark is None])
def test_python_runs_beside_right_code(shown, tmp_path):
    """As after pasting it into a prompt in the folder of the files."""
    shutil.copytree(ROOT / "solution", tmp_path / "files")
    done = subprocess.run(
        [sys.executable, "-c", shown.text],
        cwd=tmp_path / "files",
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    assert done.returncode == 0, f"{shown.where}: {done.stderr}{WHAT_TO_DO}"


# --- how commands are found ---

PAGE = """\
Say `make check`, or `python -m grader doctor`, not `makes` or `python -m`.

```
make grade          # with a comment
starter/      no command
python -m grader grade PATH \\
    --no-solve
.venv\\Scripts\\python -m grader grade starter
```

<!-- platform-only: needs a moon -->
```bash
launch --now
```

```console
$ python -m grader explain
what is printed
```

<!-- not run: a fragment -->
```python
x = y
```

```yaml
make: this
```
<!-- takes long: an hour -->
It is `make validity`.
"""


def test_commands_are_found():
    assert list(commands("p.md", PAGE)) == [
        Shown("p.md", 1, "make check"),
        Shown("p.md", 1, "python -m grader doctor"),
        Shown("p.md", 4, "make grade"),
        Shown("p.md", 6, "python -m grader grade PATH --no-solve"),
        Shown("p.md", 8, "python -m grader grade starter"),
        Shown("p.md", 13, "launch --now", "needs a moon"),
        Shown("p.md", 17, "python -m grader explain"),
        Shown("p.md", 30, "make validity", "an hour"),
    ]
    assert list(python("p.md", PAGE)) == [Shown("p.md", 23, "x = y\n", "a fragment")]


def test_words_are_filled_in():
    command = 'python -m grader class override STUDENT CHECK POINTS --reason "…" --out OUT'
    assert filled(command)[5:] == [
        "ada",
        "sample.shapes",
        "3",
        "--reason",
        "a reason",
        "--out",
        "out",
    ]
    assert filled("make check SUBMISSION=FOLDER")[2] == "SUBMISSION=starter"
    words = ["make", "grade", "ARGS=--only 'q r' --x", "TORCH=cpu"]
    assert arguments_of_make(words) == (["grade"], ["--only", "q r", "--x"])


def test_reasons_are_found():
    assert why_not("make test") == NOT_RUN["make test"]
    assert why_not("make testing") is None
    assert why_not("python -m grader grade x --scheduler y") is not None
    assert why_not("launch --now") is None


def test_no_page_is_left_out():
    there = {path for path in (ROOT / "docs").rglob("*.md") if path.parent.name != "reference"}
    assert there <= set(collect.PAGES)

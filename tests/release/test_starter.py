"""The starter's generator: what it makes of markers, and what it does not overwrite."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from grader.release import starter as release

ROOT = Path(release.__file__).resolve().parents[2]

SOLUTION = '''"""A module."""

import math


def area(radius):
    """Area of a disc."""
    # >>> student: area
    # todo: think of the radius twice
    # todo: and of pi once
    squared = radius**2
    # todo: this one is the solution's own
    return math.pi * squared
    # <<< student


def diameter(radius):
    # >>> student: diameter
    return 2 * radius
    # <<< student
'''

STARTER = '''"""A module."""

import math


def area(radius):
    """Area of a disc."""
    # TODO area
    # think of the radius twice
    # and of pi once
    raise NotImplementedError("area is not written yet")


def diameter(radius):
    # TODO diameter
    raise NotImplementedError("diameter is not written yet")
'''


@pytest.fixture
def course(tmp_path):
    """A solution and the starter generated from it; returns a function that runs the command."""
    (tmp_path / "solution").mkdir()
    (tmp_path / "solution" / "disc.py").write_text(SOLUTION, encoding="utf-8")
    folders = ["--solution", str(tmp_path / "solution"), "--starter", str(tmp_path / "starter")]

    def run(*options):
        return release.main([*folders, *options])

    run.solution = tmp_path / "solution" / "disc.py"
    run.starter = tmp_path / "starter" / "disc.py"
    assert run() == 0
    return run


def test_regions_become_stubs_and_markers_vanish():
    assert release.strip_solution(SOLUTION, "disc.py") == STARTER


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("# >>> student: a\npass\n", "m.py:1: marker (a) is never closed"),
        (
            "# >>> student: a\n# >>> student: b\n# <<< student\n",
            "m.py:2: marker inside the region of line 1 (a)",
        ),
        ("\n# >>> student:\n# <<< student\n", "m.py:2: marker names no task"),
        ("pass\n# <<< student\n", "m.py:2: closing marker without an opening one"),
        ("x = 1  # >>> student: a\n# <<< student\n", "m.py:1: malformed marker"),
        ("# >>> student: a\npass\n#<<< student\n", "m.py:3: malformed marker `#<<< student`"),
        ("# >>> students: a\npass\n", "m.py:1: malformed marker `# >>> students: a`"),
        ("def f(:\n    pass\n", "m.py: its starter is no valid Python"),
    ],
)
def test_wrong_markers_name_file_and_line(source, message):
    with pytest.raises(release.StarterError) as caught:
        release.strip_solution(source, "m.py")
    assert message in str(caught.value)


def test_marker_error_reaches_the_command_line(course, capsys):
    course.solution.write_text("# >>> student: a\n", encoding="utf-8")
    before = course.starter.read_bytes()
    assert course() == 2
    assert f"{course.solution}:1: marker (a) is never closed" in capsys.readouterr().err
    assert course.starter.read_bytes() == before


def test_output_has_unix_line_ends_whatever_the_solution_has(course):
    course.solution.write_bytes(SOLUTION.replace("\n", "\r\n").encode())
    course.starter.unlink()
    assert course() == 0
    assert course.starter.read_bytes() == STARTER.encode()


def test_an_unedited_starter_follows_the_solution(course):
    course.solution.write_text(SOLUTION.replace("A module", "Discs"), encoding="utf-8")
    assert course("--check") == 1
    assert course() == 0
    assert course.starter.read_text(encoding="utf-8").startswith('"""Discs."""')
    assert course("--check") == 0


def test_an_edited_file_is_named_and_kept_unless_forced(course, capsys):
    course.starter.write_text("mine = 1\n", encoding="utf-8")
    course.solution.with_name("new.py").write_text("x = 1\n", encoding="utf-8")
    assert course() == 1
    message = capsys.readouterr().err
    assert f"`{course.starter}` was edited" in message
    assert "hint: --force" in message
    assert course.starter.read_text(encoding="utf-8") == "mine = 1\n"
    assert not course.starter.with_name("new.py").exists(), "all or nothing"

    assert course("--force") == 0
    assert course.starter.read_text(encoding="utf-8") == STARTER


def test_a_file_the_manifest_does_not_know_counts_as_edited(course):
    course.starter.write_text("mine = 1\n", encoding="utf-8")
    course.starter.with_name(release.MANIFEST).unlink()
    assert course() == 1
    assert course.starter.read_text(encoding="utf-8") == "mine = 1\n"


def test_line_ends_changed_by_git_are_no_edit(course):
    course.starter.write_bytes(STARTER.replace("\n", "\r\n").encode())
    assert course("--check") == 0
    course.solution.write_text(SOLUTION.replace("A module", "Discs"), encoding="utf-8")
    assert course() == 0


def test_a_module_that_left_the_solution_leaves_the_starter(course, capsys):
    course.solution.with_name("other.py").write_text("x = 1\n", encoding="utf-8")
    course.solution.unlink()
    assert course("--check") == 1
    assert "`disc.py` is no longer generated" in capsys.readouterr().err.replace(
        str(course.starter), "disc.py"
    )
    assert course() == 0
    assert [path.name for path in course.starter.parent.glob("*.py")] == ["other.py"]


def test_check_writes_nothing_and_says_what_differs(course, capsys):
    course.starter.unlink()
    assert course("--check") == 1
    assert f"`{course.starter}` is missing" in capsys.readouterr().err
    assert not course.starter.exists()


def test_a_damaged_manifest_is_reported(course, capsys):
    course.starter.with_name(release.MANIFEST).write_text("[]", encoding="utf-8")
    assert course() == 2
    assert "damaged manifest" in capsys.readouterr().err


def test_no_partial_files_stay_behind(course):
    assert sorted(path.name for path in course.starter.parent.iterdir()) == [
        release.MANIFEST,
        "disc.py",
    ]


# --- the course's own starter -------------------------------------------------------------------


def test_starter_is_the_solutions():
    generated = release.generate(ROOT / "solution")
    recorded = json.loads((ROOT / "starter" / release.MANIFEST).read_text(encoding="utf-8"))
    assert recorded["files"] == {name: release.digest(data) for name, data in generated.items()}
    for name, data in generated.items():
        present = (ROOT / "starter" / name).read_bytes()
        assert release.digest(present) == release.digest(data), f"starter/{name} is not generated"


def test_tasks_are_the_contracts_and_the_rest_is_given():
    generated = {name: data.decode() for name, data in release.generate(ROOT / "solution").items()}
    tasks = {
        "q_network.py": ["QNetwork.__init__", "QNetwork.forward"],
        "replay_buffer.py": ["ReplayBuffer.sample"],
        "dqn_agent.py": ["DQNAgent.update", "DQNAgent.update_target"],
        "train.py": [],
    }
    assert set(generated) == set(tasks)
    for name, text in generated.items():
        found = [line.split()[2] for line in text.splitlines() if "# TODO " in line]
        assert found == tasks[name]
        assert text.count(" is not written yet") == len(tasks[name])
        assert ">>> student" not in text


def test_runs_as_a_module_from_the_root():
    finished = subprocess.run(
        [sys.executable, "-m", "grader.release.starter", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--check" in finished.stdout

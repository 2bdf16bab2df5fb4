"""`explain` and `rubric check`: pages and mistakes on the right streams, with the right status."""

import subprocess
import sys

import pytest

import grader.rubric
from grader.cli import main


@pytest.fixture
def command(environment, cwd):
    """Run `python -m grader …` in an empty folder."""

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "grader", *map(str, arguments)],
            cwd=cwd,
            env=environment(),
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )
        assert "Traceback" not in done.stderr
        return done

    return run


def test_explain_prints_a_page(command):
    done = command("explain", "UPDATE_HUBER")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("# Uses the Huber (smooth L1) loss\n")


def test_explain_without_a_code_lists_them(command):
    assert "- `UPDATE_HUBER`: Uses the Huber" in command("explain").stdout


def test_explain_names_the_closest(command):
    done = command("explain", "UPDATE_HUBBER")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: no misconception is called `UPDATE_HUBBER`\nhint: did you mean `UPDATE_HUBER`?\n"
    )


def test_a_rubric_without_a_mistake(command, root):
    done = command("rubric", "check")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"{root / 'grader' / 'rubric.toml'}: nothing is wrong, the points add up to 100\n"
    )


def test_mistakes_are_told_by_line(command, root, cwd):
    text = (root / "grader" / "rubric.toml").read_text("utf-8")
    (cwd / "mine.toml").write_text(text.replace("points = 35", "ponts = 35"), encoding="utf-8")
    wrong = text[: text.index("points = 35")].count("\n") + 1  # the part begins three lines above
    done = command("rubric", "check", "mine.toml")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"error: mine.toml:{wrong - 3}: part `update` has no `points`\n"
        f"error: mine.toml:{wrong}: unknown key `ponts` of part `update`\n"
        "hint: did you mean `points`?\n"
    )


def test_a_rubric_that_is_not_there(command):
    done = command("rubric", "check", "none.toml")
    assert done.returncode == 2
    assert done.stderr == (
        "error: `none.toml` cannot be read: No such file or directory\nhint: name a rubric\n"
    )


def test_hidden_checks_have_a_rubric_too(tmp_path, monkeypatch, capsys):
    (tmp_path / "rubric.toml").write_text(
        '[[check]]\nid = "update.hidden"\ntitle = "x"\nstrengthens = "sample.values"\n'
    )
    monkeypatch.setattr(grader.rubric, "HIDDEN_FOLDER", tmp_path)
    assert main(["rubric", "check"]) == 2
    assert "check `update.hidden` must strengthen a public check of its part" in (
        capsys.readouterr().err
    )

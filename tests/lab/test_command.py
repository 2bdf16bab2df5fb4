"""`python -m grader lab` from outside: wrong usage, a whole lab, one that was interrupted."""

import json
import signal
import subprocess
import sys
import time

import pytest

SHORT = ("--updates", "5", "--only", "no-terminal-mask")


def read(folder):
    lines = (folder / "runs.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--seeds", "0"], "`0` is not a number of 1 or more"),
        (["--jobs", "two"], "`two` is not a number of 1 or more"),
        (["--updates", "-5"], "`-5` is not a number of 1 or more"),
        (["--only", "magic"], "no experiment `magic`"),
        (["--submission", "nowhere"], "there is nothing at `nowhere`"),
        (["--docs", "nowhere.md"], "`nowhere.md` cannot take the tables: No such file"),
        (["surprise"], "unrecognized arguments: surprise"),
    ],
)
def test_wrong_usage_is_named(arguments, told, capsys):
    from grader.cli import main

    assert main(["lab", *arguments]) == 2
    out, err = capsys.readouterr()
    error, hint = err.splitlines()
    assert out == ""
    assert error.startswith("error: ")
    assert told in error
    assert hint.startswith("hint: ")


def test_a_page_without_a_place_for_tables(tmp_path, capsys):
    from grader.cli import main

    page = tmp_path / "page.md"
    page.write_text("# Page\n")
    assert main(["lab", "--docs", str(page)]) == 2
    assert "no `<!-- lab: begin -->`" in capsys.readouterr().err


def test_a_submission_that_is_not_written_yet(lab, root):
    done = lab(*SHORT, "--seeds", "1", "--submission", root / "starter", "--out", "out")
    assert done.returncode == 2
    assert "error: `starter` cannot be trained: NotImplementedError" in done.stderr
    assert "hint: only submissions that pass the checks are trained" in done.stderr


def heed_interrupts():
    """As in a foreground terminal: what runs these tests may have interrupts ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def interrupted(command, tmp_path):
    """Interrupt a lab after some rows; what it said and the bytes that it left."""

    def run(*arguments):
        line, environment = command(*arguments)
        temporary = tmp_path / "temporary"
        temporary.mkdir()
        process = subprocess.Popen(
            line,
            cwd=tmp_path,
            env=environment | {"TMPDIR": str(temporary)},
            stderr=subprocess.PIPE,
            encoding="utf-8",
            preexec_fn=heed_interrupts,
            start_new_session=True,
        )
        rows = tmp_path / "out" / "runs.jsonl"
        try:
            deadline = time.monotonic() + 120
            while time.monotonic() < deadline and process.poll() is None:
                if rows.exists() and rows.read_bytes().count(b"\n") > 2:
                    break
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=60)
        except BaseException:
            process.kill()
            raise
        assert process.returncode == 130
        assert "Traceback" not in stderr
        assert list(temporary.iterdir()) == []
        return stderr, rows.read_bytes()

    return run


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
def test_a_lab_is_interrupted_and_goes_on_to_its_end(interrupted, lab, root, tmp_path):
    page, out = tmp_path / "page.md", tmp_path / "out"
    page.write_text("# Page\n\n<!-- lab: begin -->\n<!-- lab: end -->\n", encoding="utf-8")
    usual = (*SHORT, "--submission", root / "solution", "--out", "out")
    stderr, kept = interrupted(*usual, "--seeds", "200", "--jobs", "1")
    count = kept.count(b"\n")
    assert 3 <= count < 400
    assert f"interrupted: {count} of 400 rows are in `out`, no process is left" in stderr
    assert "hint: the same command goes on from there" in stderr

    # One row is torn, some are there, two at least are missing: it goes on with these.
    seeds = count // 2 + 1
    (out / "runs.jsonl").write_bytes(kept + b'{"lab": "torn')
    done = lab(*usual, "--seeds", seeds, "--docs", page)
    assert done.returncode == 0
    assert f"{2 * seeds} of {2 * seeds} runs, " in done.stderr
    assert (out / "runs.jsonl").read_bytes().startswith(kept)
    assert {(r["experiment"], r["seed"]) for r in read(out)} == {
        (name, seed) for name in ("baseline", "no-terminal-mask") for seed in range(seeds)
    }
    assert done.stdout == (out / "summary.md").read_text(encoding="utf-8")
    assert f"| No terminal mask | {seeds} |" in done.stdout
    assert f"| No terminal mask | {seeds} |" in page.read_text(encoding="utf-8")
    assert len(read(tmp_path / "page")) == 2 * seeds
    for name in ("curves", "values"):
        assert (out / f"{name}.png").exists()
        assert (out / f"{name}.svg").read_bytes() == (tmp_path / f"page/{name}.svg").read_bytes()

    # Nothing is left to be played, and the summary is of what was asked for.
    before = (out / "runs.jsonl").read_bytes()
    again = lab(*usual, "--seeds", "1")
    assert again.stderr == (
        f"left alone in `out`: {2 * seeds - 2} rows of other seeds, submissions or settings, or of "
        "another version of the grader\n"
    )
    assert "| No terminal mask | 1 |" in again.stdout
    assert (out / "runs.jsonl").read_bytes() == before

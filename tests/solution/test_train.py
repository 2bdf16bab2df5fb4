"""train.py as its users run it: a short training, a replay, an interruption, an unfinished TODO."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TERMINAL_ROWS_AND_COLUMNS = (30, 100)
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"


def run(folder, *options, cwd):
    """Run ``folder``/train.py in ``cwd``, its output piped."""
    return subprocess.run(
        [sys.executable, str(ROOT / folder / "train.py"), *options],
        cwd=cwd,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder in which a run of 120 updates has ended, and what the run said."""
    folder = tmp_path_factory.mktemp("trained")
    return folder, run("solution", "--max-updates", "120", "--seed", "7", cwd=folder)


def test_a_short_run_reports_saves_and_admits_that_it_has_not_solved(trained):
    folder, finished = trained
    assert finished.returncode == 1
    result = re.fullmatch(
        r"not solved: greedy average (\d+\.\d) after 120 updates, \d+\.\d s\n"
        r"saved `dqn_cartpole.pt`\n",
        finished.stdout,
    )
    assert result, finished.stdout
    assert 5 < float(result[1]) < 475
    assert [path.name for path in folder.iterdir()] == ["dqn_cartpole.pt"]


def test_progress_is_plain_lines_where_there_is_no_terminal(trained):
    _, finished = trained
    assert "\x1b" not in finished.stderr
    assert re.fullmatch(
        r"update 100, episode \d+, return \(mean of 20\) \d+\.\d, epsilon 0\.\d\d, "
        r"loss \d+\.\d{3}, best greedy average \d+\.\d\n",
        finished.stderr,
    )


def test_play_loads_the_saved_weights(trained):
    folder, _ = trained
    finished = run("solution", "--play", "--episodes", "3", cwd=folder)
    assert finished.returncode == 0, finished.stderr
    *episodes, average = finished.stdout.splitlines()
    returns = [
        float(re.fullmatch(rf"episode {number}: return (\d+)", line)[1])
        for number, line in enumerate(episodes, start=1)
    ]
    assert len(returns) == 3
    assert average == f"average {sum(returns) / 3:.1f} over 3 episodes"


def test_gif_is_written_or_the_remedy_named(trained):
    folder, _ = trained
    finished = run("solution", "--gif", "episode.gif", cwd=folder)
    if finished.returncode == 0:
        assert (folder / "episode.gif").read_bytes().startswith(b"GIF89a")
    else:
        assert finished.returncode == 2
        assert "hint: run `python -m pip install" in finished.stderr
        assert "Traceback" not in finished.stderr


def test_play_without_weights_says_what_to_do(tmp_path):
    finished = run("solution", "--play", cwd=tmp_path)
    assert finished.returncode == 2
    assert finished.stderr == (
        "train.py: no weights at `dqn_cartpole.pt`\nhint: run `python train.py` first\n"
    )


def test_an_unfinished_todo_ends_in_one_line_that_names_it(tmp_path):
    finished = run("starter", cwd=tmp_path)
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert re.fullmatch(
        r"train\.py: TODO: QNetwork\.__init__ is not written yet \(q_network\.py, line \d+\)\n",
        finished.stderr,
    )
    assert not any(tmp_path.iterdir())


def test_help_explains_every_option_and_the_pages_values(tmp_path):
    finished = run("solution", "--help", cwd=tmp_path)
    assert finished.returncode == 0
    text = " ".join(finished.stdout.split())
    for words in (
        "--lr LR learning rate of Adam (page: 1e-3) (default: 0.008)",
        "updates between target copies (page: 10 episodes) (default: 4)",
        "--weights WEIGHTS file to save to, and to play from (default: dqn_cartpole.pt)",
    ):
        assert words in text


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals and SIGINT are POSIX")
def test_ctrl_c_restores_the_terminal_and_keeps_the_weights(tmp_path):
    screen, status, result = interrupt_on_a_terminal(tmp_path)
    assert status == 130
    assert result.startswith("interrupted: greedy average ")
    assert (tmp_path / "dqn_cartpole.pt").stat().st_size > 17_410 * 4
    assert "DQN on CartPole-v1" in screen
    assert "▁" in screen
    assert screen.rindex(SHOW_CURSOR) > screen.rindex(HIDE_CURSOR)
    assert "Traceback" not in screen


def interrupt_on_a_terminal(folder):
    """Train on a pseudo-terminal until the first returns show, then press Ctrl-C."""
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *TERMINAL_ROWS_AND_COLUMNS, 0, 0))
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "solution" / "train.py"), "--max-updates", "100000"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        # As in a foreground terminal: what runs these tests may have interrupts ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    os.close(theirs)
    shown, interrupted = b"", False
    try:
        while chunk := read(ours):
            shown += chunk
            if not interrupted and "▁".encode() in shown:
                process.send_signal(signal.SIGINT)
                interrupted = True
        result, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        os.close(ours)
    return shown.decode(errors="replace"), process.returncode, result.decode()


def read(descriptor):
    """Read what is there; empty once the other side of the pseudo-terminal is closed."""
    try:
        return os.read(descriptor, 65_536)
    except OSError:  # Linux reports the end as EIO
        return b""

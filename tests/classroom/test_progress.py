"""What is told on standard error while a class is graded."""

import io

import pytest
from rich.console import Console

from grader.classroom.progress import Progress
from tests.classroom.conftest import report_on

TERMINAL = "# fails: update.terminal=UPDATE_NO_TERMINAL_MASK\n"


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Executor:
    def under_way(self):
        return [("b" * 64, 3.0), ("c" * 64, 41.0)]


def shown(play, **options):
    """What a console gets to show."""
    file = io.StringIO()
    console = Console(file=file, width=100, highlight=False, **options)
    clock = Clock()
    with Progress(console, {"a" * 64: "ada", "c" * 64: "c\x1b[31m"}, clock) as progress:
        play(progress, clock, console)
    return file.getvalue()


def test_plain_lines_now_and_then():
    def play(progress, clock, _console):
        progress.known(5, 1)
        for seconds in (4.0, 8.0, 12.0):
            clock.now = seconds
            progress.graded("a" * 64, report_on(TERMINAL), 2.0)
        progress.failed("b" * 64, "out of order")
        clock.now = 16.0
        progress.graded("d" * 64, report_on("x"), 2.5)

    assert shown(play).splitlines() == [
        "5 different submissions, 1 graded before",
        "4 of 5 graded, 20.0 a minute, about 3 s left; ada: 81, 2.0 s",
        f"{'b' * 12} could not be graded: out of order",
        f"5 of 5 graded, 1 failed; {'d' * 12}: 85, 2.5 s",
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_live_view_in_a_terminal(encoding):
    views = []

    def play(progress, clock, console):
        views.append(progress._view())
        progress.known(30, 1)
        progress.watch(Executor())
        clock.now = 60.0
        progress.graded("a" * 64, report_on(TERMINAL), 2.0)
        clock.now = 120.0
        progress.graded("d" * 64, report_on(TERMINAL), 2.0)
        with console.capture() as capture:
            for view in (*views, progress._view()):
                console.print(view)
        views.append(capture.get())

    shown(play, force_terminal=True, color_system=None)
    view = views[-1]
    assert "starting workers ..." in view
    assert "3 of 30 graded" in view
    assert "about 18 min left" in view
    assert "losing points in: update 2" in view
    # The slowest first, and nothing that steers the terminal.
    assert view.index("41 s  c\\x1b[31m") < view.index(f"3 s  {'b' * 12}")


def test_no_colour_where_none_is_wanted(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")

    def play(progress, _clock, console):
        progress.known(2, 0)
        progress.graded("a" * 64, report_on(TERMINAL), 2.0)
        console.print(progress._view())

    import re

    text = shown(play, force_terminal=True)
    codes = re.findall(r"\x1b\[([\d;]*)m", text)
    assert not [code for code in codes if re.search(r"\b(3[0-7]|38|9[0-7])\b", code)]

"""Lines joined so that a prompt takes them."""

import code

import pytest

from grader.checks.prompt import pasted


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ((), ""),
        (("a = 1",), "a = 1"),
        (("a = 1", "b = 2"), "a = 1\nb = 2"),
        # A block at the end is left open: who pastes it presses Enter.
        (("for i in x:", "    print(i)"), "for i in x:\n    print(i)"),
        (("for i in x:", "    print(i)", "b = 2"), "for i in x:\n    print(i)\n\nb = 2"),
        (("for i in x:", "    print(i)", "# done"), "for i in x:\n    print(i)\n\n# done"),
        # Back to the outer block is no end.
        (
            ("for i in x:", "    for j in y:", "        print(j)", "    print(i)", "b = 2"),
            "for i in x:\n    for j in y:\n        print(j)\n    print(i)\n\nb = 2",
        ),
        (
            ("for i in x:", "    print(i)", "for j in y:", "    print(j)", "b = 2"),
            "for i in x:\n    print(i)\n\nfor j in y:\n    print(j)\n\nb = 2",
        ),
    ],
)
def test_an_empty_line_ends_each_block(lines, text):
    assert pasted(*lines) == text


def test_a_prompt_runs_a_block_before_what_follows(capsys):
    block = ("for i in range(2):", "    for j in range(2):", "        print(i, j)")
    console = code.InteractiveConsole()
    for line in pasted(*block, "print(i)").split("\n"):
        console.push(line)
    shown = capsys.readouterr()
    assert shown.out == "0 0\n0 1\n1 0\n1 1\n1\n"
    assert shown.err == ""

"""Lines of code beside what is said of them."""

import pytest

from grader.report.model import ExcerptEntry, LocationEntry
from grader.report.source import MAX_CHARACTERS, MAX_LINES, lines_around

METHOD = """class A:
    def one(self):
        x = 1

        return x

    def two(self):
        return 2
"""


def around(text, line, file="a.py"):
    data = text if isinstance(text, bytes) else text.encode()
    return lines_around({"a.py": data}, LocationEntry(file=file, line=line))


def test_a_line_stands_among_its_neighbours():
    text = "".join(f"line {n}\n" for n in range(1, 21))
    lines = [f"line {n}" for n in range(7, 14)]
    assert around(text, 10) == ExcerptEntry(first=7, lines=lines)


def test_a_definition_is_shown_to_its_end():
    assert around(METHOD, 2) == ExcerptEntry(first=1, lines=METHOD.split("\n")[:5])


def test_a_long_definition_is_cut():
    found = around("def f():\n" + "    x\n" * 100, 1)
    assert len(found.lines) == MAX_LINES


def test_the_first_and_the_last_line():
    assert around("a\nb\n", 1) == ExcerptEntry(first=1, lines=["a", "b"])
    assert around("a\nb", 2) == ExcerptEntry(first=1, lines=["a", "b"])


def test_lines_are_counted_as_python_counts_them():
    assert around("a\r\nb\rc\x0cd\u2028e\nf\n", 4).lines == ["a", "b", "c\x0cd\u2028e", "f"]


def test_what_is_no_utf8_is_shown_as_far_as_it_is():
    assert around(b"\xef\xbb\xbfx = '\xff'\n", 1).lines == ["x = '\ufffd'"]


def test_a_long_line_is_cut():
    assert around("x" * 1000, 1).lines == ["x" * MAX_CHARACTERS + "…"]


@pytest.mark.parametrize(("file", "line"), [("b.py", 1), ("a.py", 4)])
def test_a_place_that_is_not_there(file, line):
    assert around("a\nb\n", line, file) is None


def test_nowhere_is_nowhere():
    assert lines_around({"a.py": b"x"}, None) is None

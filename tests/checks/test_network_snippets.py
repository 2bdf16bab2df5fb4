"""Lines that show a fault of `QNetwork`: what they say, and what the solution prints for them."""

import ast
import re
import sys

import pytest

from grader.checks.network_snippets import (
    alone_snippet,
    gradients_snippet,
    parameters_snippet,
    shape_snippet,
    twice_snippet,
    values_snippet,
)
from grader.checks.shapes import PROBE, Shape


@pytest.fixture
def shown(monkeypatch, capsys, solution):
    """`shown(lines)` is what lines print beside the solution; `old` and `new` change it."""

    def run(lines, old="", new=""):
        assert old in solution["q_network"]
        module = type(sys)("q_network")
        exec(solution["q_network"].replace(old, new, 1), vars(module))
        monkeypatch.setitem(sys.modules, "q_network", module)
        exec(lines, {})
        return capsys.readouterr().out.splitlines()

    return run


def expected(text):
    """The numbers that should be printed."""
    lines = text.split("\n")
    return [ast.literal_eval(x.removeprefix("# expected: ")) for x in lines if "# expected" in x]


ONE = Shape(1, 1, 1)
#: With every weight and bias at 1/4, the three layers by hand: 1 → 1/2 → 3/8 → 11/32,
#: −2 → 0 → 1/4 → 5/16 and 1/2 → 3/8 → 11/32 → 43/128, shown to six digits.
POSITIVE = [0.34375, 0.3125, 0.335938]
#: At −1/4 the second layer is dead for all three, and the last bias is left.
NEGATIVE = [-0.25, -0.25, -0.25]


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 700])
def test_values_by_hand(rows):
    shown = min(rows, 3)
    assert expected(values_snippet(ONE, rows)) == [POSITIVE[:shown], NEGATIVE[:shown]]


def test_values_of_wider_layers_by_hand():
    # 2 states, 3 units: 1 → 3/4 → 13/16 → 55/64 and −2 → 0 → 1/4 → 7/16.
    first, second = expected(values_snippet(Shape(2, 4, 3), 2))
    assert first == [0.859375, 0.4375]
    # At −1/4: −2 → 3/4, and then 0.
    assert second == [-0.25, -0.25]


@pytest.mark.parametrize("shape", [ONE, Shape(3, 2, 4), PROBE, Shape(4, 2, None)])
@pytest.mark.parametrize("rows", [1, 2, 3, 4, 7, 700])
def test_the_solution_prints_the_values(shown, shape, rows):
    text = values_snippet(shape, rows)
    assert shape.call() in text
    out, due = shown(text), expected(text)
    assert [ast.literal_eval(line) for line in out] == [pytest.approx(d, rel=1e-5) for d in due]


@pytest.mark.parametrize(("rows", "given"), [(1, 1), (2, 2), (3, 3), (4, 6), (7, 9), (700, 702)])
def test_the_batch_has_as_many_rows_as_were_wrong(shown, rows, given):
    text = values_snippet(Shape(3, 2, 4), rows) + "\n\nprint(tuple(states.shape))"
    assert shown(text)[-1] == f"({given}, 3)"


def test_an_activation_between_the_layers_shows(shown):
    text = values_snippet(PROBE, 4)
    for layer in (1, 2):
        for other in (f"torch.tanh(self.hidden_{layer}", f"(self.hidden_{layer}"):
            out = shown(text, f"torch.relu(self.hidden_{layer}", other)
            assert [ast.literal_eval(line) for line in out] != expected(text)


def test_an_activation_on_the_output_shows(shown):
    text = values_snippet(PROBE, 4)
    for other in ("torch.relu(self.output(x))", "torch.tanh(self.output(x))"):
        out = shown(text, "self.output(x)", other)
        assert [ast.literal_eval(line) for line in out] != expected(text)


def test_dropout_is_off_where_values_are_looked_at(shown):
    text = values_snippet(PROBE, 4)
    dropout = "nn.functional.dropout(self.output(x), 0.5, self.training)"
    out = shown(text, "self.output(x)", dropout)
    assert [ast.literal_eval(line) for line in out] == [pytest.approx(d) for d in expected(text)]


@pytest.mark.parametrize("rows", [1, 5])
def test_shapes(shown, rows):
    text = shape_snippet(Shape(5, 3, 7), rows, f"torch.float32 and ({rows}, 3)")
    assert shown(text) == [f"torch.float32 ({rows}, 3)"]
    assert text.endswith(f"# expected: torch.float32 and ({rows}, 3)")
    squeezed = shown(text, "self.output(x)", "self.output(x).argmax(dim=1)")
    assert squeezed == [f"torch.int64 ({rows},)"]


@pytest.mark.parametrize("shape", [Shape(4, 2, None), PROBE])
def test_parameters(shown, shape):
    text = parameters_snippet(shape)
    (out,) = shown(text)
    assert text.endswith(f"# expected, in any order: {out}")
    assert ast.literal_eval(out) == shape.expected_shapes()


def largest(lines):
    """The largest number of a tensor that was printed."""
    (matrix,) = re.findall(r"\[\[.*\]\]", "".join(lines))
    return max(abs(x) for row in ast.literal_eval(matrix) for x in row)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (twice_snippet(), "nn.functional.dropout(self.output(x), 0.5)"),
        (alone_snippet(), "self.output(x - x.mean(dim=0))"),
    ],
    ids=["twice", "alone"],
)
def test_differences_are_zero(shown, text, wrong):
    assert "# expected: zeros" in text
    assert largest(shown(text)) <= 1e-6
    assert largest(shown(text, "self.output(x)", wrong)) > 1e-3


def test_gradients(shown):
    assert shown(gradients_snippet()) == [f"{[True] * 6}"]
    out = shown(gradients_snippet(), "self.hidden_1(x)", "self.hidden_1(x).detach()")
    assert out == [f"{[False] * 2 + [True] * 4}"]

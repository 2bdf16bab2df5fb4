"""The list of survivors: what it matches, and that it speaks of code that is there."""

import inspect
import pkgutil

import pytest

from tests.mutation.survivors import Mutant, load_survivors

DIFF = """\
--- grader/oracle/adam.py
+++ grader/oracle/adam.py
@@ -1,5 +1,5 @@
 def step(self, weights, gradients):
-    self.t += 1
+    self.t -= 1
     return None"""
LIST = """
[[alike]]
reason = "guards"
pattern = ', (strict=\\w+)?(?=\\))'

[[survivors]]
reason = "either will do"
mutants = [
    { function = "m.f", was = "x = 1", now = ["x = 2", "x = None"] },
]
"""
SURVIVORS = load_survivors()


@pytest.fixture
def survivors(tmp_path):
    path = tmp_path / "list.toml"
    path.write_text(LIST, "utf-8")
    return load_survivors(path)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("grader.oracle.adam.xǁAdamǁstep__mutmut_7", "grader.oracle.adam.Adam.step"),
        ("grader.oracle.adam.xǁ_Aǁ__init____mutmut_1", "grader.oracle.adam._A.__init__"),
        ("grader.oracle.models.x_global_norm__mutmut_12", "grader.oracle.models.global_norm"),
        ("grader.checks.compare.x__own__mutmut_12", "grader.checks.compare._own"),
    ],
)
def test_a_mutant_is_its_function_and_its_changed_lines(name, function):
    assert Mutant.of(name, DIFF) == Mutant(function, "self.t += 1", "self.t -= 1")


@pytest.mark.parametrize(
    ("function", "was", "now", "reason"),
    [
        ("m.f", "x = 1", "x = 2", "either will do"),
        ("m.f", "x = 1", "x = None", "either will do"),
        ("m.f", "x = 1", "x = 3", None),
        ("m.g", "x = 1", "x = 2", None),
        ("m.g", "zip(a, b, strict=True)", "zip(a, b, strict=None)", "guards"),
        ("m.g", "zip(a, b, strict=True)", "zip(a, b, )", "guards"),
        ("m.g", "zip(a, b, strict=True)", "zip(b, strict=True)", None),
        ("m.g", "f(a, n=1)", "f(a, )", None),
    ],
)
def test_which_mutants_are_explained(function, was, now, reason, survivors):
    assert survivors.reason(Mutant(function, was, now)) == reason


@pytest.mark.parametrize("mutant", SURVIVORS.single, ids=lambda m: f"{m.function}: {m.now}")
def test_what_is_explained_is_there(mutant):
    function = inspect.unwrap(pkgutil.resolve_name(mutant.function))
    lines = [line.strip() for line in inspect.getsource(function).splitlines()]
    assert set(mutant.was.splitlines()) <= set(lines)
    assert mutant.was != mutant.now

"""The corpus holds what is claimed of it."""

import tomllib
from collections import defaultdict

import pytest

from grader.explanations import load_explanations
from tests.validity.corpus import CORPUS, FILES, PatchError, build, read_corpus


def by_kind(corpus, kind):
    return [case for case in corpus if case.kind == kind]


def test_every_patch_applies_and_every_file_is_python(corpus):
    for case in corpus:
        for name, text in build(case).items():
            compile(text, f"{case.id}/{name}", "exec")


def test_every_case_differs_from_its_base_and_from_all_others(corpus):
    seen = {}
    for case in corpus:
        files = tuple(build(case).items())
        assert files not in seen, f"{case.id} is {seen[files]}"
        seen[files] = case.id


def test_every_misconception_that_costs_points_is_there_in_two_ways_on_two_bases(corpus):
    ways, bases = defaultdict(set), defaultdict(set)
    for case in by_kind(corpus, "wrong"):
        (code,) = case.codes
        ways[code].add(case.id)
        bases[code].add(case.base)
    fails = {code for code, e in load_explanations().items() if e.severity == "fails"}
    assert set(ways) <= fails
    assert {code for code in fails if len(ways[code]) < 2 or len(bases[code]) < 2} == set()


def test_every_remark_is_there(corpus):
    advised = {case.advice for case in corpus if case.advice}
    advice = {code for code, e in load_explanations().items() if e.severity == "advice"}
    # Our own remark on a changed default dtype needs a process that it does not harm.
    assert advised == advice - {"DEFAULT_DTYPE_CHANGED"}


def test_there_are_as_many_of_each_kind_as_claimed(corpus):
    counts = {kind: len(by_kind(corpus, kind)) for kind in ("wrong", "subtle", "correct")}
    assert counts["wrong"] >= 200
    assert counts["subtle"] >= 40
    assert counts["correct"] >= 80
    assert sum(len(case.loses) == 2 for case in by_kind(corpus, "double")) >= 30


def test_wrong_ones_lose_points_and_correct_ones_do_not(corpus):
    for case in corpus:
        if case.kind == "correct":
            assert not case.loses, case.id
            assert not case.codes, case.id
        else:
            # Of given code, only that counts in points which the graded parts rest on.
            assert case.loses or set(case.codes) <= ZERO_POINTS, case.id


ZERO_POINTS = {"GIVEN_EPSILON_CHANGED", "GIVEN_TARGET_NOT_COPIED"}


def test_bases_are_complete():
    bases = sorted(path.name for path in (CORPUS / "bases").iterdir())
    assert len(bases) >= 4
    for base in bases:
        assert {path.name for path in (CORPUS / "bases" / base).glob("*.py")} == set(FILES)


def written(tmp_path, text):
    for kind in ("wrong", "subtle", "double", "correct"):
        (tmp_path / kind).mkdir()
    (tmp_path / "bases").symlink_to(CORPUS / "bases")
    (tmp_path / "wrong" / "some.toml").write_text(text, "utf-8")
    return tmp_path


CASE = '[[case]]\nid = "x"\nbase = "textbook"\nwhy = "y"\nloses = ["update"]\n'
EDIT = '[[case.edit]]\nfile = "dqn_agent.py"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (CASE + EDIT + 'find = "nowhere to be found"\nreplace = ""\n', "occurs 0 times"),
        (CASE + EDIT + 'find = "self"\nreplace = ""\n', "times, expected once"),
        (CASE + EDIT + 'find = ""\nreplace = "x"\n', "occurs 0 times"),
        (CASE + EDIT + 'find = "import"\n', "expected `find` and `replace`"),
        (CASE + EDIT + 'content = "x"\nas = "crlf"\n', "expected `find` and `replace`"),
        (CASE.replace("textbook", "novel"), "there is no base `novel`"),
    ],
)
def test_a_patch_that_does_not_apply_is_an_error(tmp_path, text, told):
    (case,) = read_corpus(written(tmp_path, text))
    with pytest.raises(PatchError, match=told):
        build(case, tmp_path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (CASE + CASE, "stands in wrong/some and in wrong/some"),
        (CASE + 'colour = "red"\n', "unknown field `colour`"),
        (CASE.replace("update", "everything"), "Invalid enum value"),
        (CASE + EDIT.replace("dqn_agent", "train"), "Invalid enum value"),
        ("[[case]\n", "some"),
        ("x = 1\n", "some: 'case'"),
    ],
)
def test_a_case_that_cannot_be_read_is_an_error(tmp_path, text, told):
    with pytest.raises(PatchError, match=told):
        read_corpus(written(tmp_path, text))


def test_a_base_in_another_guise(tmp_path):
    text = "".join(
        CASE.replace('"x"', f'"{guise}"') + EDIT + f'as = "{guise}"\n'
        for guise in ("crlf", "bom", "bom+crlf", "tabs")
    )
    base = (CORPUS / "bases" / "textbook" / "dqn_agent.py").read_bytes()
    files = {
        case.id: build(case, tmp_path)["dqn_agent.py"]
        for case in read_corpus(written(tmp_path, text))
    }
    assert files["crlf"] == base.replace(b"\n", b"\r\n")
    assert files["bom"] == b"\xef\xbb\xbf" + base
    assert files["bom+crlf"] == b"\xef\xbb\xbf" + base.replace(b"\n", b"\r\n")
    assert files["tabs"].replace(b"\t", b"    ") == base
    assert b"\n    " not in files["tabs"]


def test_every_fair_variant_is_there(corpus):
    correct = {case.id for case in by_kind(corpus, "correct")}
    variants = tomllib.loads((CORPUS / "fair_variants.toml").read_text("utf-8"))
    for section in variants.values():
        for variant, cases in section.items():
            assert cases, variant
            assert set(cases) <= correct, variant

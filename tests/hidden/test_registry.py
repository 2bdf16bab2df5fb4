"""Hidden checks and their rubric: each of one has its counterpart in the other."""

import hashlib
import importlib
import inspect

import pytest

from grader.rubric import HIDDEN_FOLDER, RUBRIC_FILE, RubricError, load_rubric

PUBLIC = load_rubric()
RUBRIC = load_rubric(hidden=HIDDEN_FOLDER)
HIDDEN = [check for check in RUBRIC.check if check.strengthens is not None]
MODULES = sorted(HIDDEN_FOLDER.glob("check_*.py"))


@pytest.fixture
def load(tmp_path):
    """A function that reads the rubric with this text as the hidden one."""

    def load_text(text):
        (tmp_path / "rubric.toml").write_text(text, "utf-8")
        return load_rubric(hidden=tmp_path)

    return load_text


def entry(check="update.hidden_more", strengthens="update.loss", more=""):
    return f'[[check]]\nid = "{check}"\ntitle = "More"\nstrengthens = "{strengthens}"\n{more}'


def test_every_hidden_check_is_in_its_rubric_and_the_other_way_round():
    found = set()
    for path in MODULES:
        module = importlib.import_module(f"grader.hidden.{path.stem}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("check_") and function.__module__ == module.__name__:
                assert inspect.getdoc(function).splitlines()[0].endswith(".")
                found.add(f"{module.PART}.{name.removeprefix('check_')}")
    assert found == {check.id for check in HIDDEN}


def test_every_graded_part_has_a_hidden_check():
    assert {check.part for check in HIDDEN} == {p.id for p in RUBRIC.part} - {"cartpole"}


def test_hidden_checks_carry_no_points_and_stand_behind_the_public_ones_of_their_part():
    assert sum(check.points for check in RUBRIC.check) == 100
    assert all(check.points == 0 and check.visibility == "hidden" for check in HIDDEN)
    for part in RUBRIC.part:
        public = PUBLIC.checks_of(part.id)
        assert RUBRIC.checks_of(part.id)[: len(public)] == public


def test_the_hash_of_the_rubric_covers_the_hidden_one():
    both = RUBRIC_FILE.read_bytes() + (HIDDEN_FOLDER / "rubric.toml").read_bytes()
    assert RUBRIC.sha256 == hashlib.sha256(both.replace(b"\r\n", b"\n")).hexdigest()
    assert RUBRIC.sha256 != PUBLIC.sha256


def test_a_hidden_check_may_be_shown(load):
    rubric = load(entry(more='visibility = "after_published"\n'))
    assert rubric.find("update.hidden_more").visibility == "after_published"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (entry(more="points = 3\n"), "`update.hidden_more` has 3 points; hidden checks have none"),
        (entry(strengthens="sample.values"), "must strengthen a public check of its part"),
        (entry(strengthens="update.given_agent"), "not `update.given_agent`"),
        (entry(strengthens="update.no_such"), "not `update.no_such`"),
        (entry(check="update.loss"), "stands there twice, or is a public one"),
        (entry() + entry(), "stands there twice, or is a public one"),
        (entry(more='needs = ["update.later"]\n'), "needs `update.later`, which is not before it"),
        (entry(more="weight = 1\n"), "weight"),
        ("[[check]]\nid = ", "hidden/rubric.toml"),
    ],
)
def test_a_hidden_rubric_that_contradicts_itself_is_refused(load, text, told):
    with pytest.raises(RubricError) as caught:
        load(text)
    assert told in str(caught.value)
    assert str(caught.value).startswith("hidden/rubric.toml")


def test_a_public_check_strengthens_none(tmp_path):
    text = RUBRIC_FILE.read_text("utf-8").replace(
        'id = "update.loss"\n', 'id = "update.loss"\nstrengthens = "update.learns"\n'
    )
    path = tmp_path / "rubric.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(RubricError, match=r"`update\.loss` strengthens another"):
        load_rubric(path)

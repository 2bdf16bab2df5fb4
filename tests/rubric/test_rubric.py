"""The rubric is read strictly: whatever contradicts itself is refused, with the place named."""

import hashlib
import re

import pytest

from grader.explanations import load_explanations
from grader.limits import Limits
from grader.rubric import RUBRIC_FILE, RubricError, load_rubric

#: The contract's points.
POINTS = {"q_network": 20, "sample": 20, "update": 35, "update_target": 10, "cartpole": 15}


@pytest.fixture
def text():
    return RUBRIC_FILE.read_text("utf-8")


@pytest.fixture
def load(tmp_path):
    """A function that writes a text to `mine.toml` and reads it."""

    def load_text(text):
        path = tmp_path / "mine.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_rubric(path)

    return load_text


def replaced(old, new, count=1):
    def change(text):
        assert old in text
        return text.replace(old, new, count)

    return change


def without(check):
    """Drop a check's table."""

    def change(text):
        changed, count = re.subn(rf'\[\[check\]\]\nid = "{check}"\n(?:.+\n)+', "", text)
        assert count == 1
        return changed

    return change


def appended(table):
    return lambda text: text + table


def points(check, number):
    def change(text):
        changed, count = re.subn(
            rf'(id = "{check}"\ntitle = .+\npoints = )\d+', rf"\g<1>{number}", text
        )
        assert count == 1
        return changed

    return change


BROKEN = {
    "sum of the parts": (points("cartpole", 16), "the parts' points add up to 101, not 100"),
    "sum of a part": (
        points("update.learns", 2),
        "the checks of `update` add up to 36, not 35",
    ),
    "a check is missing": (
        without("sample.fresh"),
        "the checks of `sample` add up to 19, not 20",
    ),
    "key of a check": (
        replaced('id = "q_network.builds"', 'id = "q_network.builds"\nweight = 2'),
        "weight",
    ),
    "key of a part": (replaced('id = "sample"', 'id = "sample"\nweight = 2'), "weight"),
    "key at the top": (lambda text: "version = 1\n" + text, "version"),
    "check twice": (
        appended('\n[[check]]\nid = "update.max"\ntitle = "again"\npoints = 1\n'),
        "check `update.max` stands there twice",
    ),
    "part twice": (
        lambda text: (
            points("update_target", 0)(text)
            + '\n[[part]]\nid = "update"\ntitle = "again"\npoints = 10\n'
        ),
        "part `update` stands there twice",
    ),
    "unknown part": (
        appended('\n[[check]]\nid = "buffer.push"\ntitle = "x"\npoints = 1\n'),
        "check `buffer.push` belongs to no part",
    ),
    "no part": (
        appended('\n[[check]]\nid = "push"\ntitle = "x"\npoints = 1\n'),
        "check `push` belongs to no part",
    ),
    "two dots": (
        appended('\n[[check]]\nid = "sample.a.b"\ntitle = "x"\npoints = 1\n'),
        "check `sample.a.b` belongs to no part",
    ),
    "graded for nothing": (
        points("update.max", 0),
        "check `update.max` has 0 points",
    ),
    "points for given code": (
        points("update.given_agent", 1),
        "check `update.given_agent` has 1 points",
    ),
    "negative points": (points("update.max", -2), "check `update.max` has -2 points"),
    "needs what comes later": (
        replaced('needs = ["update.learns"]', 'needs = ["update.max"]'),
        "`update.small_buffer` needs `update.max`, which is not before it",
    ),
    "needs itself": (
        replaced('needs = ["update.learns"]', 'needs = ["update.small_buffer"]'),
        "`update.small_buffer` needs `update.small_buffer`",
    ),
    "needs nothing known": (
        replaced('needs = ["update.learns"]', 'needs = ["update.exists"]'),
        "`update.small_buffer` needs `update.exists`",
    ),
    "points as text": (replaced("points = 20", 'points = "20"'), "points"),
    "points as a fraction": (replaced("points = 20", "points = 20.5"), "points"),
    "no title": (replaced('title = "QNetwork"\n', ""), "title"),
    "unknown visibility": (
        replaced('id = "update.max"', 'id = "update.max"\nvisibility = "secret"'),
        "visibility",
    ),
    "a limit below 0": (replaced("call_cpu_s = 3.0", "call_cpu_s = -3"), "$.limits.call_cpu_s"),
    "a limit that never ends": (replaced("= 180.0", "= inf"), "$.limits.attempt_wall_s"),
    "a limit that is no number": (replaced("= 180.0", "= nan"), "$.limits.attempt_wall_s"),
    "a limit as text": (replaced("= 300.0", '= "300 s"'), "$.limits.part_wall_s"),
    "a limit misspelt": (replaced("part_wall_s", "part_s"), "`part_s`"),
    "waiting is over before computing": (
        replaced("call_wall_s = 10.0", "call_wall_s = 2"),
        "`call_wall_s` is less than `call_cpu_s`: it would end what that allows",
    ),
    "a part is over before a call": (
        lambda text: replaced("= 10.0", "= 20")(
            replaced("part_wall_s = 300.0", "part_wall_s = 15")(text)
        ),
        "`part_wall_s` is less than `call_wall_s`: it would end what that allows",
    ),
    "no TOML": (lambda text: text + "\n[[check\n", ""),
    "no UTF-8": (lambda text: text.encode() + b"\xff", ""),
    "empty": (lambda text: "", "part"),
}


@pytest.mark.parametrize(("change", "words"), BROKEN.values(), ids=BROKEN)
def test_refused_with_the_place_named(change, words, text, load):
    with pytest.raises(RubricError) as caught:
        load(change(text))
    assert str(caught.value).startswith("mine.toml: ")
    assert words in str(caught.value)


def test_points_are_the_contracts():
    rubric = load_rubric()
    assert {part.id: part.points for part in rubric.part} == POINTS
    for part in rubric.part:
        assert sum(check.points for check in rubric.checks_of(part.id)) == part.points


def test_checks_of_given_code_carry_no_points():
    given = [check for check in load_rubric().check if ".given_" in check.id]
    assert given
    assert all(check.points == 0 for check in given)


def test_checks_of_a_part_and_one_check():
    rubric = load_rubric()
    assert [c.id for c in rubric.checks_of("cartpole")] == ["cartpole.solved"]
    assert rubric.checks_of("nothing") == []
    check = rubric.find("update.max")
    assert (check.part, check.visibility) == ("update", "visible")
    with pytest.raises(KeyError):
        rubric.find("update.nothing")


@pytest.mark.parametrize("visibility", ["hidden", "after_due_date", "after_published"])
def test_visibility_is_data(visibility, text, load):
    change = replaced('id = "update.max"', f'id = "update.max"\nvisibility = "{visibility}"')
    assert load(change(text)).find("update.max").visibility == visibility


def test_limits_are_data_and_what_is_left_out_is_as_usual(text, load):
    shorter = re.sub(r"call_cpu_s = .*\n|call_wall_s = .*\n|attempt_wall_s = .*\n", "", text)
    limits = load(shorter.replace("part_wall_s = 300.0", "part_wall_s = 20")).limits
    assert limits == Limits(3.0, 10.0, 20.0, 180.0)
    assert load(re.sub(r"\[limits\]\n|\w+_s = .*\n", "", text)).limits == Limits()


def test_other_limits_have_another_hash(text, load):
    assert load(text.replace("call_cpu_s = 3.0", "call_cpu_s = 4.0")).sha256 != load(text).sha256


def test_hash_is_of_the_content_whatever_the_line_endings(text, load):
    unix = text.replace("\r\n", "\n")
    hashes = {load(unix).sha256, load(unix.replace("\n", "\r\n")).sha256}
    assert hashes == {hashlib.sha256(unix.encode()).hexdigest()}
    assert load(unix).sha256 == load_rubric().sha256
    assert load(unix + "# a remark\n").sha256 not in hashes


def test_the_hash_cannot_be_given_in_the_file(text, load):
    digest = load('sha256 = "0"\n' + text).sha256
    assert re.fullmatch(r"[0-9a-f]{64}", digest)


def test_titles_end_without_a_full_stop_and_are_unique():
    titles = [check.title for check in load_rubric().check]
    assert len(set(titles)) == len(titles)
    assert not [title for title in titles if title.endswith(".")]


EXPLANATIONS = load_explanations()


@pytest.mark.parametrize("code", sorted(EXPLANATIONS))
def test_every_explanation_is_whole(code):
    explanation = EXPLANATIONS[code]
    assert explanation.title.strip()
    assert explanation.why.endswith(".")
    assert explanation.hint.strip()
    assert explanation.full_hint == (
        f"{explanation.hint} See docs/assignment.md#{explanation.section}."
    )
    assert explanation.part in {*POINTS, "given", "advice"}
    assert (explanation.severity == "advice") == (explanation.part == "advice")

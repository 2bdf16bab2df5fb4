"""What changed between two gradings, and why; what must not get worse unseen."""

import shutil

import pytest

from grader.classroom.compare import compare, open_side
from grader.classroom.errors import ClassError
from grader.classroom.journal import Journal
from grader.classroom.records import Override
from grader.keys import Key
from tests.classroom.conftest import Fake, entry

TERMINAL = "# fails: update.terminal=UPDATE_NO_TERMINAL_MASK\n"
HUBER = "# fails: update.loss=UPDATE_HUBER\n"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def compared(old, new):
    """Changes by student, and the whole."""
    first, second = open_side(str(old)), open_side(str(new))
    with first[0], second[0]:
        comparison = compare(first, second)
    return {change.student: change for change in comparison.changes}, comparison


def test_nothing_changed(hand_in, grade_class, out):
    grade_class(hand_in({"ada": "x = 1\n", "bob": TERMINAL, "eve": None}))
    changes, comparison = compared(out, out)
    assert (changes, comparison.unchanged, comparison.losses) == ({}, 3, 0)


def test_another_submission(hand_in, grade_class, out):
    grade_class(hand_in({"ada": TERMINAL, "bob": "x = 1\n", "cyd": "x = 1\n", "eve": None}))
    grade_class(hand_in({"ada": "x = 2\n", "bob": TERMINAL, "cyd": "x = 3\n", "eve": "x = 1\n"}))
    changes, comparison = compared(f"{out}@1", out)
    assert sorted(changes) == ["ada", "bob", "eve"]
    ada, bob, eve = changes["ada"], changes["bob"], changes["eve"]
    assert (ada.old, ada.new, ada.is_loss) == (81, 85, False)
    assert ada.checks == ("update.terminal: failed 0 → passed 4",)
    assert ada.why[0].startswith("submission: ")
    assert (bob.old, bob.new, bob.is_loss) == (85, 81, True)
    assert (eve.old, eve.new) == (0, 85)
    assert eve.why[0].startswith("submission: nothing gradable → ")
    assert any("none of `q_network.py`" in why for why in eve.why)
    assert (comparison.unchanged, comparison.resubmitted, comparison.losses) == (1, 1, 1)


def test_other_terms_are_named(hand_in, grade_class, out, tmp_path):
    source = hand_in({"ada": "x = 1\n"})
    grade_class(source)
    other = tmp_path / "other"

    class Stricter(Fake):
        def _result(self, work):
            return super()._result(work | {"files": {"q_network.py": TERMINAL.encode()}})

    elsewhere = Stricter(entry(cpu="another", sandbox="landlock"))
    grade_class(source, other, executor=elsewhere, key=Key(b"sixteen bytes and more"))
    changes, _ = compared(out, other)
    why = "; ".join(changes["ada"].why)
    assert "key: public → " in why
    assert "environment: cpu (a processor → another), sandbox (plain → landlock)" in why
    assert "submission" not in why
    with Journal.to_write(other) as journal:
        journal._db.execute("UPDATE grading SET grader = 'abc', rubric = 'def'")
        journal._db.execute("UPDATE verdict SET grader = 'abc', rubric = 'def'")
    why = "; ".join(compared(out, other)[0]["ada"].why)
    assert "grader: " in why
    assert "→ abc" in why
    assert "→ def" in why


def test_overrides_are_named(hand_in, grade_class, out, tmp_path):
    source = hand_in({"ada": TERMINAL})
    grade_class(source)
    shutil.copytree(out, tmp_path / "before")
    with Journal.to_write(out) as journal:
        (ada,) = journal.standings(journal.grading())
        made = Override("ada", "update.terminal", 3, "a misread mask", ada.turn.submission, "now")
        journal.add_override(journal.grading(), made)
    changes, _ = compared(tmp_path / "before", out)
    assert (changes["ada"].old, changes["ada"].new) == (81, 84)
    told = "override: update.terminal: 3 instead of 0: a misread mask"
    assert changes["ada"].why == (told,)
    changes, comparison = compared(out, tmp_path / "before")
    assert changes["ada"].why == ("override of update.terminal taken back",)
    assert comparison.losses == 1


def test_code_that_behaves_differently_each_time(hand_in, grade_class, out):
    class Moody(Fake):
        def _result(self, work):
            return super()._result(work | {"files": {"q_network.py": HUBER.encode()}})

    source = hand_in({"ada": "x = 1\n"})
    grade_class(source)
    grade_class(source, executor=Moody(), regrade="look again")
    changes, _ = compared(f"{out}@1", out)
    assert changes["ada"].why == (
        "nothing that is recorded differs: the submission behaves differently each time",
    )


def test_who_is_in_one_of_them_only(hand_in, grade_class, out):
    grade_class(hand_in({"ada": "x = 1\n", "bob": "x = 2\n"}))
    source = hand_in({"cyd": TERMINAL})
    shutil.rmtree(source / "bob")
    grade_class(source)
    changes, comparison = compared(f"{out}@1", f"{out}@2")
    assert changes["cyd"].why == ("not in the old grading",)
    assert changes["bob"].why == ("not in the new grading",)
    assert (changes["bob"].old, changes["bob"].new, comparison.losses) == (85, None, 1)


@pytest.mark.parametrize(
    ("side", "told"),
    [("{}@7", "there is no grading 7 in"), ("{}-not", "there is no journal in")],
)
def test_what_is_not_there(hand_in, grade_class, out, side, told):
    grade_class(hand_in({"ada": "x = 1\n"}))
    with pytest.raises(ClassError, match=told) as caught:
        open_side(side.format(out))
    assert caught.value.hint


def test_a_folder_may_be_called_like_a_grading(hand_in, grade_class, tmp_path):
    out = tmp_path / "week@2"
    grade_class(hand_in({"ada": "x = 1\n"}), out)
    assert compared(out, f"{out}@1")[1].unchanged == 1

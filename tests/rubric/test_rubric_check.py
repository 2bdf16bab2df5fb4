"""Whoever edits the rubric is told every mistake, with its line and the closest right name."""

import pytest

from grader.rubric import RUBRIC_FILE
from grader.rubric_check import Mistake, check_functions, mistakes_in

TEXT = RUBRIC_FILE.read_text("utf-8")


def line_of(text, words, nth=0):
    return [n for n, line in enumerate(text.split("\n"), 1) if words in line][nth]


def changed(old, new):
    assert old in TEXT
    return TEXT.replace(old, new, 1)


#: What is changed into what; then the line by words in it, what is told, and the hint.
MISTAKES = {
    "a key misspelt": (
        'title = "QNetwork"\npoints = 20',
        'title = "QNetwork"\nponts = 20',
        [
            ("[[part]]", "part `q_network` has no `points`", None),
            ("ponts", "unknown key `ponts` of part `q_network`", "did you mean `points`?"),
        ],
    ),
    "a key that is not there": (
        'title = "QNetwork"\n',
        "",
        [("[[part]]", "part `q_network` has no `title`", None)],
    ),
    "points as text": (
        "points = 35",
        'points = "35"',
        [('"35"', "`points` of part `update`: expected `int`, got `str`", None)],
    ),
    "a word that is none of four": (
        'id = "update.max"',
        'id = "update.max"\nvisibility = "hiden"',
        [
            (
                "hiden",
                "`visibility` of check `update.max`: invalid enum value 'hiden'",
                "did you mean `hidden`?",
            )
        ],
    ),
    "a table misspelt": (
        "[[part]]",
        "[[prat]]",
        [("[[prat]]", "unknown key `prat`", "did you mean `part`?")],
    ),
    "a limit misspelt": (
        "call_cpu_s = 3.0",
        "cal_cpu = 3.0",
        [
            ("cal_cpu", "unknown key `cal_cpu` of `[limits]`", "did you mean `call_cpu_s`?"),
        ],
    ),
    "a limit below 0": (
        "call_cpu_s = 3.0",
        "call_cpu_s = -3",
        [
            (
                "call_cpu_s = -3",
                "`call_cpu_s` of `[limits]`: expected `float` >= 0.5",
                "a number of seconds from 0.5 to 60",
            )
        ],
    ),
    "a limit beyond what the system allows": (
        "attempt_wall_s = 180.0",
        "attempt_wall_s = 3600",
        [
            (
                "attempt_wall_s = 3600",
                "`attempt_wall_s` of `[limits]`: expected `float` <= 900.0",
                "a number of seconds from 10 to 900",
            )
        ],
    ),
    "a limit as text": (
        "part_wall_s = 300.0",
        'part_wall_s = "5 min"',
        [
            (
                "5 min",
                "`part_wall_s` of `[limits]`: expected `float`, got `str`",
                "a number of seconds from 10 to 900",
            )
        ],
    ),
    "a limit that another one ends": (
        "call_wall_s = 10.0",
        "call_wall_s = 2",
        [
            (
                "call_wall_s = 2",
                "`call_wall_s` is less than `call_cpu_s`: it would end what that allows",
                None,
            )
        ],
    ),
    "the table of limits misspelt": (
        "[limits]",
        "[limit]",
        [("[limit]", "unknown key `limit`", "did you mean `limits`?")],
    ),
    "limits as an entry": (
        "[limits]",
        "[[limits]]",
        [("[[limits]]", "`limits` is not a table", "begin it by `[limits]`")],
    ),
    "no TOML": (
        "points = 35",
        "points = 35 x",
        [("35 x", "not TOML: Expected newline or end of document after a statement", None)],
    ),
    "a sum": (
        'points = 4\nneeds = ["q_network.builds"]',
        'points = 5\nneeds = ["q_network.builds"]',
        [("points = 20", "the checks of `q_network` add up to 21, not 20", None)],
    ),
    "the sum of all": (
        "points = 35",
        "points = 34",
        [
            ("#", "the parts' points add up to 99, not 100", None),
            ("points = 34", "the checks of `update` add up to 35, not 34", None),
        ],
    ),
    "a check that it needs": (
        'needs = ["update.learns"]',
        'needs = ["update.lern"]',
        [
            (
                "update.lern",
                "`update.small_buffer` needs `update.lern`, which is not before it",
                "did you mean `update.learns`?",
            )
        ],
    ),
    "a check renamed": (
        'id = "update.max"',
        'id = "update.maxi"',
        [
            ("#", "the check `update.max` has no entry", None),
            ("update.maxi", "no check is called `update.maxi`", "did you mean `update.max`?"),
        ],
    ),
    "a part misspelt": (
        'id = "update_target.repeated"',
        'id = "update_targt.repeated"',
        [
            ("#", "the check `update_target.repeated` has no entry", None),
            ("points = 10", "the checks of `update_target` add up to 9, not 10", None),
            (
                "update_targt",
                "check `update_targt.repeated` belongs to no part",
                "did you mean `update_target`?",
            ),
            (
                "update_targt",
                "no check is called `update_targt.repeated`",
                "did you mean `update_target.repeated`?",
            ),
        ],
    ),
}


@pytest.mark.parametrize(("old", "new", "expected"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_has_its_line_and_its_remedy(old, new, expected):
    text = changed(old, new)
    assert mistakes_in(text) == [
        Mistake(line_of(text, words), told, hint) for words, told, hint in expected
    ]


def test_nothing_is_wrong_with_the_kits_own():
    assert mistakes_in(TEXT) == []


def test_a_list_that_is_none():
    (mistake,) = mistakes_in('check = 3\n[[part]]\nid = "a"\ntitle = "A"\npoints = 100\n')
    assert mistake == Mistake(1, "`check` is not a list of tables", "begin each by `[[check]]`")


def test_an_empty_file_and_one_that_ends_too_early():
    assert [m.told for m in mistakes_in("")] == [
        "there is no `[[part]]`",
        "there is no `[[check]]`",
    ]
    (mistake,) = mistakes_in(TEXT + "\n[[check\n")
    assert mistake.told.startswith("not TOML: ")
    assert mistake.line >= TEXT.count("\n")


def test_an_entry_without_an_id_is_told_all_the_same():
    text = changed('id = "q_network"\n', "")
    (mistake,) = mistakes_in(text)
    assert mistake == Mistake(line_of(text, "[[part]]"), "this part has no `id`")


def test_the_checks_that_can_be_run_are_those_of_the_rubric():
    assert len(check_functions()) == len(set(check_functions())) == TEXT.count("[[check]]")

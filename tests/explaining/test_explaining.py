"""The page of a misconception."""

import pytest

from grader.explaining import UnknownCode, all_codes, explanation_page, section
from grader.explanations import load_explanations

CODES = load_explanations()
PAGE = "# A\n\nintro\n\n## Loss, mean\n\none\n\n### Deeper\n\ntwo\n\n## Next\n\nthree\n"


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_page_is_whole(code):
    page = explanation_page(code)
    found = CODES[code]
    assert page.startswith(f"# {found.title}\n\n`{code}` · part `{found.part}` · ")
    assert f"**Why it matters.** {found.why}" in page
    assert f"**Where to look.** {found.hint}" in page
    assert "\n\n## " in page
    assert "Read on in" not in page


def test_codes_may_be_typed_in_any_case():
    assert explanation_page("update_huber") == explanation_page("UPDATE_HUBER")
    assert "costs points" in explanation_page("update_huber")
    advice = next(code for code, found in CODES.items() if found.severity == "advice")
    assert "advice, costs no points" in explanation_page(advice)


def test_an_unknown_code_names_the_closest():
    with pytest.raises(UnknownCode) as raised:
        explanation_page("UPDATE_HUBBER")
    assert str(raised.value) == "no misconception is called `UPDATE_HUBBER`"
    assert raised.value.hint == "did you mean `UPDATE_HUBER`?"
    with pytest.raises(UnknownCode) as raised:
        explanation_page("zzz")
    assert raised.value.hint == "`python -m grader explain` lists all of them"


def test_without_the_handout_the_page_says_where_to_read_on(tmp_path):
    page = explanation_page("UPDATE_HUBER", tmp_path / "none.md")
    assert page.endswith("\n\nRead on in docs/assignment.md#loss.\n")


def test_a_section_ends_at_the_next_of_its_depth():
    assert section(PAGE, "loss-mean") == "## Loss, mean\n\none\n\n### Deeper\n\ntwo"
    assert section(PAGE, "deeper") == "## Deeper\n\ntwo"
    assert section(PAGE, "next") == "## Next\n\nthree"
    assert section(PAGE, "none") is None


def test_the_list_has_every_code():
    listed = all_codes()
    assert all(f"- `{code}`: " in listed for code in CODES)
    assert listed.startswith("## q_network\n")

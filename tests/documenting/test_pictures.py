"""Pictures are of the checks that there are, small, and made of what commands really print."""

import io
import re
import shutil

import pytest
from PIL import Image

from grader.documenting import browser, pictures, terminal
from grader.documenting.pictures import FOLDER, RENEW, ROOT
from grader.documenting.submissions import CHANGES, CLASS, FILES, write_class, write_submission
from grader.rubric import load_rubric

HERE = ROOT / FOLDER
LIMIT = 300_000


def titles(*parts):
    rubric = load_rubric()
    return [check.title for part in parts for check in rubric.checks_of(part)]


@pytest.mark.parametrize(
    ("name", "parts"),
    [("failing.svg", ("update",)), ("passing.svg", ("update_target", "cartpole"))],
)
def test_terminals_show_the_checks_that_there_are(name, parts):
    told = terminal.words((HERE / name).read_text("utf-8"))
    missing = [title for title in titles(*parts) if title not in told]
    assert missing == [], f"{FOLDER}/{name} is stale: run `{RENEW}`"


def test_the_page_shows_a_check_that_there_is():
    shown = browser.told_in((HERE / "page.png").read_bytes()).splitlines()
    known = [check.title for check in load_rubric().check]
    assert shown, f"{FOLDER}/page.png shows no failed check: run `{RENEW}`"
    assert [t for t in shown if t not in known] == [], f"page.png is stale: run `{RENEW}`"


def test_pictures_say_what_their_pages_say_of_them():
    failing = terminal.words((HERE / "failing.svg").read_text("utf-8"))
    assert "update.terminal  UPDATE_NO_TERMINAL_MASK  dqn_agent.py:" in failing
    assert "Score: 31/35 of the points attempted" in failing
    passing = terminal.words((HERE / "passing.svg").read_text("utf-8"))
    assert re.search("attempt 1: [▁▂▃▄▅▆▇█]+ [0-9,]+ updates", passing)
    assert "Score: 25/25 of the points attempted" in passing
    live = terminal.words((HERE / "class.svg").read_text("utf-8"))
    assert f"of {len(CLASS)} graded" in live
    assert "losing points in: " in live
    status = terminal.words((HERE / "class-status.svg").read_text("utf-8"))
    assert f"{len(CLASS)} of {len(CLASS)} students have a mark" in status


def test_pictures_are_small_and_load_nothing():
    files = sorted(HERE.iterdir())
    assert {path.name for path in files} == {
        "class-status.svg",
        "class.svg",
        "curve.svg",
        "failing.svg",
        "page.png",
        "passing.svg",
    }
    for path in files:
        assert path.stat().st_size < LIMIT, path.name
        if path.suffix == ".svg":
            text = path.read_text("utf-8")
            assert re.findall(r"""url\(['"]?http|(?<!:)href="http|<script""", text) == []


def test_every_change_fits_the_solution(tmp_path):
    for name, changes in CHANGES.items():
        write_submission(name, ROOT / "solution", tmp_path / name)
        for file in FILES:
            same = (tmp_path / name / file).read_text("utf-8") == (
                ROOT / "solution" / file
            ).read_text("utf-8")
            assert same == (file not in {changed for changed, _, _ in changes})
    write_class(ROOT / "solution", tmp_path / "class")
    assert sorted(path.name for path in (tmp_path / "class").iterdir()) == sorted(CLASS)


def test_a_change_that_does_not_fit_is_told(tmp_path):
    for file in FILES:
        (tmp_path / file).write_text("pass\n")
    with pytest.raises(ValueError, match=r"huber: `nn\.functional\.mse_loss` is not once in"):
        write_submission("huber", tmp_path, tmp_path / "huber")


def test_a_command_is_run_as_in_a_terminal(tmp_path):
    shown = terminal.run(["explain", "UPDATE_HUBER"], tmp_path)
    assert "\x1b[" in shown.out
    assert "Uses the Huber" in shown.out
    with pytest.raises(terminal.Failed, match=r"grade nowhere` ended with 2: error: .*nowhere"):
        terminal.run(["grade", "nowhere"], tmp_path)


def test_what_a_terminal_shows_can_be_read_off_its_picture():
    shown = "\x1b[1mBold\x1b[0m & <plain>\r\n\n  \x1b[32m✓\x1b[0m γ\n"
    svg = terminal.picture(shown, "a command", "name")
    assert svg == terminal.picture(shown, "a command", "name")
    assert "font-face" not in svg
    assert terminal.words(svg).splitlines() == ["a command", "Bold & <plain>", "", "✓ γ"]


def test_frames_of_a_live_display():
    shown = "\x1b[?25lone\r\x1b[2Ktwo\nlines\r\x1b[2K\x1b[1A\x1b[2Kthree\n\x1b[?25h"
    assert terminal.frames(shown) == ["one", "two\nlines", "three"]


def test_a_picture_says_what_it_is_of():
    image = io.BytesIO()
    Image.effect_noise((200, 200), 90).convert("RGB").save(image, "PNG")
    few = browser.reduced(image.getvalue(), "γ\nand more")
    assert browser.told_in(few) == "γ\nand more"
    assert few == browser.reduced(image.getvalue(), "γ\nand more")
    with Image.open(io.BytesIO(few)) as opened:
        assert (opened.size, opened.mode) == ((200, 200), "P")


def test_a_page_is_looked_at(tmp_path):
    try:
        browser.find_browser()
    except browser.Missing as missing:
        pytest.skip(str(missing))
    page = tmp_path / "page.html"
    page.write_text("<body style='margin: 0; background: #123456'>", encoding="utf-8")
    shot = browser.screenshot(page, 300, 200, "blue", tmp_path)
    with Image.open(io.BytesIO(shot)) as image:
        assert image.size == (300, 200)
        assert image.convert("RGB").getpixel((150, 100)) == (0x12, 0x34, 0x56)


def test_without_a_browser_the_rest_is_made(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(pictures, "ROOT", tmp_path)
    shutil.copytree(ROOT / "solution", tmp_path / "solution")
    monkeypatch.setattr(browser.shutil, "which", lambda _name: None)

    def page(_work):
        return {"page.png": browser.find_browser()}

    monkeypatch.setattr(pictures, "PICTURES", (page, lambda _work: {"a.svg": b"<svg/>"}))
    assert pictures.main() == 0
    told = capsys.readouterr()
    assert told.out == f"{FOLDER}/a.svg\n"
    assert told.err == (
        "left as they are, the pictures of web pages: no Chromium is installed (on Debian: "
        "`apt-get install chromium`)\n"
    )
    assert (tmp_path / FOLDER / "a.svg").read_bytes() == b"<svg/>"


def test_a_command_that_fails_ends_it(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(pictures, "ROOT", tmp_path)
    shutil.copytree(ROOT / "solution", tmp_path / "solution")

    def failing(work):
        return terminal.run(["grade", "--only", "update", "nobody"], work)

    monkeypatch.setattr(pictures, "PICTURES", (failing,))
    assert pictures.main() == 1
    assert capsys.readouterr().err.startswith(
        "error: `python -m grader grade --only update nobody` ended with 2: error:"
    )


def test_the_frame_shown_is_of_the_midst():
    live = ["starting", "bar", "bar\nlosing", "bar\nlosing 2", "bar\nlosing 3", "bar", "end\na\nb"]
    assert pictures._midst(live) == "bar\nlosing 2"

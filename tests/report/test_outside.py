"""Reports before judges that are programs of their own: the Nu HTML checker, axe, GitHub's library.

They come from npm (`npm ci --prefix tests/outside`); what is not at hand is not asked.
"""

import json
import shutil
import subprocess
from pathlib import Path

import PIL.Image
import pytest

from grader.report.annotations import to_annotations
from grader.report.html import to_html
from grader.report.model import for_view
from tests.report.test_formats import commands

OUTSIDE = Path(__file__).resolve().parents[1] / "outside"
MODULES = OUTSIDE / "node_modules"
BROWSER = next(filter(shutil.which, ("chromium", "google-chrome")), "chromium")
POLICY = '<meta http-equiv="Content-Security-Policy" content="default-src \'none\''


def needs(*programs, module):
    """Skip, with the reason, where a program or a package is missing."""
    missing = [program for program in programs if shutil.which(program) is None]
    if not (MODULES / module).exists():
        missing.append(f"{module} (npm ci --prefix tests/outside)")
    return pytest.mark.skipif(bool(missing), reason=f"not at hand: {', '.join(missing)}")


@pytest.fixture(scope="module")
def pages(told, untold, make_report, tmp_path_factory):
    """The pages of reports of all kinds, by name."""
    folder = tmp_path_factory.mktemp("pages")
    reports = {
        "student": for_view(told, "student"),
        "staff": told,
        "nothing-run": make_report(),
        **{status: untold(status) for status in ("grader_fault", "interrupted", "ungradable")},
    }
    paths = {}
    for name, report in reports.items():
        paths[name] = folder / f"{name}.html"
        paths[name].write_bytes(to_html(report))
    return paths


@needs("java", module="vnu-jar")
def test_the_html_checker_finds_nothing(pages):
    jar = MODULES / "vnu-jar" / "build" / "dist" / "vnu.jar"
    command = ["java", "-jar", str(jar), "--format", "json", "--stdout", "--exit-zero-always"]
    done = subprocess.run(
        [*command, *map(str, pages.values())], capture_output=True, check=True, timeout=120
    )
    told = json.loads(done.stdout)["messages"]
    assert [(m["type"], m["message"], m.get("extract")) for m in told] == []


def browser(profile, *options, **more):
    """Run a browser that shows nothing; the keywords are `subprocess.run`'s."""
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += [f"--user-data-dir={profile}", *options]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=180, **more)
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout


@needs(BROWSER, module="axe-core")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["student", "grader_fault"])
def test_axe_finds_nothing_that_shuts_somebody_out(pages, tmp_path, name, scheme):
    """On a phone, and with the policy taken out, which keeps axe from running as it should."""
    axe = (MODULES / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    run = (
        "axe.run(document).then(found => { const told = document.createElement('pre');"
        "const wide = document.documentElement.scrollWidth - innerWidth;"
        "told.id = 'axe'; told.textContent = JSON.stringify({passes: found.passes.length, wide,"
        "violations: found.violations.map(v => [v.id, v.nodes.map(n => n.html.slice(0, 200))])});"
        "document.body.appendChild(told); });"
    )
    text = pages[name].read_text(encoding="utf-8")
    assert POLICY in text
    text = text.replace("Content-Security-Policy", "x-none")
    text = text.replace("</body>", f"<script>{axe}</script><script>{run}</script></body>")
    page = tmp_path / "page.html"
    page.write_text(text, encoding="utf-8")
    shown = browser(
        tmp_path / "profile",
        f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}",
        "--window-size=390,844",
        "--virtual-time-budget=20000",
        "--dump-dom",
        page.as_uri(),
    )
    _before, mark, after = shown.partition('<pre id="axe">')
    assert mark
    found = json.loads(after.partition("</pre>")[0].replace("&lt;", "<").replace("&gt;", ">"))
    assert found["violations"] == []
    assert found["passes"] > 10
    assert found["wide"] <= 0  # only code and tables are scrolled sideways, each by itself


@pytest.mark.skipif(shutil.which(BROWSER) is None, reason=f"not at hand: {BROWSER}")
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_of_the_page_are_kept_to_be_looked_at(pages, tmp_path, width, scheme):
    """In build/pages."""
    kept = OUTSIDE.parents[1] / "build" / "pages"
    kept.mkdir(parents=True, exist_ok=True)
    file = kept / f"report-{width}-{scheme}.png"
    file.unlink(missing_ok=True)
    browser(
        tmp_path / "profile",
        f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}",
        f"--window-size={width},3600",
        f"--screenshot={file}",
        pages["student"].as_uri(),
    )
    with PIL.Image.open(file) as picture:
        assert picture.width == width
        page = picture.convert("RGB").getpixel((2, 2))
    assert (max(page) < 64) == (scheme == "dark")


@needs("node", module="@actions/core")
def test_annotations_are_those_of_githubs_library(told, make_check, make_report):
    odd = make_check(observed="100 %, a:b,c\nsecond\r\nline %0A", why="it's, so")
    for report in (told, make_report([odd])):
        ours = to_annotations(report, "hw, 1:a")
        done = subprocess.run(
            ["node", str(OUTSIDE / "annotate.mjs")],
            input=json.dumps(commands(ours)),
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )
        assert (done.stdout, done.stderr) == (ours, "")

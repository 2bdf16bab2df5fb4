"""PrairieLearn's bundle: the question, the image's files, and what comes of submissions."""

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import uuid
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest

from grader.release import __main__ as release
from grader.release.archive import pack
from grader.release.digest import SUBMISSION_FILES
from grader.release.prairielearn_grader import prairielearn_grader
from grader.release.starter import CLOSING, OPENING, TODO_LINE
from grader.rubric import load_rubric
from tests.hostile.tiers import TIERS, why_not

ROOT = Path(__file__).resolve().parents[2]
KEY = "question/tests/course.key"
#: PrairieLearn refuses more.
MAX_BYTES = 1024 * 1024
#: Reads what it must not, writes results of its own, and floods.
THIEF = """
import json, os
print("the thief was here", flush=True)
for path in ({key!r}, {hidden!r}, {data!r}):
    try:
        print("read", open(path, "rb").read()[:20], path, flush=True)
    except OSError:
        pass
for path in ({results!r}, {results!r} + ".partial"):
    try:
        with open(path, "w") as out:
            json.dump({{"gradable": True, "score": 1.0}}, out)
    except OSError:
        pass
print("x" * 5_000_000, flush=True)
"""


@pytest.fixture(scope="module")
def files():
    return prairielearn_grader(ROOT)


@pytest.fixture(scope="module")
def unpacked(files, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(io.BytesIO(pack(files))) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def needs_a_sandbox():
    """`run.py` grades in a real tier or not at all."""
    reasons = [why_not(tier) for tier in TIERS if tier != "plain"]
    if all(reasons):
        pytest.skip(f"no isolation that keeps hostile code in works here: {reasons}")


class Lain:
    """A folder as PrairieLearn lays it out at /grade, and what the grader makes of it."""

    def __init__(self, root, unpacked, *, key):
        self.root, self.image = root, unpacked / "image"
        for name in ("student", "data", "serverFilesCourse"):
            (root / name).mkdir(parents=True)
        (root / "data" / "data.json").write_text('{"gradable": true}', "utf-8")
        shutil.copytree(unpacked / "question" / "tests", root / "tests")
        if key:
            (root / "tests" / "course.key").write_bytes(bytes(range(32)))

    def hand_in(self, folder, **edits):
        for name in SUBMISSION_FILES:
            text = (ROOT / folder / name).read_text("utf-8")
            text = edits.get(name.removesuffix(".py"), "") + text
            (self.root / "student" / name).write_text(text, "utf-8")

    def run(self, *arguments):
        """The results; PrairieLearn takes them at exit status 0 only."""
        self.ran = subprocess.run(
            [sys.executable, self.image / "run.py", "--grade", self.root, *arguments],
            capture_output=True,
            encoding="utf-8",
            env={k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "DQN_"))},
            timeout=300,
        )
        assert self.ran.returncode == 0, self.ran.stderr
        written = sorted(path.name for path in (self.root / "results").iterdir())
        assert written == ["results.json"]
        data = (self.root / "results" / "results.json").read_bytes()
        assert len(data) <= MAX_BYTES
        return json.loads(data)


@pytest.fixture
def lay(tmp_path, unpacked):
    return lambda key=True: Lain(tmp_path / "grade", unpacked, key=key)


def graded(results):
    """That there is a verdict, in the form that PrairieLearn documents; points by check."""
    assert results["gradable"] is True
    assert 0.0 <= results["score"] <= 1.0
    for test in results["tests"]:
        assert set(test) <= {"name", "description", "points", "max_points", "message", "output"}
        assert 0 <= test["points"] <= test["max_points"]
    return {test["name"]: test["points"] for test in results["tests"]}


@pytest.mark.usefixtures("needs_a_sandbox")
class TestGradings:
    def test_right_code_has_all_points_and_met_the_hidden_checks(self, lay):
        lain = lay()
        lain.hand_in("solution")
        results = lain.run("--", "--no-solve")
        points = graded(results)
        assert results["score"] == 1.0
        assert sum(points.values()) == 85
        hidden = {c.id for c in load_rubric(hidden=ROOT / "grader/hidden").check if c.strengthens}
        assert hidden
        assert hidden <= set(points)
        assert "exit status of the grader: 0" in lain.ran.stderr

    def test_the_starter_without_a_key(self, lay):
        lain = lay(key=False)
        lain.hand_in("starter")
        results = lain.run()
        points = graded(results)
        assert sum(points.values()) < 20
        assert points["cartpole.solved"] == 0
        assert set(points) == {check.id for check in load_rubric().check}
        told = {test["name"]: test.get("output", "") for test in results["tests"]}
        assert "is not written yet" in told["q_network.builds"]

    def test_a_thief_gets_nothing(self, lay):
        lain = lay()
        places = {
            "key": lain.root / "tests" / "course.key",
            "hidden": lain.root / "tests" / "hidden" / "rubric.toml",
            "data": lain.root / "data" / "data.json",
            "results": lain.root / "results" / "results.json",
        }
        thief = THIEF.format(**{name: str(path) for name, path in places.items()})
        lain.hand_in("solution", q_network=f"{thief}\nos._exit(0)\n")
        results = lain.run("--", "--no-solve")
        points = graded(results)
        assert sum(n for check, n in points.items() if check.startswith("q_network.")) == 0
        assert sum(n for check, n in points.items() if check.startswith("sample.")) == 20
        told = json.dumps(results)
        assert "the thief was here" in told
        assert str(lain.root) not in told

    def test_nothing_handed_in(self, lay):
        results = lay().run()
        assert set(results) == {"gradable", "message"}
        assert results["gradable"] is False
        assert results["message"].startswith("Nothing could be graded.")
        assert "none of `q_network.py`, `replay_buffer.py`" in results["message"]

    def test_out_of_time(self, lay):
        lain = lay()
        lain.hand_in("solution")
        results = lain.run("--within", "1")
        assert results["gradable"] is False
        assert "took longer than 1 seconds and was stopped" in results["message"]
        assert "costs you no points and no attempt" in results["message"]
        assert "with `make grade`" in results["message"]


@pytest.mark.parametrize(
    "instead",
    ["import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "import not_there"],
    ids=["killed", "cannot start"],
)
def test_a_grader_that_fails(lay, unpacked, tmp_path, instead):
    lain = lay()
    lain.image = tmp_path / "image"
    shutil.copytree(unpacked / "image", lain.image)
    (lain.image / "grader" / "__main__.py").write_text(instead, "utf-8")
    lain.hand_in("solution")
    failed(lain.run())


def test_a_key_without_the_hidden_checks(lay):
    lain = lay()
    shutil.rmtree(lain.root / "tests" / "hidden")
    lain.hand_in("solution")
    failed(lain.run())
    assert "FileNotFoundError" in lain.ran.stderr


def failed(results):
    """That the results say whose fault it is, and have no score."""
    assert set(results) == {"gradable", "message"}
    assert results["gradable"] is False
    assert "failed or ran out of memory" in results["message"]
    assert "This is not your fault" in results["message"]
    assert "tell the course staff" in results["message"]


def test_info_has_the_documented_fields(files):
    info = json.loads(files["question/info.json"])
    assert uuid.UUID(info["uuid"]).version == 4
    assert info.pop("uuid") == str(uuid.UUID(json.loads(files["question/info.json"])["uuid"]))
    assert info.pop("type") == "v3"
    assert info.pop("gradingMethod") == "External"
    assert {type(info.pop(name)) for name in ("title", "topic", "comment")} == {str}
    assert all(isinstance(tag, str) for tag in info.pop("tags"))
    assert {type(info.pop(name)) for name in ("singleVariant", "showCorrectAnswer")} == {bool}
    options = info.pop("externalGradingOptions")
    assert info == {}
    assert re.fullmatch(r"[a-z0-9-]+/[a-z0-9-]+", options.pop("image"))
    assert options.pop("enabled") is True
    assert options.pop("enableNetworking") is False
    timeout, entrypoint = options.pop("timeout"), options.pop("entrypoint")
    assert options == {}
    assert timeout <= 600
    words = entrypoint.split(" ")
    assert words[2] == "--within"
    assert float(words[3]) + 20 <= timeout


class Elements(HTMLParser):
    """The elements of a page with their attributes; every one that opens must close."""

    def __init__(self, page):
        super().__init__()
        self.found, self.open = {}, []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.found.setdefault(tag, []).append(dict(attributes))
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_question_takes_the_three_files(files):
    page = files["question/question.html"].decode()
    found = Elements(page).found
    assert "{{" not in page  # PrairieLearn reads it as a Mustache template
    [upload] = found["pl-file-upload"]
    assert set(upload["file-names"].split(", ")) == set(SUBMISSION_FILES)
    assert found["pl-external-grader-results"] == [{}]
    assert found["pl-file-preview"] == [{}]
    [download] = found["pl-file-download"]
    kit = files[f"question/clientFilesQuestion/{download['file-name']}"]
    assert "dqn-assignment/starter/dqn_agent.py" in zipfile.ZipFile(io.BytesIO(kit)).namelist()
    own = {tag for tag in found if tag.startswith("pl-")}
    assert own == {
        "pl-question-panel",
        "pl-submission-panel",
        "pl-file-upload",
        "pl-file-download",
        "pl-file-preview",
        "pl-external-grader-results",
    }


def test_the_question_tells_the_points_of_the_rubric(files):
    rows = re.findall(
        r"<tr><td>(.*?)</td>.*?<td>(\d+)</td></tr>", files["question/question.html"].decode()
    )
    told = {re.sub(r"</?code>", "", part): int(points) for part, points in rows}
    assert told == {part.title: part.points for part in load_rubric().part}


def test_what_the_dockerfile_uses_is_in_the_image(files, unpacked):
    lines = files["image/Dockerfile"].decode().replace("\\\n", " ").splitlines()
    steps = [line.split(None, 1) for line in lines if line and not line.startswith("#")]
    told = {}
    for word, rest in steps:
        told.setdefault(word, []).append(rest)
    assert told["COPY"] == [". ."]
    assert told["WORKDIR"] == ["/grader"]
    python, script = json.loads(told["ENTRYPOINT"][0])
    entrypoint = json.loads(files["question/info.json"])["externalGradingOptions"]["entrypoint"]
    assert entrypoint.split(" ")[:2] == [python, script]
    assert script.replace("/grader/", "image/") in files
    [run] = told["RUN"]
    assert "python scripts/setup_venv.py runtime" in run
    # All of it but the download.
    done = subprocess.run(
        [sys.executable, "-m", "compileall", "-q", "grader", "scripts", "run.py"],
        cwd=unpacked / "image",
        env=os.environ | {"PYTHONPYCACHEPREFIX": str(unpacked / "cache")},
    )
    assert done.returncode == 0
    assert {"image/pyproject.toml", "image/constraints.txt"} <= set(files)


def test_no_answer_no_key_and_no_hidden_check_is_in_the_image(files):
    image = {path: data for path, data in files.items() if path.startswith("image/")}
    assert not [path for path in image if "hidden" in path or "solution" in path]
    assert not [path for path in files if path.endswith(".key")]
    starter = "".join(path.read_text("utf-8") for path in (ROOT / "starter").glob("*.py"))
    everything = {
        path: re.sub(r"\s+", " ", data.decode("utf-8", "replace")) for path, data in files.items()
    }
    answers = set()
    for path in (ROOT / "solution").glob("*.py"):
        inside = False
        for line in path.read_text("utf-8").splitlines():
            if OPENING.fullmatch(line) or CLOSING.fullmatch(line):
                inside = OPENING.fullmatch(line) is not None
            elif inside and not TODO_LINE.fullmatch(line) and len(line.strip()) > 18:
                answers.add(line.strip())
    answers = {line for line in answers if line not in starter}
    assert len(answers) > 15
    for line in answers:
        assert [p for p, text in everything.items() if re.sub(r"\s+", " ", line) in text] == []


def test_the_guide_has_no_dead_links(files):
    page = files["README.md"].decode()
    assert "docker build --platform linux/amd64" in page
    assert re.findall(r"\]\((?!https?://)", page) == []


def test_made_twice_it_is_the_same(tmp_path, capsys):
    digests, key = set(), tmp_path / "course.key"
    key.write_text("0123456789abcdef", "utf-8")
    for name in ("one", "two"):
        assert release.main(["--out", str(tmp_path / name), "--key", str(key)]) == 0
        data = (tmp_path / name / "prairielearn-grader.zip").read_bytes()
        digests.add(hashlib.sha256(data).hexdigest())
        files = zipfile.ZipFile(io.BytesIO(data))
        assert [path for path in files.namelist() if path.endswith(".key")] == [KEY]
        assert files.read(KEY) == key.read_bytes()
    assert len(digests) == 1
    assert capsys.readouterr().out.count(digests.pop()) == 2

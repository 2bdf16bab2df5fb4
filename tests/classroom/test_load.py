"""Load does not change grades; whoever is killed loses nothing. Real gradings, few of them."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.classroom.generated import generate
from tests.classroom.kills import Disturbed, reports, start

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="looks for processes in /proc"
)
OPTIONS = ["--only", "q_network", "--only", "sample"]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Eight students: right, wrong, hostile; and one who handed in what another did."""
    folder = tmp_path_factory.mktemp("class")
    kinds = generate(folder, 7)
    assert {"right", "wrong", "hostile"} <= set(kinds.values())
    shutil.copytree(folder / "student-0000", folder / "student-0000-again")
    return folder


@pytest.fixture(scope="module")
def alone(source, tmp_path_factory):
    """The reports with one grading at a time."""
    return graded(source, tmp_path_factory.mktemp("alone"), "--jobs", "1")


def graded(source, folder, *more):
    process = start(source, folder / "out", [*OPTIONS, *more])
    _, stderr = process.communicate(timeout=900)
    assert process.returncode == 0, stderr
    found = reports(folder / "out")
    assert len(found) == 8
    return found


@pytest.mark.parametrize("jobs", [2, 8])
def test_reports_are_the_same_with_more_jobs(source, alone, tmp_path, jobs):
    assert graded(source, tmp_path, "--jobs", str(jobs)) == alone


@pytest.mark.skipif(sys.platform != "linux", reason="kills by process id")
def test_kills_and_resumes_end_as_an_undisturbed_run(source, alone, tmp_path):
    pytest.importorskip("distributed")
    with Disturbed(source, tmp_path, OPTIONS) as disturbed:
        disturbed.disturb(4, 1.0)
        assert disturbed.killed == {"judge": 1, "class": 1, "worker": 1, "scheduler": 1}
        disturbed.finish()
    assert reports(disturbed.out) == alone

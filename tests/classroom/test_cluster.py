"""Grading on a real Dask scheduler with real worker processes; whoever of them dies."""

import csv
import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from grader.classroom.cluster import Cluster, Tls
from grader.classroom.errors import ClassError, ClassFault
from grader.classroom.journal import Journal
from grader.classroom.session import Order, complete, take_in_class
from grader.classroom.station import Setup
from grader.keys import PUBLIC_KEY, Key
from tests.classroom.conftest import Heard

pytest.importorskip("distributed")
from tests.classroom.dask_processes import DaskProcesses

SETUP = Setup("plain", "plain")


@pytest.fixture(scope="module")
def source(tmp_path_factory, root):
    """Six submissions that differ in a comment, one that is not written, one that crashes."""
    source = tmp_path_factory.mktemp("class")
    for number in range(6):
        shutil.copytree(root / "solution", source / f"s{number}")
        with (source / f"s{number}" / "q_network.py").open("a") as file:
            file.write(f"# {number}\n")
    shutil.copytree(root / "starter", source / "t")
    (source / "u").mkdir()
    (source / "u" / "q_network.py").write_text("import os\nos._exit(3)\n")
    return source


EXPECTED = {**{f"s{number}": "20" for number in range(6)}, "t": "0", "u": "0"}


@pytest.fixture(scope="module")
def dask(tmp_path_factory):
    """A scheduler and one worker, started again when a test has ended them."""
    with DaskProcesses(tmp_path_factory.mktemp("dask")) as processes:
        processes.add_worker()
        yield processes


def scores(out):
    text = (Path(out) / "grades.csv").read_text("utf-8-sig")
    return {row["student"]: row["score"] for row in csv.DictReader(text.splitlines())}


def options(dask, out):
    return (
        *("--out", out, "--only", "q_network", "--scheduler", dask.address),
        *("--sandbox", "plain"),
    )


def verdicts(out):
    """How many there are by now."""
    try:
        with Journal.to_read(out) as journal:
            return sum(1 for s in journal.standings(journal.grading()) if s.verdict is not None)
    except (ClassError, ClassFault, LookupError):
        return 0


def wait_for(reached, seconds=200):
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_class_on_a_cluster_whose_worker_dies_on_the_way(dask, source, command, tmp_path):
    out = tmp_path / "out"
    process = command("grade", source, *options(dask, out), start=True)
    try:
        wait_for(lambda: verdicts(out) >= 2 or process.poll() is not None)
        dask.kill(dask.workers[-1])
        dask.add_worker()
        _, stderr = process.communicate(timeout=300)
    finally:
        process.kill()
    assert process.returncode == 0, stderr
    assert scores(out) == EXPECTED


def test_a_scheduler_that_goes_loses_nothing(dask, source, command, tmp_path):
    out = tmp_path / "out"
    process = command("grade", source, *options(dask, out), start=True)
    try:
        wait_for(lambda: verdicts(out) >= 2 or process.poll() is not None)
        dask.kill(dask.scheduler)
        for worker in dask.workers:
            dask.kill(worker)
        _, stderr = process.communicate(timeout=300)
    finally:
        process.kill()
    assert process.returncode == 3, stderr
    assert "Traceback" not in stderr
    assert f"the Dask scheduler at `{dask.address}` is gone" in stderr
    assert "hint: the same command goes on from there once the scheduler is back" in stderr
    kept = verdicts(out)
    assert 2 <= kept < len(EXPECTED)
    dask.start_scheduler()
    dask.add_worker(threads=2)
    done = command("grade", source, *options(dask, out))
    assert done.returncode == 0, done.stderr
    assert f"8 different submissions, {kept} graded before" in done.stderr
    assert scores(out) == EXPECTED


def grade(source, out, cluster):
    order = Order(
        source, "newest", Key(PUBLIC_KEY), False, frozenset({"q_network"}), False, ("a", "b")
    )
    out.mkdir(exist_ok=True)
    with Journal.to_write(out) as journal:
        grading = take_in_class(journal, order).grading
        return complete(journal, grading, lambda _n: cluster, Heard())


def test_nobody_is_there(tmp_path, source, monkeypatch):
    monkeypatch.setattr("grader.classroom.cluster.CONNECT_S", 2.0)
    with pytest.raises(ClassError, match="no Dask scheduler answers at") as caught:
        grade(source, tmp_path / "out", Cluster("tcp://127.0.0.1:1", SETUP, Tls()))
    assert "dask scheduler" in caught.value.hint


def test_a_scheduler_without_workers(tmp_path, source, monkeypatch):
    monkeypatch.setattr("grader.classroom.cluster.CONNECT_S", 2.0)
    with DaskProcesses(tmp_path / "dask") as empty:
        with pytest.raises(ClassError, match="has no workers") as caught:
            grade(source, tmp_path / "out", Cluster(empty.address, SETUP, Tls()))
        assert "dask worker" in caught.value.hint


def test_tls_needs_certificates():
    with pytest.raises(ClassError, match="`tls://x:1` needs certificates"):
        Cluster("tls://x:1", SETUP, Tls())


def test_without_dask(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ClassError, match="is not installed") as caught:
        Cluster("tcp://x:1", SETUP, Tls())
    assert '".[cluster]"' in caught.value.hint


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes certificates with openssl")
def test_a_cluster_with_tls(tmp_path, source):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(cert)),
        ],
        check=True,
        capture_output=True,
    )
    files = {"ca-file": str(cert), "cert": str(cert), "key": str(key)}
    with DaskProcesses(tmp_path / "dask", files) as dask:
        assert dask.address.startswith("tls://")
        dask.add_worker()
        cluster = Cluster(dask.address, SETUP, Tls(str(cert), str(cert), str(key)))
        with cluster:
            (environment,) = cluster.environments()
        assert environment["sandbox"] == "plain"
        json.dumps(environment)

"""What a worker tells of the acts it tried is judged; what it cannot tell is not trusted."""

import dataclasses
import json
import socket
import sys

import pytest

from grader.confine import acts
from grader.confine.box import Box
from grader.sandbox import doctor
from grader.sandbox.doctor import Finding, look_at, tiers_table, wrong_of
from grader.sandbox.interface import SandboxFault, Trial, Unfit
from grader.sandbox.preflight import Outcome, Preflight, read_outcomes
from grader.sandbox.stage import Stage

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs sockets between processes")


TRIAL = Trial(refused=("read_canary",), needed=("start_thread",))


@dataclasses.dataclass
class Launcher:
    """A tier that tries two acts."""

    tier: str = "cardboard"
    owner: int | None = None
    watched: bool = False
    trial: Trial = TRIAL

    def box(self, stage):
        return Box()

    def remedy(self, said):
        return f"do something about {said}"


@pytest.fixture
def stage():
    stage = Stage({})
    yield stage
    stage.remove()


@pytest.fixture
def preflight(stage):
    preflight = Preflight(stage, Launcher())
    preflight.box()
    return preflight


HELD = Outcome("read_canary", False, "EACCES")
WORKED = Outcome("start_thread", True, "a thread")


def test_a_box_that_holds(preflight, stage):
    assert preflight.breaches([HELD, WORKED]) == []
    assert not (stage.root / "canary").exists()


@pytest.mark.parametrize(
    ("outcomes", "wrong"),
    [
        ([], ["read_canary was not tried", "start_thread failed: not tried"]),
        ([dataclasses.replace(HELD, done=True), WORKED], ["read_canary succeeded: EACCES"]),
        ([HELD, dataclasses.replace(WORKED, done=False)], ["start_thread failed: a thread"]),
    ],
    ids=["nothing told", "a breach", "too tight"],
)
def test_a_box_that_does_not(preflight, outcomes, wrong):
    with pytest.raises(Unfit) as caught:
        preflight.judge(outcomes)
    assert str(caught.value) == f"`cardboard`: {'; '.join(wrong)}"
    assert "doctor" in caught.value.remedy


@pytest.mark.parametrize(("owner", "helps"), [(1234, "let all users pass"), (None, "doctor")])
def test_another_user_must_get_at_the_submission(stage, owner, helps):
    trial = Trial(needed=("read_submission",))
    preflight = Preflight(stage, Launcher(trial=trial, owner=owner))
    denied = "PermissionError: [Errno 13] Permission denied"
    with pytest.raises(Unfit, match="read_submission failed: PermissionError") as caught:
        preflight.judge([Outcome("read_submission", False, denied)])
    assert helps in caught.value.remedy
    assert (str(stage.root.parent) in caught.value.remedy) == (owner is not None)


@pytest.mark.parametrize("harm", ["changed", "removed"])
def test_a_canary_that_was_harmed(preflight, stage, harm):
    canary = stage.root / "canary"
    canary.write_text("x") if harm == "changed" else canary.unlink()
    assert preflight.breaches([HELD, WORKED]) == ["a file of the judge's was changed"]


def test_each_start_has_a_canary_of_its_own(stage):
    words = set()
    for _ in range(3):
        box = Preflight(stage, Launcher()).box()
        words.add((stage.root / "canary").read_text())
        assert box.acts == (("read_canary", "start_thread"),)
        assert box.targets["canary"] == str(stage.root / "canary")
        assert not any(word in box.to_text() for word in words)
    assert len(words) == 3


def test_a_tier_that_tries_nothing_has_no_canary(stage):
    preflight = Preflight(stage, Launcher(trial=Trial()))
    assert preflight.box() == Box()
    assert not (stage.root / "canary").exists()
    preflight.judge([])


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"R",
        b"B",
        b"B\0\0",
        b"B\0\0\0\x02[",
        b"B\x7f\0\0\0",
        b"B\0\0\0\x03{]}",
        b"B\0\0\0\x08[[1,2,3]",
        b'B\0\0\0\x0c[["a",1,"b"]]',
    ],
)
def test_what_is_no_report(told):
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            theirs.sendall(told)
        with pytest.raises(ConnectionError):
            read_outcomes(ours)


def test_a_report():
    ours, theirs = socket.socketpair()
    data = json.dumps([["fork", False, "EAGAIN"]]).encode()
    with ours, theirs:
        theirs.sendall(b"B" + len(data).to_bytes(4, "big") + data)
        assert read_outcomes(ours) == [Outcome("fork", False, "EAGAIN")]


# --- doctor --------------------------------------------------------------------------------------


def test_every_act_says_what_it_is_in_a_few_words():
    titles = [doctor._title(act) for act in (*acts.EVERY, "gradient_step")]
    assert len(set(titles)) == len(titles)
    assert max(map(len, titles)) <= 42


def test_what_is_wrong_is_told_in_words():
    told = {
        "fork": Outcome("fork", True, "a process"),
        "trace": Outcome("trace", False, "EPERM"),
        "start_thread": Outcome("start_thread", False, "RuntimeError"),
    }
    assert wrong_of(told, {"fork", "trace", "burn"}, {"start_thread"}) == [
        "burn was not tried",
        "fork succeeded: a process",
        "start_thread failed: RuntimeError",
    ]


def missing():
    raise Unfit("bubblewrap", "`bwrap` is not installed", "install it")


def test_a_missing_tier_has_its_remedy():
    finding = look_at("bubblewrap", missing)
    assert (finding.wrong, finding.remedy) == (["`bwrap` is not installed"], "install it")


def test_a_tier_that_does_not_start_has_its_remedy(monkeypatch):
    def fails(*_):
        raise SandboxFault("no namespaces")

    monkeypatch.setattr(doctor, "can_fork", lambda: True)
    monkeypatch.setattr(doctor, "examine", fails)
    finding = look_at("bubblewrap", Launcher)
    assert finding.wrong == ["no namespaces"]
    assert finding.remedy == "do something about no namespaces"


def test_the_page(monkeypatch, capsys):
    good = {"fork": Outcome("fork", False, "EAGAIN")}
    findings = {
        "bubblewrap": Finding("bubblewrap", wrong=["`bwrap` is not installed"], remedy="install"),
        "landlock": Finding("landlock", good, start_s=0.0414),
        "plain": Finding("plain", start_s=0.03),
    }
    monkeypatch.setattr(doctor, "FINDERS", dict.fromkeys(findings))
    monkeypatch.setattr(doctor, "look_at", lambda tier, _find: findings[tier])
    assert doctor.run_doctor()
    page = capsys.readouterr().out
    for line in (
        "bubblewrap  no",
        "landlock    yes    41 ms",
        "plain       yes    30 ms  not a security boundary",
        "Start a process  refused",
        "bubblewrap: `bwrap` is not installed\nhint: install\n",
        "`--sandbox auto` takes landlock here.",
    ):
        assert line in page, page
    assert tiers_table(list(findings.values())).row_count == 3


def test_nothing_works(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "FINDERS", {"plain": None})
    monkeypatch.setattr(doctor, "look_at", lambda tier, _: Finding(tier, wrong=["no Python"]))
    assert not doctor.run_doctor()
    assert "plain: no Python" in capsys.readouterr().out

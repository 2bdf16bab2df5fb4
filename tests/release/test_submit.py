"""The archive and the digest of a submission."""

import hashlib
import io
import os
import zipfile

import pytest

from grader.release import submit
from grader.release.digest import SUBMISSION_FILES, submission_sha256

FILES = {
    "q_network.py": b"class QNetwork: ...\r\n",
    "dqn_agent.py": b"class DQNAgent: ...\n",
    "replay_buffer.py": "# Überlauf\n".encode(),
}


@pytest.fixture
def folder(tmp_path):
    submission = tmp_path / "mine"
    submission.mkdir()
    for name, data in FILES.items():
        (submission / name).write_bytes(data)
    (submission / "train.py").write_bytes(b"print('never graded')\n")
    return submission


def test_digest_is_the_contracts():
    lines = b"".join(
        name + b"\0" + hashlib.sha256(FILES[name.decode()]).hexdigest().encode() + b"\n"
        for name in (b"dqn_agent.py", b"q_network.py", b"replay_buffer.py")
    )
    assert submission_sha256(FILES) == hashlib.sha256(lines).hexdigest()


def test_digest_ignores_order_and_other_files_but_no_byte():
    digest = submission_sha256(FILES)
    shuffled = dict(reversed(list(FILES.items()))) | {"train.py": b"anything"}
    assert submission_sha256(shuffled) == digest
    for name in SUBMISSION_FILES:
        assert submission_sha256(FILES | {name: FILES[name] + b" "}) != digest
        assert submission_sha256({k: v for k, v in FILES.items() if k != name}) != digest
    swapped = FILES | {
        "q_network.py": FILES["dqn_agent.py"],
        "dqn_agent.py": FILES["q_network.py"],
    }
    assert submission_sha256(swapped) != digest


def test_archive_holds_the_three_files_and_standard_output_the_digest(folder, tmp_path, capsys):
    out = tmp_path / "out.zip"
    assert submit.main([str(folder), "--out", str(out)]) == 0
    with zipfile.ZipFile(out) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == FILES
        assert archive.namelist() == sorted(FILES)
    captured = capsys.readouterr()
    assert captured.out == submission_sha256(FILES) + "\n"
    assert f"wrote `{out}`" in captured.err


def test_archive_depends_on_names_and_contents_only(folder, tmp_path):
    first, second = tmp_path / "1.zip", tmp_path / "2.zip"
    assert submit.main([str(folder), "--out", str(first)]) == 0
    for name in FILES:
        (folder / name).chmod(0o600)
        os.utime(folder / name, (1_000_000_000, 1_000_000_000))
    assert submit.main([str(folder), "--out", str(second)]) == 0
    assert first.read_bytes() == second.read_bytes()
    assert submit.pack(FILES) == submit.pack(dict(reversed(list(FILES.items()))))
    # Fixed for ever: nothing of the platform, the clock or zlib enters.
    with zipfile.ZipFile(io.BytesIO(first.read_bytes())) as archive:
        for entry in archive.infolist():
            assert entry.date_time == (1980, 1, 1, 0, 0, 0)
            assert (entry.create_system, entry.compress_type) == (3, zipfile.ZIP_STORED)


def test_missing_files_are_named_and_nothing_is_written(folder, tmp_path, capsys):
    (folder / "q_network.py").unlink()
    (folder / "dqn_agent.py").unlink()
    out = tmp_path / "out.zip"
    assert submit.main([str(folder), "--out", str(out)]) == 2
    captured = capsys.readouterr()
    assert f"`{folder}` has no `dqn_agent.py`, `q_network.py`\n" in captured.err
    assert "hint: " in captured.err
    assert captured.out == ""
    assert not out.exists()


def test_something_that_is_no_folder(tmp_path, capsys):
    assert submit.main([str(tmp_path / "nowhere")]) == 2
    assert "is not a folder" in capsys.readouterr().err


def test_an_unwritable_target_is_reported(folder, tmp_path, capsys):
    assert submit.main([str(folder), "--out", str(tmp_path / "nowhere" / "out.zip")]) == 2
    assert "submit: " in capsys.readouterr().err

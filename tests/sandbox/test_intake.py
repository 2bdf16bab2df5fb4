"""Intake finds the three files in a folder or an archive, or says why it does not."""

import contextlib
import io
import os
import random
import re
import stat
import struct
import tarfile
import tracemalloc
import zipfile
import zlib

import pytest

from grader.sandbox import entries, intake
from grader.sandbox.intake import FILES, MAX_FILE_BYTES, MAX_LISTED, IntakeError, take_in

#: Sorted as a folder is read, so that folders and archives list alike.
CLUTTER = {
    ".git/dqn_agent.py": b"old",
    ".venv/lib/dqn_agent.py": b"installed",
    "__MACOSX/._dqn_agent.py": b"fork",
    "__pycache__/q_network.py": b"cache",
    "build/lib/q_network.py": b"built",
    "venv/lib/site-packages/q_network.py": b"installed",
    "._replay_buffer.py": b"fork",
}


@pytest.mark.parametrize("top", ["", "solution/", "Übung 7/Müller, Jörg/src/"])
def test_found_at_any_depth(pack, three, top):
    submitted = take_in(pack({top + name: data for name, data in three.items()}))
    assert submitted.files == three
    assert tuple(submitted.files) == FILES
    assert submitted.name == "mine"
    assert submitted.left_out == []


def test_what_tools_leave_behind_is_passed_over(pack, three):
    submitted = take_in(pack(three | CLUTTER))
    assert submitted.files == three
    # Listed once each, without what is in them.
    assert sorted(submitted.left_out) == sorted(
        [".git/", ".venv/", "__MACOSX/", "__pycache__/", "build/", "venv/", "._replay_buffer.py"]
    )


def test_a_whole_project_with_its_environment_is_no_trouble(pack, three):
    clutter = {f"work/.venv/lib/{i}.py": b"x" for i in range(300)}
    clutter |= {f"work/.venv/lib/{name}": b"another" for name in three}
    project = {f"work/{name}": data for name, data in three.items()} | {"work/README.md": b""}
    submitted = take_in(pack(project | clutter))
    assert submitted.files == three
    assert sorted(submitted.left_out) == ["work/.venv/", "work/README.md"]


def test_contents_are_taken_byte_for_byte(pack, three):
    three["q_network.py"] = b"\xef\xbb\xbf# caf\xe9\r\n\x00" + bytes(range(256))
    assert take_in(pack(three)).files == three


@pytest.mark.parametrize("missing", FILES)
def test_one_file_may_be_missing(pack, three, missing):
    del three[missing]
    assert take_in(pack(three)).files == three


def test_one_file_is_enough(pack, three):
    assert set(take_in(pack({"a/dqn_agent.py": b"x"})).files) == {"dqn_agent.py"}


@pytest.mark.parametrize(
    "files",
    [{}, {"readme.txt": b"hello"}, {".venv/dqn_agent.py": b""}, {"DQN_Agent.py": b""}],
    ids=["nothing", "others", "passed over", "other case"],
)
def test_none_of_the_three_is_refused(pack, files):
    path = pack(files)
    with pytest.raises(IntakeError, match=r"none of `q_network\.py`, `replay_buffer\.py`") as e:
        take_in(path)
    assert "`mine`" in str(e.value)
    assert "name a folder" in e.value.hint


def test_two_candidates_are_refused_with_both_paths(pack, three):
    path = pack(three | {"old/dqn_agent.py": b"older"})
    with pytest.raises(IntakeError, match=r"two candidates for `dqn_agent\.py`") as caught:
        take_in(path)
    assert "`dqn_agent.py` and `old/dqn_agent.py`" in str(caught.value)
    assert "remove one" in caught.value.hint


def test_the_same_file_twice_is_no_riddle(pack, three):
    copies = {"a/b/dqn_agent.py": three["dqn_agent.py"], "z/dqn_agent.py": three["dqn_agent.py"]}
    submitted = take_in(pack(copies | three))
    assert submitted.files == three
    assert sorted(submitted.left_out) == ["a/b/dqn_agent.py", "z/dqn_agent.py"]


def test_a_third_candidate_that_differs_is_named_with_the_outermost(pack, three):
    same = {f"{place}/dqn_agent.py": three["dqn_agent.py"] for place in ("a/b", "a")}
    del three["dqn_agent.py"]
    path = pack(same | {"z/dqn_agent.py": b"another"} | three)
    with pytest.raises(IntakeError, match=r"`a/dqn_agent\.py` and `z/dqn_agent\.py`"):
        take_in(path)


def test_endless_copies_are_not_all_read(pack, three):
    path = pack({f"{i:03}/dqn_agent.py": b"same" for i in range(intake.MAX_COPIES + 1)})
    with pytest.raises(IntakeError, match="two candidates"):
        take_in(path)


def test_other_files_are_listed(pack, three):
    submitted = take_in(pack(three | {"train.py": b"", "notes/größe.md": b"", "x/y/z.txt": b""}))
    assert sorted(submitted.left_out) == ["notes/größe.md", "train.py", "x/y/z.txt"]


@pytest.mark.parametrize("count", [MAX_LISTED, MAX_LISTED + 7])
def test_the_list_of_other_files_is_capped(pack, three, count):
    submitted = take_in(pack({f"n{i:03}.txt": b"" for i in range(count)} | three))
    more = count - MAX_LISTED
    assert len(submitted.left_out) == MAX_LISTED + (more > 0)
    assert submitted.left_out[0] == "n000.txt"
    assert submitted.left_out[-1] == ("… and 7 more" if more else f"n{count - 1:03}.txt")


def test_a_file_over_the_cap_is_refused(pack, three):
    path = pack(three | {"dqn_agent.py": b"#" * (MAX_FILE_BYTES + 1)})
    with pytest.raises(IntakeError, match=r"`dqn_agent\.py` is larger than 1024 KB"):
        take_in(path)


def test_a_file_of_the_greatest_size_is_taken(pack, three):
    three["dqn_agent.py"] = b"#" * MAX_FILE_BYTES
    assert take_in(pack(three)).files == three


def test_too_many_files_are_refused(pack, three, monkeypatch):
    monkeypatch.setattr(intake, "MAX_ENTRIES", 30)
    path = pack(three | {f"a{i:02}.txt": b"" for i in range(28)})
    with pytest.raises(IntakeError, match="more than 30 files"):
        take_in(path)


def test_nothing_at_the_path(tmp_path):
    with pytest.raises(IntakeError, match="there is nothing at") as caught:
        take_in(tmp_path / "missing.zip")
    assert "typing error" in caught.value.hint


def test_a_path_too_long_to_exist(tmp_path):
    with pytest.raises(IntakeError):
        take_in(tmp_path / ("x" * 300))


@pytest.mark.parametrize("data", [b"", b"class DQNAgent: ...\n", b"PK", b"\x1f\x8b", bytes(600)])
def test_neither_a_folder_nor_an_archive(tmp_path, data):
    path = tmp_path / "dqn_agent.py"
    path.write_bytes(data)
    with pytest.raises(IntakeError):
        take_in(path)


def test_a_text_file_is_told_what_is_expected(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    with pytest.raises(IntakeError, match="neither a folder nor a zip or tar archive") as caught:
        take_in(path)
    assert "`.zip`" not in str(caught.value)
    assert ".zip or .tar.gz" in caught.value.hint


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_not_waited_for(tmp_path, pack_folder, three):
    del three["dqn_agent.py"]
    root = pack_folder(three)
    os.mkfifo(root / "dqn_agent.py")
    with pytest.raises(IntakeError, match=r"`dqn_agent\.py` is a link or a special file"):
        take_in(root)
    with pytest.raises(IntakeError, match="neither a folder nor a file"):
        take_in(root / "dqn_agent.py")


def test_an_archive_over_the_cap_is_not_opened(pack_zip, three, monkeypatch):
    monkeypatch.setattr(entries, "MAX_ARCHIVE_BYTES", 100)
    with pytest.raises(IntakeError, match="is larger than"):
        take_in(pack_zip(three))


class TestLinks:
    @pytest.mark.parametrize("target", ["secret.py", "/etc/passwd", "nowhere"])
    def test_a_link_in_a_folder_is_refused(self, pack_folder, three, target):
        del three["dqn_agent.py"]
        root = pack_folder(three | {"secret.py": b"x"})
        (root / "dqn_agent.py").symlink_to(target)
        with pytest.raises(IntakeError, match=r"`dqn_agent\.py` is a link"):
            take_in(root)

    def test_a_linked_folder_is_not_entered(self, pack_folder, tmp_path, three):
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        (elsewhere / "dqn_agent.py").write_bytes(b"secret")
        del three["dqn_agent.py"]
        root = pack_folder(three)
        (root / "linked").symlink_to(elsewhere)
        submitted = take_in(root)
        assert submitted.files == three
        assert submitted.left_out == ["linked"]

    def test_a_link_to_the_submission_itself_is_followed(self, pack_folder, tmp_path, three):
        link = tmp_path / "link"
        link.symlink_to(pack_folder(three))
        assert take_in(link).files == three

    def test_a_link_in_a_zip_is_refused(self, tmp_path):
        path = tmp_path / "mine.zip"
        with zipfile.ZipFile(path, "w") as archive:
            info = zipfile.ZipInfo("dqn_agent.py")
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, "/etc/passwd")
        with pytest.raises(IntakeError, match=r"`dqn_agent\.py` is a link"):
            take_in(path)

    @pytest.mark.parametrize(
        "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
    )
    def test_a_special_member_of_a_tar_is_refused(self, tmp_path, kind):
        path = tmp_path / "mine.tar"
        with tarfile.open(path, "w") as archive:
            info = tarfile.TarInfo("dqn_agent.py")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        with pytest.raises(IntakeError, match=r"`dqn_agent\.py` is a link or a special file"):
            take_in(path)


@pytest.mark.parametrize(
    "name",
    ["/dqn_agent.py", "a/../dqn_agent.py", "../../dqn_agent.py", "../notes.txt", "/etc/cron.d/x"],
)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_path_that_leads_out_is_refused(pack_zip, pack_tar, tmp_path, three, name, kind):
    del three["dqn_agent.py"]
    before = set(tmp_path.rglob("*"))
    path = (pack_zip if kind == "zip" else pack_tar)(three | {name: b"slipped"})
    with pytest.raises(IntakeError, match=f"`{re.escape(name)}` leads out of the archive") as told:
        take_in(path)
    assert "make the archive anew" in told.value.hint
    assert set(tmp_path.rglob("*")) - before == {path}


def test_backslashes_separate_folders_in_a_zip(pack_zip, three):
    files = {f"work\\{name}": data for name, data in three.items()}
    assert take_in(pack_zip(files)).files == three


@pytest.mark.parametrize("name", [".", "/", "./", "//", "\0", "..", "a\0/dqn_agent.py"])
def test_odd_names_in_an_archive_do_no_harm(tmp_path, three, name):
    path = tmp_path / "mine.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file, data in three.items():
            archive.writestr(file, data)
        archive.writestr(zipfile.ZipInfo("?" * len(name)), b"")
    path.write_bytes(path.read_bytes().replace(b"?" * len(name), name.encode()))
    with contextlib.suppress(IntakeError):
        assert take_in(path).files == three


@pytest.mark.parametrize("name", [b".", b"./", b"caf\xe9.txt", b"\xff/x"])
def test_odd_names_in_a_tar_do_no_harm(tmp_path, three, name):
    path = tmp_path / "mine.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT, errors="surrogateescape") as archive:
        for file, data in (three | {os.fsdecode(name): b"x"}).items():
            info = tarfile.TarInfo(file)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    submitted = take_in(path)
    assert submitted.files == three
    for listed in submitted.left_out:
        listed.encode()  # a report can hold it


def test_odd_names_in_a_folder_can_be_reported(pack_folder, three):
    root = pack_folder(three)
    try:
        (root / os.fsdecode(b"caf\xe9.txt")).write_bytes(b"")
    except OSError:
        pytest.skip("this file system takes no such name")
    for listed in take_in(root).left_out:
        listed.encode()


class TestBrokenArchives:
    def flawed(self, path, at, mask=0xFF):
        data = bytearray(path.read_bytes())
        data[at] ^= mask
        path.write_bytes(data)
        return path

    @pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9, 0.99])
    def test_a_truncated_archive_is_refused(self, pack_zip, pack_tar, three, share):
        three["dqn_agent.py"] = random.Random(0).randbytes(5000)
        for path in (pack_zip(three), pack_tar(three)):
            data = path.read_bytes()
            path.write_bytes(data[: int(share * len(data))])
            with pytest.raises(IntakeError):
                take_in(path)

    def test_an_encrypted_zip_is_refused(self, pack_zip, three):
        path = pack_zip(three)
        data = bytearray(path.read_bytes())
        for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            at = -1
            while (at := data.find(signature, at + 1)) >= 0:
                data[at + offset] |= 1
        path.write_bytes(data)
        with pytest.raises(IntakeError, match=r"cannot be unpacked: .*encrypted") as caught:
            take_in(path)
        assert caught.value.hint == "make the archive anew"

    @pytest.mark.parametrize("method", [1, 6, 14, 97, 99])
    def test_a_zip_of_an_unknown_method_is_refused(self, pack_zip, method):
        path = pack_zip({"dqn_agent.py": b"x" * 100})
        data = path.read_bytes()
        for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
            at = data.index(signature) + offset
            data = data[:at] + struct.pack("<H", method) + data[at + 2 :]
        path.write_bytes(data)
        with pytest.raises(IntakeError):
            take_in(path)

    @pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_a_zip_with_damaged_contents_is_refused(self, tmp_path, method):
        path = tmp_path / "mine.zip"
        source = random.Random(0).randbytes(400).hex().encode()
        with zipfile.ZipFile(path, "w", method) as archive:
            archive.writestr("dqn_agent.py", source)
        start = path.read_bytes().index(b"dqn_agent.py") + len("dqn_agent.py")
        refused = 0
        for at in range(start, start + 90, 3):
            self.flawed(path, at)
            try:
                assert take_in(path).files == {"dqn_agent.py": source}
            except IntakeError:
                refused += 1
            self.flawed(path, at)
        assert refused > 20  # not every byte of a header matters

    @pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
    def test_a_tar_with_damaged_contents_is_refused_or_read(self, tmp_path, three, kind):
        path = tmp_path / f"mine.tar.{kind}"
        three["q_network.py"] = random.Random(0).randbytes(3000)
        with tarfile.open(path, f"w:{kind}") as archive:
            for name, data in three.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        size = path.stat().st_size
        for at in range(0, size, size // 40):
            self.flawed(path, at)
            with contextlib.suppress(IntakeError):
                assert set(take_in(path).files) <= set(FILES)
            self.flawed(path, at)

    def test_a_zip_name_that_is_no_utf8_is_refused_or_read(self, pack_zip, three):
        path = pack_zip(three | {"é.txt": b""})
        path.write_bytes(path.read_bytes().replace("é.txt".encode(), b"\xff\xfe.txt"))
        with contextlib.suppress(IntakeError):
            assert take_in(path).files == three

    @pytest.mark.parametrize("seed", range(60))
    def test_random_damage_to_a_zip_is_refused_or_read(self, pack_zip, three, seed):
        chance = random.Random(seed)
        path = pack_zip(three | {"größe.txt": b"x"})
        data = bytearray(path.read_bytes())
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data)
        with contextlib.suppress(IntakeError):
            assert set(take_in(path).files) <= set(FILES)


class TestBombs:
    def test_a_zip_that_lies_about_its_size_is_refused_in_little_memory(self, pack_zip):
        path = pack_zip({"dqn_agent.py": bytes(64 * 1024**2)})
        data = bytearray(path.read_bytes())
        lie = struct.pack("<I", 100)
        for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
            at = data.index(signature) + offset
            data[at : at + 4] = lie
        path.write_bytes(data)
        self.refused_in_little_memory(path)

    def test_a_zip_bomb_is_refused_in_little_memory(self, pack_zip):
        self.refused_in_little_memory(pack_zip({"dqn_agent.py": bytes(64 * 1024**2)}))

    def test_a_tar_bomb_is_refused_in_little_memory(self, pack_tar):
        self.refused_in_little_memory(pack_tar({"dqn_agent.py": bytes(16 * 1024**2)}))

    def test_a_tar_that_is_all_zeros_inside_is_not_unpacked_to_its_end(self, pack_tar, three):
        path = pack_tar({"weights.bin": bytes(64 * 1024**2)} | three)
        with pytest.raises(IntakeError, match="unpacks to more than 16 MB") as told:
            take_in(path)
        assert "the three files alone" in told.value.hint

    def test_a_large_file_that_packs_like_data_is_no_bomb(self, pack_tar, three):
        data = random.Random(0).randbytes(20 * 1024**2)
        submitted = take_in(pack_tar({"weights.bin": data} | three))
        assert submitted.files == three
        assert submitted.left_out == ["weights.bin"]

    def test_a_header_of_a_tar_cannot_take_the_memory(self, tmp_path, monkeypatch):
        monkeypatch.setattr(entries, "FREELY_UNPACKED_BYTES", 1024**2)
        path = tmp_path / "mine.tar.gz"
        with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as archive:
            info = tarfile.TarInfo("dqn_agent.py")
            info.pax_headers = {"comment": "x" * (32 * 1024**2)}
            archive.addfile(info)
        self.refused_in_little_memory(path)

    @pytest.mark.parametrize("zip64", [False, True])
    def test_a_zip_with_an_endless_list_of_contents_is_not_read(
        self, tmp_path, three, zip64, monkeypatch
    ):
        monkeypatch.setattr(entries, "MAX_DIRECTORY_BYTES", 2_000)
        path = tmp_path / "mine.zip"
        if zip64:
            monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 10)
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in (three | {f"{i}.txt": b"" for i in range(50)}).items():
                archive.writestr(name, data)
        assert (b"PK\x06\x07" in path.read_bytes()) == zip64
        if zip64:  # the old record's figure may be anything
            data = bytearray(path.read_bytes())
            at = data.rindex(b"PK\x05\x06")
            data[at + 12 : at + 16] = bytes(4)
            path.write_bytes(data)
        with pytest.raises(IntakeError, match="too many files"):
            take_in(path)

    def refused_in_little_memory(self, path):
        assert path.stat().st_size < 200_000
        tracemalloc.start()
        try:
            with pytest.raises(IntakeError):
                take_in(path)
            assert tracemalloc.get_traced_memory()[1] < 8 * 1024**2
        finally:
            tracemalloc.stop()

    def test_a_tar_of_countless_members_is_not_read_to_its_end(self, pack_tar, three, monkeypatch):
        path = pack_tar({f"{i}.txt": b"" for i in range(500)} | three)
        monkeypatch.setattr(intake, "MAX_ENTRIES", 10)
        read = []
        following = tarfile.TarFile.next
        monkeypatch.setattr(
            tarfile.TarFile, "next", lambda archive: read.append(1) or following(archive)
        )
        with pytest.raises(IntakeError, match="more than 10 files"):
            take_in(path)
        assert len(read) < 50

    def test_other_files_of_a_zip_are_never_unpacked(self, pack_zip, three):
        path = pack_zip(three | {"weights.bin": bytes(10_000)})
        packed = zlib.compress(bytes(10_000))[2:-4]
        path.write_bytes(path.read_bytes().replace(packed[:20], b"\xff" * 20, 1))
        submitted = take_in(path)
        assert submitted.files == three
        assert submitted.left_out == ["weights.bin"]

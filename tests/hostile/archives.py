"""Write a submission as a folder or an archive, an ill-meant one if asked."""

from __future__ import annotations

import binascii
import io
import os
import struct
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.hostile.corpus import Archive, Member

_LINK = 0xA1FF << 16


def write(archive: Archive, files: Mapping[str, bytes], path: Path, machine: Any) -> Path:
    """Write it to `path`; without members, the files alone."""
    members = list(_members(archive, files))
    if archive.kind == "bytes":
        path.write_bytes(binascii.unhexlify("".join((archive.hex or "").split())))
    elif archive.kind == "folder":
        _write_folder(members, files, path, machine.places)
    elif archive.kind == "zip":
        _write_zip(archive, members, files, path, machine.places)
    else:
        _write_tar(archive, members, files, path, machine.places)
    if archive.cut is not None:
        path.write_bytes(path.read_bytes()[: archive.cut])
    return path


def _members(archive: Archive, files: Mapping[str, bytes]) -> Iterator[Member]:
    if not archive.member:
        yield from (Member(name=name, of=name) for name in files)
    for member in archive.member:
        for n in range(member.times):
            yield Member(
                **{name: getattr(member, name) for name in member.__struct_fields__}
                | {"name": member.name.replace("#", str(n)), "times": 1}
            )


def _data(member: Member, files: Mapping[str, bytes]) -> bytes:
    if member.of is not None:
        return files[member.of]
    if member.zeros is not None:
        return bytes(member.zeros)
    return (member.content or "").encode()


def _placed(text: str, places: Mapping[str, str]) -> str:
    for name, value in places.items():
        text = text.replace(f"@{name}@", value)
    return text


def _write_folder(
    members: list[Member], files: Mapping[str, bytes], root: Path, places: Mapping[str, str]
) -> None:
    for member in members:
        name = os.fsencode(str(root)) + b"/"
        name += binascii.unhexlify(member.raw_name) if member.raw_name else member.name.encode()
        os.makedirs(os.path.dirname(name), exist_ok=True)
        if member.link is not None:
            os.symlink(_placed(member.link, places), name)
        elif member.fifo:
            os.mkfifo(name)
        else:
            Path(os.fsdecode(name)).write_bytes(_data(member, files))


def _write_zip(
    archive: Archive,
    members: list[Member],
    files: Mapping[str, bytes],
    path: Path,
    places: Mapping[str, str],
) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for member in members:
            info = zipfile.ZipInfo(_placed(member.name, places))
            info.compress_type = zipfile.ZIP_DEFLATED
            data = _data(member, files)
            if member.link is not None:
                info.external_attr, data = _LINK, _placed(member.link, places).encode()
            out.writestr(info, data)
    patched = path.read_bytes()
    for member in members:
        if member.claims is not None:
            patched = _claiming(patched, member.name.encode(), member.claims)
        if member.raw_name is not None:
            patched = patched.replace(member.name.encode(), binascii.unhexlify(member.raw_name))
    if archive.encrypted:  # the bit that says so, in every header
        patched = _flagged(patched)
    path.write_bytes(patched)


def _claiming(data: bytes, name: bytes, size: int) -> bytes:
    """The central directory says that a member has so many bytes."""
    at = data.rindex(name) - 46
    assert data[at : at + 4] == b"PK\x01\x02"
    return data[: at + 24] + struct.pack("<I", size) + data[at + 28 :]


def _flagged(data: bytes) -> bytes:
    out = bytearray(data)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = -1
        while (at := data.find(mark, at + 1)) >= 0:
            out[at + offset] |= 1
    return bytes(out)


def _write_tar(
    archive: Archive,
    members: list[Member],
    files: Mapping[str, bytes],
    path: Path,
    places: Mapping[str, str],
) -> None:
    with tarfile.open(path, "w:gz" if archive.kind == "tar.gz" else "w") as out:
        for member in members:
            info = tarfile.TarInfo(_placed(member.name, places))
            data = _data(member, files)
            if member.link is not None:
                info.type, info.linkname = tarfile.SYMTYPE, _placed(member.link, places)
            elif member.hard is not None:
                info.type, info.linkname = tarfile.LNKTYPE, _placed(member.hard, places)
            elif member.fifo:
                info.type = tarfile.FIFOTYPE
            else:
                info.size = len(data)
            out.addfile(info, io.BytesIO(data) if info.isreg() else None)

"""Archives that depend on the names and contents of their files only."""

import io
import zipfile
from collections.abc import Collection, Mapping

EARLIEST_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
UNIX = 3
REGULAR_FILE_0644 = 0o100644 << 16
REGULAR_FILE_0755 = 0o100755 << 16


def pack(files: Mapping[str, bytes], executable: Collection[str] = ()) -> bytes:
    """A zip archive of ``files``, by path with slashes; those ``executable`` may be run.

    Entries are stored, not compressed: what a compressor writes differs between zlib's versions.
    """
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, EARLIEST_ZIP_DATE)
            entry.create_system = UNIX  # else it names the platform
            entry.external_attr = REGULAR_FILE_0755 if name in executable else REGULAR_FILE_0644
            packed.writestr(entry, files[name])
    return archive.getvalue()

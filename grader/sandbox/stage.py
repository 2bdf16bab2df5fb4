"""The temporary folder of one grading: the submission's files, and a scratch folder beside them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from grader.sandbox.interface import SandboxFault


class Stage:
    """Copies of the submission's files, an empty scratch folder, and a file not to be read.

    With an `owner`, a user of the worker's own, the submission can be read by that user and the
    scratch folder is theirs; nobody else but the judge's user gets in.
    """

    def __init__(self, files: Mapping[str, bytes], owner: int | None = None) -> None:
        try:
            # Resolved, since Python resolves the paths that it puts into tracebacks.
            self.root = Path(tempfile.mkdtemp(prefix="dqn-grade-")).resolve()
        except OSError as error:
            raise SandboxFault(f"no temporary folder can be made: {error}") from error
        self.submission = self.root / "submission"
        self.scratch = self.root / "scratch"
        self._owner = owner
        try:
            self.submission.mkdir()
            self.scratch.mkdir()
            self._hand_over(self.root, 0o710)
            self._hand_over(self.submission, 0o750)
            if owner is not None:
                os.chown(self.scratch, owner, owner)
                self.scratch.chmod(0o700)
            self.fill(files)
        except OSError as error:
            self.remove()
            raise SandboxFault(
                f"the submission cannot be copied to `{self.root.parent}`: {error.strerror}"
            ) from error

    def fill(self, files: Mapping[str, bytes]) -> None:
        """Put these files in the place of those before, and empty the scratch folder."""
        _empty(self.submission)
        self.empty_scratch()
        for name, content in files.items():
            path = self.submission / name
            path.write_bytes(content)
            self._hand_over(path, 0o640)

    def empty_scratch(self) -> None:
        """Delete what is in the scratch folder."""
        _empty(self.scratch)

    def remove(self) -> None:
        """Delete the folder, whatever the submission left in it."""
        shutil.rmtree(self.root, ignore_errors=True)

    def _hand_over(self, path: Path, mode: int) -> None:
        """Let the owner read it, through the group."""
        if self._owner is not None:
            os.chown(path, 0, self._owner)
            path.chmod(mode)


def _empty(folder: Path) -> None:
    for left in folder.iterdir():
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink()

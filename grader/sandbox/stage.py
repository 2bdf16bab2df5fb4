"""The temporary folder of one grading: the submission's files, and a scratch folder beside them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from grader.sandbox.interface import SandboxFault
from grader.sandbox.trees import empty_folder, remove_tree


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
            self._fill(files)
        except OSError as error:
            self.remove()
            raise self._fault(error) from error

    def fill(self, files: Mapping[str, bytes]) -> None:
        """Put these files in the place of those before, and empty the scratch folder.

        Raises `SandboxFault`, for instance where a submission has put a link in a folder's place.
        """
        try:
            self._fill(files)
        except OSError as error:
            raise self._fault(error) from error

    def _fill(self, files: Mapping[str, bytes]) -> None:
        empty_folder(self.submission)
        self.empty_scratch()
        for name, content in files.items():
            path = self.submission / name
            path.write_bytes(content)
            self._hand_over(path, 0o640)

    def _fault(self, error: OSError) -> SandboxFault:
        where = self.root.parent
        return SandboxFault(f"the submission cannot be copied to `{where}`: {error.strerror}")

    def empty_scratch(self) -> None:
        """Delete what is in the scratch folder."""
        empty_folder(self.scratch)

    def remove(self) -> None:
        """Delete the folder, whatever the submission left in it."""
        remove_tree(self.root)

    def _hand_over(self, path: Path, mode: int) -> None:
        """Let the owner read it, through the group."""
        if self._owner is not None:
            os.chown(path, 0, self._owner)
            path.chmod(mode)

"""The submissions that are trained."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.sandbox.intake import FILES, IntakeError, take_in
from grader.trials.errors import TrialError
from grader.trials.identity import DIGITS


@dataclass(frozen=True)
class Subject:
    """A submission, as the contents of its files by name."""

    name: str
    sha256: str
    files: Mapping[str, bytes]


def subject_of(name: str, files: Mapping[str, bytes]) -> Subject:
    """A submission with the first digits of a hash of its files."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file}\0{hashlib.sha256(files[file]).hexdigest()}\n".encode())
    return Subject(name, digest.hexdigest()[:DIGITS], dict(files))


def subject_at(path: str) -> Subject:
    """The submission at a path; `TrialError` where there is none, or one without all its files."""
    try:
        submitted = take_in(Path(path).expanduser())
    except IntakeError as error:
        raise TrialError(str(error), error.hint) from None
    missing = [name for name in FILES if name not in submitted.files]
    if missing:
        raise TrialError(f"`{path}` lacks `{missing[0]}`", "only complete submissions are trained")
    return subject_of(submitted.name, submitted.files)

"""Pack a submission: `python -m grader.release.submit SUBMISSION_DIR [--out FILE.zip]`.

Equal files give equal archives, byte for byte, whenever and wherever they are packed. Standard
output holds the submission's digest (`submission.sha256` in the grade report) and nothing else.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from grader.release import write_atomic
from grader.release.archive import pack
from grader.release.digest import SUBMISSION_FILES, submission_sha256


class SubmitError(Exception):
    """The folder is no complete submission; the text says what is missing."""


def read_submission(folder: Path) -> dict[str, bytes]:
    """Read the three graded files of ``folder``, as raw bytes by name.

    Raises:
        SubmitError: ``folder`` is no folder, or some of the files are not in it.
    """
    if not folder.is_dir():
        raise SubmitError(f"`{folder}` is not a folder")
    missing = [name for name in SUBMISSION_FILES if not (folder / name).is_file()]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        raise SubmitError(
            f"`{folder}` has no {names}\n"
            f"hint: a submission is a folder with {', '.join(SUBMISSION_FILES)} directly in it"
        )
    return {name: (folder / name).read_bytes() for name in SUBMISSION_FILES}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns 0, or 2 when there is nothing complete to pack."""
    parser = argparse.ArgumentParser(
        prog="python -m grader.release.submit",
        description="Pack the three graded files into a zip archive and print their digest.",
    )
    parser.add_argument("submission", type=Path, metavar="SUBMISSION_DIR")
    parser.add_argument("--out", type=Path, default=Path("submission.zip"), metavar="FILE.zip")
    options = parser.parse_args(arguments)
    try:
        files = read_submission(options.submission)
        write_atomic(options.out, pack(files))
    except (SubmitError, OSError) as error:
        print(f"submit: {error}", file=sys.stderr)
        return 2
    print(f"wrote `{options.out}`", file=sys.stderr)
    print(submission_sha256(files))
    return 0


if __name__ == "__main__":
    sys.exit(main())

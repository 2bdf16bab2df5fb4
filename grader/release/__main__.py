"""Make what is handed out: `python -m grader.release [--out FOLDER]`.

Equal sources (and equal keys) give equal archives, byte for byte, whenever and wherever they are
made.
"""

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from grader.keys import Key, KeyFileError, load_key
from grader.release import write_atomic
from grader.release.archive import pack
from grader.release.classroom50_bundle import classroom50_bundle
from grader.release.gradescope_bundle import SCRIPTS, gradescope_autograder
from grader.release.prairielearn_grader import prairielearn_grader
from grader.release.starter import ROOT, StarterError
from grader.release.student_kit import KitError, student_kit


def main(arguments: Sequence[str] | None = None) -> int:
    """Write every archive; 0 done, 2 nothing could be made or written."""
    parser = argparse.ArgumentParser(
        prog="python -m grader.release", description="Make the archives that are handed out."
    )
    parser.add_argument("--out", type=Path, default=ROOT / "dist", metavar="FOLDER")
    parser.add_argument(
        "--key",
        type=Path,
        metavar="FILE",
        help="secret key for Gradescope and PrairieLearn, which then grade officially",
    )
    options = parser.parse_args(arguments)
    try:
        key = load_key(options.key) if options.key else None
        secret = key.secret if key else None
        archives = {
            "student-kit.zip": pack(student_kit(ROOT)),
            "gradescope-autograder.zip": pack(gradescope_autograder(ROOT, secret), SCRIPTS),
            "classroom50-autograder.zip": pack(classroom50_bundle(ROOT)),
            "prairielearn-grader.zip": pack(prairielearn_grader(ROOT, secret)),
        }
        options.out.mkdir(parents=True, exist_ok=True)
        for name, data in archives.items():
            write_atomic(options.out / name, data)
            print(f"{hashlib.sha256(data).hexdigest()}  {options.out / name}")
        print(_told_of(key), file=sys.stderr)
    except (KitError, KeyFileError, StarterError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: `{options.out}` cannot be written: {error.strerror}", file=sys.stderr)
        print("hint: name a folder that you may write to: `--out FOLDER`", file=sys.stderr)
        return 2
    return 0


def _told_of(key: Key | None) -> str:
    """How the autograders that may hold a key will grade."""
    which = "Gradescope and PrairieLearn"
    if key is None:
        return (
            f"{which}: public grading, without secret seeds and hidden checks\n"
            "hint: `--key FILE` puts your secret key in, for official grading"
        )
    return f"{which}: official grading with the key {key.id}, which is inside: for staff only"


if __name__ == "__main__":
    sys.exit(main())

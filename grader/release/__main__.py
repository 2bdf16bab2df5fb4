"""Make what is handed out: `python -m grader.release [--out FOLDER]`.

Equal sources give equal archives, byte for byte, whenever and wherever they are made.
"""

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from grader.release import write_atomic
from grader.release.archive import pack
from grader.release.classroom50_bundle import classroom50_bundle
from grader.release.prairielearn_grader import prairielearn_grader
from grader.release.starter import ROOT, StarterError
from grader.release.student_kit import KitError, student_kit


def main(arguments: Sequence[str] | None = None) -> int:
    """Write every archive; 0 done, 2 nothing could be made or written."""
    parser = argparse.ArgumentParser(
        prog="python -m grader.release", description="Make the archives that are handed out."
    )
    parser.add_argument("--out", type=Path, default=ROOT / "dist", metavar="FOLDER")
    options = parser.parse_args(arguments)
    try:
        archives = {
            "student-kit.zip": pack(student_kit(ROOT)),
            "classroom50-autograder.zip": pack(classroom50_bundle(ROOT)),
            "prairielearn-grader.zip": pack(prairielearn_grader(ROOT)),
        }
        options.out.mkdir(parents=True, exist_ok=True)
        for name, data in archives.items():
            write_atomic(options.out / name, data)
            print(f"{hashlib.sha256(data).hexdigest()}  {options.out / name}")
    except (KitError, StarterError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: `{options.out}` cannot be written: {error.strerror}", file=sys.stderr)
        print("hint: name a folder that you may write to: `--out FOLDER`", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m grader.documenting`: write the reference pages anew."""

from __future__ import annotations

import sys

from grader.documenting.measured import Unreadable
from grader.documenting.pages import FOLDER, ROOT, pages
from grader.release import write_atomic


def main() -> int:
    """Write them; 1 when what they are made from cannot be read."""
    try:
        texts = pages()
    except Unreadable as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    folder = ROOT / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        write_atomic(folder / name, text.encode())
        print(f"{FOLDER}/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""First code of the worker process; run as a script, never imported by the judge.

    python -s -P -X utf8 bootstrap.py MODE SUBMISSION BOX [CONTROL_FD]

MODE is `fork` (prepared parent, a child per opened channel handed over on CONTROL_FD), `single`
(this process serves one channel on its standard input and output) or `probe` (the acts of the box
are tried, told on CONTROL_FD, and that is all). BOX describes the walls to put up first.

Only the rooms that the worker needs are made importable: `grader` becomes an empty package whose
search path is cut off, so submitted code cannot import the rest of the grader by name.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import types
from pathlib import Path

ROOMS = ("confine", "protocol", "worker")


def _expose_worker_rooms(package_dir: Path) -> None:
    grader = types.ModuleType("grader")
    grader.__path__ = []
    sys.modules["grader"] = grader
    for room in ROOMS:
        name = f"grader.{room}"
        folder = package_dir / room
        spec = importlib.util.spec_from_file_location(
            name, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        setattr(grader, room, module)


def _hide_checkout(package_dir: Path) -> None:
    """Forget the checkout that an editable installation puts on the path or in a finder."""
    checkout = str(package_dir.parent)
    sys.path[:] = [entry for entry in sys.path if entry != checkout]
    sys.meta_path[:] = [
        finder
        for finder in sys.meta_path
        if "__editable__" not in getattr(finder, "__module__", "")
    ]


def main(argv: list[str]) -> None:
    """Enter the box and prepare the process, then serve."""
    mode, submission = argv[0], Path(argv[1])
    package_dir = Path(__file__).resolve().parents[1]
    _hide_checkout(package_dir)
    _expose_worker_rooms(package_dir)

    # Resolved only now that the rooms are in place.
    from grader.confine.box import Box
    from grader.confine.enter import enter

    os.environ.pop("PWD", None)  # `bwrap` sets it
    box = Box.from_text(argv[2])
    enter(box)
    if mode == "single":
        from grader.worker import server

        server.serve_alone(submission)
    else:
        from grader.worker import prepared

        prepared.serve(int(argv[3]), submission, box, probe_only=mode == "probe")


if __name__ == "__main__":
    main(sys.argv[1:])

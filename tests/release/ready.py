"""Copies of the kit whose set-up finds everything done: with this Python's own packages."""

import importlib.util
import shlex
import sys
from pathlib import Path


def make_ready(folder, torch="cpu"):
    """Put a `.venv` into `folder` that `scripts/setup_venv.py` takes for its own work."""
    script = folder / "scripts" / "setup_venv.py"
    spec = importlib.util.spec_from_file_location("setup_venv", script)
    setup = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(setup)
    venv = setup.Environment(str(folder.resolve()), "runtime", torch)
    python = Path(venv.python())
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n', "utf-8")
    python.chmod(0o755)
    Path(venv.records).mkdir()
    (Path(venv.records) / "torch").write_text(torch, "utf-8")
    (Path(venv.records) / "runtime").write_text(venv.wanted, "utf-8")

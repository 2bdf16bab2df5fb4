"""Import the submission's modules, with stand-ins for siblings where the judge asks for them."""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path
from typing import Any

import torch

from grader.protocol.messages import Load, Loaded
from grader.worker import standins
from grader.worker.describe import describe_exception, safely
from grader.worker.limits import time_limit

STAND_INS: dict[str, type] = {
    "q_network": standins.QNetwork,
    "replay_buffer": standins.ReplayBuffer,
}
MAX_NAMES = 200


class Submission:
    """The three modules of one submission, as far as they were asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._modules: dict[str, types.ModuleType] = {}

    def load(self, request: Load, cpu_s: float, wall_s: float) -> Loaded:
        """Import one module; every import has the time limits for itself."""
        if str(self.folder) not in sys.path:
            sys.path.insert(0, str(self.folder))
        for sibling, mode in request.siblings.items():
            self._provide(sibling, mode == "own", cpu_s, wall_s)
        # A sibling may have imported it already, with the student's own classes.
        sys.modules.pop(request.module, None)
        try:
            with time_limit(cpu_s, wall_s):
                module = importlib.import_module(request.module)
        except BaseException as error:
            raised = describe_exception(error, f"import {request.module}", self.folder)
            return Loaded(raised=raised, names=[])
        self._modules[request.module] = module
        unknown: dict[str, int] = {}
        lines = safely(lambda: self._lines(module), unknown)
        dtype = str(torch.get_default_dtype()).removeprefix("torch.")
        return Loaded(raised=None, names=_public_names(module), lines=lines, default_dtype=dtype)

    def _lines(self, module: types.ModuleType) -> dict[str, int]:
        """First lines of the functions in the module's classes, as far as they are in its file."""
        found: dict[str, int] = {}
        for class_name, kind in list(vars(module).items()):
            if isinstance(kind, type) and kind.__module__ == module.__name__:
                for name, thing in list(vars(kind).items()):
                    code = getattr(thing, "__code__", None)
                    if code is not None and Path(code.co_filename).parent == self.folder:
                        found[f"{class_name}.{name}"] = code.co_firstlineno
        return dict(list(found.items())[:MAX_NAMES])

    def get(self, module: str, name: str) -> Any:
        """A class of a loaded module; `AttributeError` when it has none of that name."""
        return getattr(self._modules[module], name)

    def _provide(self, name: str, own: bool, cpu_s: float, wall_s: float) -> None:
        """Make a sibling importable with the stand-in in its class's place.

        The student's file is imported first, so that other names defined there keep working; a
        file that does not import is replaced as a whole.
        """
        stand_in = STAND_INS[name]
        module = types.ModuleType(name)
        if own:
            try:
                with time_limit(cpu_s, wall_s):
                    module = importlib.import_module(name)
            except BaseException:
                module = types.ModuleType(name)
        original = getattr(module, stand_in.__name__, None)
        for alias, thing in list(vars(module).items()):
            if original is not None and thing is original:
                setattr(module, alias, stand_in)
        setattr(module, stand_in.__name__, stand_in)
        sys.modules[name] = module


def _public_names(module: types.ModuleType) -> list[str]:
    return [name for name in list(vars(module)) if not name.startswith("_")][:MAX_NAMES]

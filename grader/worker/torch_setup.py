"""Import torch once, quickly, and put its global state back between scenarios."""

from __future__ import annotations

import importlib
import random
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np

SEED = 20_240_607
_PLAIN_SEED = random.Random.seed


class _LazyDynamo(types.ModuleType):
    """Stands in for `torch._dynamo`, which eager code never needs and which takes a second.

    `torch.optim` imports it only to call `disable`. Whoever asks for anything else gets the real
    module, which then takes this one's place.
    """

    def __getattr__(self, name: str) -> Any:
        # Its submodules are looked for along the real one's path.
        if name.startswith("__") and name != "__path__":
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def _disable(fn: Callable[..., Any] | None = None, *_args: Any, **_kwargs: Any) -> Any:
    return fn if fn is not None else lambda wrapped: wrapped


def _no_compile(model: Any = None, **_kwargs: Any) -> Any:
    return model if model is not None else lambda wrapped: wrapped


def _use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """What eager code gets of torch's own, which imports the compiler to tell it as well."""
    import torch

    torch._C._set_deterministic_algorithms(mode, warn_only=warn_only)


def prepare_torch() -> None:
    """Import torch: one thread, `torch.compile` a no-op, what imports the compiler cut.

    NumPy's generators are imported at their first use. Where memory does not suffice for them, that
    has to show before a submission is there to take the blame.
    """
    import numpy.random  # noqa: F401
    import torch

    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    torch.compile = _no_compile
    torch.use_deterministic_algorithms = _use_deterministic_algorithms
    stub = _LazyDynamo("torch._dynamo")
    stub.disable = _disable  # type: ignore[attr-defined]
    stub.graph_break = lambda *_a, **_k: None  # type: ignore[attr-defined]
    sys.modules["torch._dynamo"] = stub
    torch._dynamo = stub
    try:
        torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])
    except Exception:  # another torch than the one this was written for: pay the import
        sys.modules.pop("torch._dynamo", None)
        del torch._dynamo
        importlib.import_module("torch._dynamo")


class _Entropy:
    """A seeded stand-in for the operating system's entropy, as seen from Python."""

    def __init__(self, seed: int) -> None:
        self._source = random.Random(seed)

    def __call__(self, size: int) -> bytes:
        return self._source.randbytes(size)


def restore_globals(seed: int | None = None) -> None:
    """Default dtype, device, grad mode, thread count, generators and entropy as at the start."""
    import os

    import torch

    seed = SEED if seed is None else seed
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)
    torch.set_grad_enabled(True)
    torch.autograd.set_detect_anomaly(False)
    torch._C._set_deterministic_algorithms(False, warn_only=False)
    if torch.get_num_threads() != 1:
        torch.set_num_threads(1)
    entropy = _Entropy(seed)
    os.urandom = entropy
    random._urandom = entropy  # type: ignore[attr-defined]
    _seed_from(entropy)
    seed_generators(seed)


def _seed_from(entropy: Callable[[int], bytes]) -> None:
    """Let `random.Random()` and `random.seed()` without a seed draw theirs from `entropy`.

    Their own way to the operating system's is in C.
    """

    def reseed(self: random.Random, a: Any = None, version: int = 2) -> None:
        _PLAIN_SEED(self, int.from_bytes(entropy(32), "big") if a is None else a, version)

    random.Random.seed = reseed  # type: ignore[method-assign]
    random.seed = random._inst.seed


def seed_generators(seed: int) -> None:
    """Seed the three global generators that submissions draw from."""
    import torch

    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def generator_draws() -> list[float]:
    """One number from each global generator."""
    import torch

    return [random.random(), float(np.random.random()), float(torch.rand(()))]

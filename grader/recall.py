"""What the judge works out from the key alone, kept from one submission to the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Recall(Protocol):
    """Gives what `make` gave when it was asked for by this name before."""

    def __call__(self, name: str, make: Callable[[], T], /) -> T: ...


def afresh(_name: str, make: Callable[[], T]) -> T:
    """For who grades one submission: nothing is remembered."""
    return make()


class Memory:
    """Of one key at a time. What is kept must follow from the key and the name, and is not to be
    changed by whoever gets it."""

    def __init__(self) -> None:
        self._key: bytes | None = None
        self._known: dict[str, Any] = {}

    def of(self, key: bytes) -> Recall:
        """What is known under this key; what was known under another is forgotten."""
        if key != self._key:
            self._key, self._known = key, {}
        known = self._known

        def recall(name: str, make: Callable[[], T]) -> T:
            if name not in known:
                known[name] = make()
            found: T = known[name]
            return found

        return recall

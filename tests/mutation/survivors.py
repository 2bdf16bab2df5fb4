"""The list of mutants that may survive, told apart by the text that was changed."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("survivors.toml")


@dataclass(frozen=True)
class Mutant:
    """One change: in which function, and the changed lines before and after it.

    No line numbers, and not mutmut's own: they move with every edit.
    """

    function: str
    was: str
    now: str

    @classmethod
    def of(cls, name: str, diff: str) -> Mutant:
        """From mutmut's name, `module.xǁClassǁmethod__mutmut_7`, and a unified diff."""
        module, _, mangled = name.rpartition("__mutmut_")[0].rpartition(".")
        function = mangled[2:].replace("ǁ", ".")
        body = diff.splitlines()[3:]
        was, now = (
            "\n".join(text[1:].strip() for text in body if text.startswith(sign)) for sign in "-+"
        )
        return cls(f"{module}.{function}", was, now)


@dataclass(frozen=True)
class Alike:
    """Mutants whose two texts are the same once everything that matches is taken out."""

    pattern: re.Pattern[str]
    reason: str


@dataclass(frozen=True)
class Survivors:
    """What `survivors.toml` says."""

    alike: list[Alike]
    single: dict[Mutant, str]

    def reason(self, mutant: Mutant) -> str | None:
        """Why this mutant may survive; None when nothing says so."""
        for kind in self.alike:
            if kind.pattern.sub("", mutant.was) == kind.pattern.sub("", mutant.now):
                return kind.reason
        return self.single.get(mutant)


def load_survivors(path: Path = FILE) -> Survivors:
    """The list, as `survivors.toml` describes it."""
    table = tomllib.loads(path.read_text("utf-8"))
    single = {}
    for group in table["survivors"]:
        for entry in group["mutants"]:
            for now in entry["now"]:
                mutant = Mutant(entry["function"], entry["was"], now)
                assert mutant not in single, f"{mutant} stands there twice"
                single[mutant] = group["reason"]
    alike = [Alike(re.compile(kind["pattern"]), kind["reason"]) for kind in table["alike"]]
    return Survivors(alike, single)

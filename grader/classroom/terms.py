"""What decides a verdict besides the submission: grader, rubric, key, options, environment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from grader.rubric import HIDDEN_FOLDER, load_rubric
from grader.trials.identity import identity

#: Code that decides what a report says, as patterns below `grader`; the rubric counts for itself.
SOURCES = (
    "client.py",
    "environment.py",
    "explanations.py",
    "grading.py",
    "limits.py",
    "memory.py",
    "recall.py",
    "misconceptions.toml",
    "solving.py",
    "strengthening.py",
    "unscored.py",
    "cartpole/*.py",
    "checks/*",
    "confine/**/*.py",
    "hidden/*",
    "oracle/*.py",
    "protocol/*.py",
    "report/model.py",
    "report/safe.py",
    "report/source.py",
    "sandbox/*.py",
    "worker/*.py",
)


def grader_hash() -> str:
    """A name for the code that makes verdicts: equal on every machine with the same version."""
    return identity({}, SOURCES, ())


@dataclass(frozen=True)
class Terms:
    """Verdicts on equal submissions under equal terms, in equal environments, are equal."""

    grader: str
    rubric: str
    key_id: str
    options: str

    @staticmethod
    def of(key_id: str, solve: bool, only: Iterable[str], *, hidden: bool = False) -> Terms:
        """The terms of this grader; `hidden` says whether hidden checks are asked too."""
        options = json.dumps({"solve": solve, "only": sorted(only), "hidden": hidden})
        rubric = load_rubric(hidden=HIDDEN_FOLDER if hidden else None)
        return Terms(grader_hash(), rubric.sha256, key_id, options)

    @property
    def hidden(self) -> bool:
        """Whether hidden checks are asked too."""
        return bool(json.loads(self.options)["hidden"])

    @property
    def narrowed(self) -> str:
        """The options that left something out, as they are typed; empty when all was graded."""
        options = json.loads(self.options)
        words = [] if options["solve"] else ["--no-solve"]
        return " ".join([*words, *(f"--only {part}" for part in options["only"])])


def environment_id(entry: Mapping[str, object]) -> str:
    """A name for an environment."""
    text = json.dumps(dict(entry), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]

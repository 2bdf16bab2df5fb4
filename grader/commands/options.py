"""The options that commands share, and what they mean for a grading."""

from __future__ import annotations

import argparse
import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING

from grader.commands.messages import UsageError

if TYPE_CHECKING:
    from grader.grading import Options
    from grader.sandbox.lending import StartKept

TIERS = ("bubblewrap", "landlock", "uid+seccomp", "plain")
PARTS = ("q_network", "sample", "update", "update_target", "cartpole")
KEY_VARIABLE = "DQN_GRADER_KEY_FILE"


def add_grading_options(parser: argparse.ArgumentParser) -> None:
    """What a grading has, of one submission or of many."""
    parser.add_argument("--no-solve", action="store_true", help="leave the CartPole run out")
    parser.add_argument(
        "--only",
        metavar="PART",
        action="append",
        choices=PARTS,
        default=[],
        help=f"grade one part; may be repeated ({', '.join(PARTS)})",
    )
    parser.add_argument("--key", metavar="FILE", help=f"key of the seeds (or {KEY_VARIABLE})")
    add_sandbox_options(parser)
    parser.add_argument(
        "--official",
        action="store_true",
        help="staff grading: with a secret key and hidden checks, in a real sandbox or not at all",
    )


def add_sandbox_options(parser: argparse.ArgumentParser) -> None:
    """Where submissions may run."""
    parser.add_argument(
        "--sandbox",
        choices=("auto", *TIERS),
        default="auto",
        help="isolation tier (default: the strongest that works here)",
    )
    parser.add_argument(
        "--sandbox-min",
        metavar="TIER",
        choices=TIERS,
        default="plain",
        help=f"refuse to grade in a weaker tier ({', '.join(TIERS)})",
    )


def require_something(arguments: argparse.Namespace) -> None:
    """`UsageError` when the options leave nothing to grade."""
    if arguments.no_solve and set(arguments.only) == {"cartpole"}:
        raise UsageError(
            "`--only cartpole` and `--no-solve` leave nothing to grade", "drop one of the two"
        )


def isolation(arguments: argparse.Namespace) -> StartKept:
    """How workers are started, within what the options allow."""
    from grader.sandbox.tiers import start_strongest

    wanted, least = allowed_tiers(arguments)
    return functools.partial(start_strongest, wanted=wanted, least=least)


def allowed_tiers(arguments: argparse.Namespace) -> tuple[str, str]:
    """The isolation tier that is wanted, and the weakest that may serve."""
    from grader.sandbox.tiers import REAL, eligible

    wanted, least = arguments.sandbox, arguments.sandbox_min
    if arguments.official and not eligible(least, REAL):
        least = REAL
    if not eligible(wanted, least):
        floor = "--official" if least != arguments.sandbox_min else f"--sandbox-min {least}"
        raise UsageError(
            f"`--sandbox {wanted}` is weaker than `{floor}` allows", "drop one of them"
        )
    return wanted, least


def grading_options(arguments: argparse.Namespace) -> Options:
    """What is graded, for whom and with which key; `UsageError` when that cannot be."""
    from grader.grading import Options
    from grader.keys import PUBLIC_KEY, Key, KeyFileError, load_key
    from grader.rubric import HIDDEN_FOLDER

    key_file = arguments.key or os.environ.get(KEY_VARIABLE)
    try:
        key = load_key(Path(key_file) if key_file else None)
    except KeyFileError as error:
        raise UsageError(str(error), "name a file with at least 16 random bytes") from None
    if arguments.official and key == Key(PUBLIC_KEY):
        raise UsageError(
            "`--official` needs a secret key, and the public one is in every student's hands",
            f"name a key file: `--key FILE` or {KEY_VARIABLE}",
        )
    if arguments.official and not HIDDEN_FOLDER.is_dir():
        raise UsageError(
            "`--official` needs the hidden checks, which are not in this copy of the grader",
            "grade officially with the course staff's copy",
        )
    return Options(
        solve=not arguments.no_solve,
        only=frozenset(arguments.only),
        view=getattr(arguments, "view", "staff"),
        key=key,
        hidden=HIDDEN_FOLDER if arguments.official else None,
    )

"""The page of the command line, read off the parsers themselves, and of the make targets."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from grader.documenting.markdown import code, page, table

SOURCE = "the parsers of `python -m grader`, Makefile and staff.mk"
MAKEFILES = ("Makefile", "staff.mk")
_TARGET = re.compile(r"^(?P<name>[a-z-]+):[^#\n]* ## (?P<told>.+)$", re.M)
_VARIABLE = re.compile(r"^##   (?P<name>\S+=(?:\"[^\"]*\"|\S+)) +(?P<told>.+)$", re.M)
_ENDS = "For every command, status 130 says that it was interrupted."
_MAKE = """\
Each target first brings `.venv` to the versions in `constraints.txt`.
Those of `staff.mk` are not in a student's copy, where `make test` is `make check`."""


def commands_page(parser: argparse.ArgumentParser, root: Path) -> str:
    """The page; `root` has the makefiles."""
    commands = list(leaves(parser))
    blocks = [
        table(["command", ""], ([f"[{code(c.prog)}](#{_anchor(c)})", t] for c, t in commands)),
        _ENDS,
        *(_command(command, told) for command, told in commands),
        "## Make targets",
        _MAKE,
        _targets(root),
    ]
    return page("Command line", SOURCE, *blocks)


def leaves(
    parser: argparse.ArgumentParser, told: str = ""
) -> Iterator[tuple[argparse.ArgumentParser, str]]:
    """The commands without subcommands of their own, each with what it is for."""
    below = subcommands(parser)
    if not below:
        yield parser, told
    for command, help_text in below.values():
        yield from leaves(command, help_text)


def subcommands(
    parser: argparse.ArgumentParser,
) -> dict[str, tuple[argparse.ArgumentParser, str]]:
    """The subcommands of a parser by name, each with its help."""
    found: dict[str, tuple[argparse.ArgumentParser, str]] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            told = {choice.dest: choice.help or "" for choice in action._choices_actions}
            found |= {name: (command, told[name]) for name, command in action.choices.items()}
    return found


def _anchor(command: argparse.ArgumentParser) -> str:
    return command.prog.replace(".", "").replace(" ", "-")


def _command(command: argparse.ArgumentParser, told: str) -> str:
    actions = [a for a in command._actions if not isinstance(a, argparse._HelpAction)]
    blocks = [f"## {code(command.prog)}", _sentence(told)]
    if actions:
        blocks.append(table(["argument", "meaning"], ([_usage(a), _meaning(a)] for a in actions)))
    if command.epilog:
        blocks.append(command.epilog)
    return "\n\n".join(blocks)


def _usage(action: argparse.Action) -> str:
    name = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    value = "|".join(map(str, action.choices)) if action.choices and not action.metavar else name
    if not action.option_strings:
        return code(f"[{value}]" if action.nargs == "?" else value)
    if action.nargs == 0:
        return code(action.option_strings[0])
    return code(f"{action.option_strings[0]} {value}" + (" …" if action.nargs == "+" else ""))


def _meaning(action: argparse.Action) -> str:
    """The help, with what it leaves open: choices, default, and whether it must be given."""
    told = action.help or ""
    notes = []
    if action.choices and action.metavar and not all(str(c) in told for c in action.choices):
        notes.append(", ".join(code(choice) for choice in action.choices))
    shown = isinstance(action.default, str) and action.default and action.default not in told
    if shown and "default" not in told:
        notes.append(f"default: {code(action.default)}")
    if action.required and action.option_strings:
        notes.append("must be given")
    return "; ".join([told, *notes]) if told else "; ".join(notes)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def targets(root: Path) -> dict[str, str]:
    """What `make help` lists: targets with what they do."""
    texts = [(root / name).read_text(encoding="utf-8") for name in MAKEFILES]
    return {found["name"]: found["told"] for text in texts for found in _TARGET.finditer(text)}


def _targets(root: Path) -> str:
    variables = _VARIABLE.finditer((root / MAKEFILES[0]).read_text(encoding="utf-8"))
    rows = ([code(f"make {name}"), told] for name, told in targets(root).items())
    return "\n\n".join(
        [
            table(["target", "what it does"], rows),
            table(["variable", "meaning"], ([code(v["name"]), v["told"]] for v in variables)),
        ]
    )

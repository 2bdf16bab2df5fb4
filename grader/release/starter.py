"""Make starter/ from solution/: `python -m grader.release.starter [--check] [--force]`.

The solution is the single source. In it, the code that a student writes stands between two markers,
with lines for the stub right after the first one if there is something to say:

    # >>> student: DQNAgent.update
    # todo: what the comment in the stub says
    ...
    # <<< student

In the starter the region is a `# TODO` comment and a `raise NotImplementedError`. A manifest in the
starter records the digests of what was generated, so that a file edited since is not overwritten.
"""

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from pathlib import Path

from grader.release import write_atomic

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = ".generated.json"

OPENING = re.compile(r"(?P<indent>[ ]*)# >>> student:[ ]*(?P<task>\S*)[ ]*")
CLOSING = re.compile(r"[ ]*# <<< student[ ]*")
LIKE_A_MARKER = re.compile(r"#\s*(>>>|<<<)")
TODO_LINE = re.compile(r"[ ]*# todo:[ ]*(?P<text>.+)")


class StarterError(Exception):
    """The solution cannot be turned into a starter; the text names file and line."""


class State(Enum):
    """How a file of the starter relates to a fresh generation and to the recorded one."""

    CURRENT = "is up to date"
    MISSING = "is missing"
    OUTDATED = "is outdated"
    EDITED = "was edited"
    LEFT_OVER = "is no longer generated"


# --- from a solution's text to a starter's ------------------------------------------------------


def strip_solution(source: str, name: str) -> str:
    """Replace every marked region of ``source`` by a stub that raises NotImplementedError.

    Args:
        source: text of a module of the solution, lines ended by ``\\n``.
        name: what error messages call it.

    Raises:
        StarterError: a marker is unclosed, nested, unnamed, stray or malformed, or the result is
            no valid Python.
    """
    kept: list[str] = []
    opened: tuple[int, str] | None = None  # line and task of the region that we are in
    indent = ""
    todos: list[str] = []
    head = False  # still among the todo lines at the region's start
    for number, line in enumerate(source.splitlines(), start=1):
        if opening := OPENING.fullmatch(line):
            if opened:
                raise StarterError(
                    f"{name}:{number}: marker inside the region of line {opened[0]} ({opened[1]})"
                )
            if not opening["task"]:
                raise StarterError(f"{name}:{number}: marker names no task")
            opened, head = (number, opening["task"]), True
            indent, todos = opening["indent"], []
        elif CLOSING.fullmatch(line):
            if not opened:
                raise StarterError(f"{name}:{number}: closing marker without an opening one")
            kept += stub(opened[1], todos, indent)
            opened = None
        elif LIKE_A_MARKER.search(line):
            raise StarterError(f"{name}:{number}: malformed marker `{line.strip()}`")
        elif not opened:
            kept.append(line)
        elif head and (todo := TODO_LINE.fullmatch(line)):
            todos.append(todo["text"])
        else:
            head = False
    if opened:
        raise StarterError(f"{name}:{opened[0]}: marker ({opened[1]}) is never closed")
    starter = "".join(f"{line}\n" for line in kept)
    try:
        compile(starter, name, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise StarterError(f"{name}: its starter is no valid Python: {error}") from error
    return starter


def stub(task: str, todos: Sequence[str], indent: str) -> list[str]:
    """Lines that stand in the starter for the region ``task``."""
    return [
        f"{indent}# TODO {task}",
        *(f"{indent}# {text}" for text in todos),
        f'{indent}raise NotImplementedError("{task} is not written yet")',
    ]


def generate(solution: Path) -> dict[str, bytes]:
    """Generate the starter's files, by name, from the modules directly in ``solution``.

    Raises:
        StarterError: see `strip_solution`; or there are no modules.
    """
    modules = sorted(solution.glob("*.py"))
    if not modules:
        raise StarterError(f"{solution}: no Python modules here")
    # read_text translates line ends, so the starter's are always \n.
    return {
        module.name: strip_solution(module.read_text(encoding="utf-8"), str(module)).encode()
        for module in modules
    }


# --- what is on disk ----------------------------------------------------------------------------


def digest(data: bytes) -> str:
    """SHA-256 in hex of ``data`` with ``\\n`` line ends: git may check files out with others."""
    return hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest()


def read_manifest(starter: Path) -> dict[str, str]:
    """Digests of the files generated last, by name; empty if nothing was generated yet.

    Raises:
        StarterError: the manifest is damaged.
    """
    path = starter / MANIFEST
    try:
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
        return {str(name): str(value) for name, value in files.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StarterError(
            f"{path}: damaged manifest ({error!r})\nhint: restore it, or delete it and use --force"
        ) from error


def survey(
    starter: Path, generated: Mapping[str, bytes], recorded: Mapping[str, str]
) -> dict[str, State]:
    """Compare the files of ``starter`` with ``generated``, and with what was ``recorded``."""
    states = {}
    for name in sorted({*generated, *recorded}):
        path = starter / name
        present = digest(path.read_bytes()) if path.is_file() else None
        wanted = digest(generated[name]) if name in generated else None
        if present == wanted:
            states[name] = State.CURRENT
        elif present is None:
            states[name] = State.MISSING
        elif present != recorded.get(name):
            states[name] = State.EDITED
        else:
            states[name] = State.OUTDATED if wanted else State.LEFT_OVER
    return states


def write(starter: Path, generated: Mapping[str, bytes], states: Mapping[str, State]) -> None:
    """Bring ``starter`` up to date, the manifest last; files that are current stay untouched."""
    starter.mkdir(parents=True, exist_ok=True)
    for name, state in states.items():
        if state is State.CURRENT:
            continue
        if name in generated:
            write_atomic(starter / name, generated[name])
        else:
            (starter / name).unlink()
    digests = {name: digest(data) for name, data in sorted(generated.items())}
    if digests != read_manifest(starter):
        manifest = json.dumps({"files": digests}, indent=2) + "\n"
        write_atomic(starter / MANIFEST, manifest.encode())


# --- command line -------------------------------------------------------------------------------


def tell(starter: Path, states: Mapping[str, State], which: Iterable[State]) -> None:
    """Say, one line per file, what is the matter with the files in one of the states ``which``."""
    chosen = set(which)
    for name, state in states.items():
        if state in chosen:
            print(f"starter: `{starter / name}` {state.value}", file=sys.stderr)


def run(solution: Path, starter: Path, *, check: bool, force: bool) -> int:
    """Check or write the starter; returns the exit status, 1 if it differs or was edited."""
    generated = generate(solution)
    recorded = read_manifest(starter)
    states = survey(starter, generated, recorded)
    if check:
        tell(starter, states, set(State) - {State.CURRENT})
        unrecorded = recorded != {name: digest(data) for name, data in generated.items()}
        if unrecorded and set(states.values()) == {State.CURRENT}:
            print(f"starter: `{starter / MANIFEST}` is outdated", file=sys.stderr)
        return int(unrecorded or set(states.values()) != {State.CURRENT})
    if State.EDITED in states.values() and not force:
        tell(starter, states, [State.EDITED])
        print("starter: nothing written\nhint: --force overwrites edited files", file=sys.stderr)
        return 1
    write(starter, generated, states)
    print(f"starter: `{starter}` is up to date", file=sys.stderr)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 up to date, 1 different or edited, 2 the solution is unusable."""
    parser = argparse.ArgumentParser(
        prog="python -m grader.release.starter",
        description="Generate the starter from the solution.",
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="write nothing; exit 1 on differences")
    mode.add_argument("--force", action="store_true", help="overwrite files that were edited")
    parser.add_argument("--solution", type=Path, default=ROOT / "solution", metavar="DIR")
    parser.add_argument("--starter", type=Path, default=ROOT / "starter", metavar="DIR")
    options = parser.parse_args(arguments)
    try:
        return run(options.solution, options.starter, check=options.check, force=options.force)
    except (StarterError, OSError) as error:
        print(f"starter: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
